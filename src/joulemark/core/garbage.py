"""Garbage collection where it finds nothing: it rests while packages are imported, and as a process ends.

Importing torch and transformers makes a million objects that stay. Collections meanwhile, and the last one before the
exit, visit them all: a third of a short run's processor time. A process calls this for itself, never a library's user.
"""

import atexit
import gc


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
