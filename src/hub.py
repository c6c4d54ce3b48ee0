"""Asking the Hub what it holds, with an end to the waiting and one line for every refusal."""

import threading
from collections.abc import Callable
from typing import Any

from src.core import UserError

DEADLINE_S = 8.0


def described(kind: str, repository: str, revision: str | None, key: str) -> Any | None:
    """The Hub's description of a `model` or `dataset`: commit and files; None where the Hub cannot be reached.

    UserError for a repository that is gated, missing or misnamed; `key` is the word that named it.
    """
    from huggingface_hub import HfApi, errors

    ask = getattr(HfApi(), f"{kind}_info")
    try:
        return within(DEADLINE_S, lambda: ask(repository, revision=revision, timeout=DEADLINE_S / 2))
    except errors.GatedRepoError:
        place = repository if kind == "model" else f"datasets/{repository}"
        raise UserError(
            f"{key}={repository} is gated; accept its terms at https://huggingface.co/{place} and set HF_TOKEN"
        ) from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"{key}={repository} does not exist on the Hub, or is private: check the spelling, or set HF_TOKEN"
        ) from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{kind} revision {revision} does not exist in {repository}; leave it out") from None
    except errors.HFValidationError:
        raise UserError(f"{key}={repository} is no Hub id; one looks like owner/name") from None
    except errors.HfHubHTTPError as error:
        if error.response is not None and error.response.status_code >= 500:
            return None
        raise UserError(f"{key}={repository}: the Hub refuses ({str(error).splitlines()[0]})") from None
    except (errors.OfflineModeIsEnabled, *network_errors()):
        return None


def network_errors() -> tuple[type[BaseException], ...]:
    """What the Hub's client raises when nothing answers; it moved from httpx to httpx2 in huggingface_hub 2."""
    try:
        import httpx2 as httpx
    except ImportError:
        import httpx  # type: ignore[no-redef, import-not-found, unused-ignore]
    return (httpx.TransportError, ConnectionError, TimeoutError)


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The work's result; TimeoutError when it takes longer.

    The client's own timeout does not cover the name lookup, which alone can take half a minute without network.
    """
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["result"] = work()
        except BaseException as error:  # handed to the caller's thread, never swallowed
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if "error" in outcome:
        raise outcome["error"]
    if "result" not in outcome:
        raise TimeoutError(f"no answer within {seconds} s")
    return outcome["result"]
