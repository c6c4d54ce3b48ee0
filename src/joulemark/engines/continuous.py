"""transformers' continuous batching in this process: a request joins the next forward pass, whoever else is under way.

The driver's thread sends and takes; one thread of text makes tokens of prompts and words of answers; transformers' own
runs the model. Answers are greedy, as those of fixed batches.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.model import Checkpoint, Model, Settings
from joulemark.core.serving import Clock, EngineNeeds
from joulemark.core.task import Task
from joulemark.data import embedded
from joulemark.engines.continuous_server import ContinuousServer
from joulemark.engines.settings import check_settings
from joulemark.models.backend.continuous_batching import WITH_PAGES

SCHEDULERS = ("fifo", "prefill_first")
# Architectures known to compute attention by themselves, so that nothing is loaded to refuse them
WITHOUT_PAGES = ("bloom", "gpt_neo", "mamba", "rwkv")


@dataclass(frozen=True)
class Continuous:
    """Continuous batching over a paged cache; None of an option is transformers' own choice, which the record tells.

    Attributes:
        pages: blocks of the cache, each of `page_tokens` tokens of every layer; None: as many as `memory_share` holds
        page_tokens: tokens of a page, at least 4
        memory_share: share of the free memory that cache and inputs may take, in (0, 1]
        batch_tokens: most tokens of one forward pass, prompts' and answers' together
        requests: most requests of one forward pass
        cuda_graphs: whether forward passes are recorded as CUDA graphs
        overlap: whether the next pass is prepared while one runs, for twice the memory of the inputs
        share_prefixes: whether prompts that begin alike share pages, so that a repeated prompt costs less
        scheduler: `fifo` (answers under way first) or `prefill_first` (prompts begun first); None: fifo
    """

    needs: ClassVar[EngineNeeds] = EngineNeeds(
        kinds=("causal_lm",),
        local=True,
        settings={
            "precision": ("fp32", "tf32", "bf16", "fp16"),
            "batch_size": (1,),
            "sort": ("none",),
            "preprocessing": ("transformers",),
            "cache": ("dynamic",),
            "compile": (False,),
            "pad_to_multiple_of": (1,),
            "batch_tokens": (0,),
        },
    )

    pages: int | None = None
    page_tokens: int | None = None
    memory_share: float | None = None
    batch_tokens: int | None = None
    requests: int | None = None
    cuda_graphs: bool | None = None
    overlap: bool | None = None
    share_prefixes: bool | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("pages", 1), ("page_tokens", 4), ("batch_tokens", 1), ("requests", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"engine.{name}={value} must be at least {least}")
        if self.memory_share is not None and not 0 < self.memory_share <= 1:
            raise UserError(f"engine.memory_share={self.memory_share} must be a share above 0 and at most 1")
        if self.scheduler not in (None, *SCHEDULERS):
            raise UserError(f"engine.scheduler={self.scheduler} is not one of {', '.join(SCHEDULERS)}")

    @property
    def name(self) -> str:
        """The option that chose it."""
        return "continuous"

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings as they were asked for; what came of them is in the server's facts."""
        return asdict(self)

    def check(self, model: Model, task: Task, hardware: Hardware) -> None:
        """Refuses several GPUs, architectures without pages, and what only a GPU can do; UserError."""
        if (architecture := _architecture(model.checkpoint)) in WITHOUT_PAGES:
            raise UserError(f"engine=continuous: a {architecture} has no attention that reads pages; {WITH_PAGES}")
        if len(hardware.uuids) > 1:
            raise UserError("engine=continuous runs on one GPU; type hardware.index=0")
        for name in ("cuda_graphs", "overlap"):
            if getattr(self, name) and hardware.device not in ("cuda", "rocm"):
                raise UserError(f"engine.{name}=true needs a GPU; type engine.{name}=null")

    def start(self, model: Model, task: Task, device: str, settings: Settings, clock: Clock) -> ContinuousServer:
        """The model on its device, its pages and graphs ready; UserError where they do not go together."""
        check_settings(self, settings)
        return ContinuousServer(model.load(task, device, settings), self.options, settings.attention == "auto", clock)


def _architecture(checkpoint: Checkpoint) -> str | None:
    """The checkpoint's architecture as far as it is known before it is loaded."""
    if checkpoint.weights == "embedded":
        return embedded.architecture(checkpoint.id)
    known: str | None = checkpoint.shape.get("model_type")
    return known
