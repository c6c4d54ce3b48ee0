"""Hydra's search path ends in the `conf` folder of the current folder: a user's own YAMLs. Imported at each start."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class OwnConf(SearchPathPlugin):
    """Appends `./conf` where it exists and is not the program's own; a name that both have means the program's."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        from joulemark.core.paths import CONF, own_conf

        folder = own_conf()
        if folder.is_dir() and folder.resolve() != CONF:
            search_path.append("joulemark-own", f"file://{folder}")
