"""Memory that nothing uses any more, looked for where there is some: not while packages are imported, nor at the end.

Importing torch and transformers makes a million objects that stay. Collections meanwhile, and the last one before the
exit, visit them all: a third of a short run's processor time. A process calls this for itself, never a library's user.
"""

import atexit
import ctypes
import gc
from contextlib import suppress


def rest() -> None:
    """Nothing is collected until `resume`."""
    gc.disable()


def resume() -> None:
    """Collects again, but none of the objects that are there by now: none of a million is visited within a window."""
    gc.freeze()
    gc.enable()


def none_at_exit() -> None:
    """This process ends without looking for garbage: its memory goes back as a whole. Destructors run as ever."""
    atexit.register(gc.freeze)


def give_back() -> None:
    """Returns to the system what malloc holds and nothing uses: of a million inputs, once read, some forty megabytes.

    glibc's; elsewhere nothing happens.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
