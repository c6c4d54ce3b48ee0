"""Queries to the Hub, each with a time limit and one line for every refusal."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError

DEADLINE_S = 8.0


def described(kind: str, repository: str, revision: str | None, key: str) -> Any | None:
    """The Hub's description of a `model` or `dataset`: commit and files; None where the Hub cannot be reached.

    UserError for a repository that is gated, missing or misnamed; `key` is the option that named it.
    """
    from huggingface_hub import HfApi, errors

    api = HfApi()
    query = getattr(api, f"{kind}_info")

    def description() -> Any:
        about = query(repository, revision=revision, timeout=DEADLINE_S / 2)
        if about.gated:  # its description is open to all, its files are not
            api.auth_check(repository, repo_type=kind)
        return about

    try:
        return within(DEADLINE_S, description)
    except (errors.HfHubHTTPError, errors.HFValidationError) as error:
        refused = refusal(error, kind, repository, revision, key)
        if refused is None and error.response is not None and error.response.status_code >= 500:
            return None
        raise refused or UserError(f"{key}={repository}: the Hub refuses ({str(error).splitlines()[0]})") from None
    except network_errors():
        return None


def refusal(error: BaseException, kind: str, repository: str, revision: str | None, key: str) -> UserError | None:
    """One line for a repository that is gated, missing or misnamed; None for any other trouble.

    A gated repository is also recognised where a package wrapped the Hub's error.
    """
    from huggingface_hub import errors

    if any(isinstance(cause, errors.GatedRepoError) for cause in _causes(error)):
        return gated(kind, repository, key)
    if isinstance(error, errors.RevisionNotFoundError):
        return UserError(f"{kind} revision {revision} does not exist in {repository}; leave it out")
    if isinstance(error, errors.RepositoryNotFoundError):
        return UserError(
            f"{key}={repository} does not exist on the Hub, or is private: check the spelling, or set HF_TOKEN"
        )
    if isinstance(error, errors.HFValidationError):
        return UserError(f"{key}={repository} is not a Hub id, which has the form owner/name")
    return None


def gated(kind: str, repository: str, key: str) -> UserError:
    """The refusal of a gated repository: which terms to accept, and where."""
    from huggingface_hub import get_token

    place = repository if kind == "model" else f"datasets/{repository}"
    how = "with the account whose token you use" if get_token() else "and set HF_TOKEN"
    return UserError(f"{key}={repository} is gated; accept its terms at https://huggingface.co/{place} {how}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def json_of(repository: str, file: str, commit: str) -> Any:
    """What a small JSON file of a model's repository holds, by way of the cache; raises as the Hub's client does."""
    from huggingface_hub import hf_hub_download

    path = within(DEADLINE_S, lambda: hf_hub_download(repository, file, revision=commit))
    return json.loads(Path(path).read_text(encoding="utf-8"))


def cached(repository: str, revision: str | None) -> Path | None:
    """The folder of a model's snapshot that was downloaded before, if only its configuration; None where there is none.

    Asks no network.
    """
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            repository, revision=revision, local_files_only=True, allow_patterns=["config.json", "model_index.json"]
        )
    except errors.LocalEntryNotFoundError:
        return None
    return Path(folder)


def require_network() -> None:
    """Returns when the Hub answers; UserError, one line within ten seconds, where it does not."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    where = constants.ENDPOINT
    if constants.HF_HUB_OFFLINE:
        raise UserError(f"no network: HF_HUB_OFFLINE is set; unset it to ask the Hub at {where}")
    try:
        response = within(DEADLINE_S, lambda: get_session().get(f"{where}/api/models?limit=1", timeout=DEADLINE_S / 2))
    except network_errors():
        raise UserError(
            f"no network: the Hub at {where} cannot be reached; connect this machine, or set HF_ENDPOINT to a mirror"
        ) from None
    if response.status_code >= 500:
        raise UserError(f"the Hub at {where} is out of order (status {response.status_code}); try again later")


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
        raise TimeoutError(f"no answer within {seconds:g} s")
    return outcome["result"]
