"""The real conf/ composed and built, as the command does it."""

from hydra import initialize_config_dir

from src import config
from src.composed import composed


def built(*words: str) -> config.Run:
    """The run that these words ask for."""
    with initialize_config_dir(str(config.CONF), version_base="1.3"):
        return composed(words)
