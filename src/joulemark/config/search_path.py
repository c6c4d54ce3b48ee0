"""Where Hydra looks for configuration: the program's conf/, and folders that the user wrote or named."""

from pathlib import Path

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

from joulemark.core.paths import CONF, own_conf

FILE = "file://"


def folders() -> list[str]:
    """Hydra's search path in order, as URIs; outside any command the program's conf/ and the user's own."""
    state = GlobalHydra.instance()
    if not state.is_initialized():
        return [f"{FILE}{CONF}", f"{FILE}{own_conf()}"]
    paths = [entry.path for entry in state.config_loader().get_search_path().get_path() if entry.path]
    if HydraConfig.initialized():
        paths += [source.path for source in HydraConfig.get().runtime.config_sources if source.path]
    return list(dict.fromkeys(path if "://" in path else f"{FILE}{path}" for path in paths))


def of_the_user() -> list[Path]:
    """The folders of it that do not ship: ./conf, and that of --config-dir."""
    local = [Path(folder.removeprefix(FILE)) for folder in folders() if folder.startswith(FILE)]
    return [folder for folder in local if folder.is_dir() and folder.resolve() != CONF]
