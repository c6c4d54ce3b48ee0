"""The real conf/ composed and built, as the command does it."""

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from src import config
from src.run import GROUPS


def built(*words: str) -> config.Run:
    """The run that these words ask for."""
    with initialize_config_dir(str(config.CONF), version_base="1.3"):
        composed = compose("run", overrides=list(words), return_hydra_config=True)
    names = OmegaConf.to_container(composed.hydra.runtime.choices)
    OmegaConf.set_struct(composed, False)
    composed.pop("hydra")
    return config.build(composed, {group: names[group] for group in GROUPS})
