"""The door to transformers' continuous batching, whose parts are not all public: what is relied on is checked at once.

send ── ids ── manager's queue ── its thread: forward passes over the pages of all requests ── outlet ── tokens so far
"""

import copy
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from typing import Any

from joulemark.core.errors import UserError
from joulemark.models.backend import minimum_length
from joulemark.models.backend.generation import Generator, ids

# option of the engine -> transformers' name of it in ContinuousBatchingConfig
OPTIONS = {
    "pages": "num_blocks",
    "page_tokens": "page_size",  # block_size before transformers 5.18
    "memory_share": "max_memory_percent",
    "batch_tokens": "max_batch_tokens",
    "requests": "max_requests_per_batch",
    "cuda_graphs": "use_cuda_graph",
    "overlap": "use_async_batching",
    "share_prefixes": "allow_block_sharing",
    "scheduler": "scheduler_type",
}
# What is called or replaced of a manager, none of which transformers documents
OF_MANAGER = ("output_router", "background_thread_status", "logit_processor", "batch_processor")

# transformers' own 0.6 is of a card that nobody else uses; a host's memory is its other processes' as well
CPU_MEMORY_SHARE = 0.1
WITH_PAGES = "type engine=transformers, or model=embedded_llama, which ships with Joulemark and can be paged"

# What came of a request: its name, all its tokens so far, whether it has ended, and why it failed
Outlet = Callable[[str, Sequence[int], bool, str | None], None]


class ContinuousBatching:
    """A model whose requests share each forward pass, until it is stopped.

    Attributes:
        capacity: most tokens of prompt and answer of one request that the pages hold
        facts: the settings as transformers resolved them, JSON values
    """

    def __init__(
        self, generator: Generator, options: Mapping[str, Any], switch: bool, outlet: Outlet, ended: Callable[[], None]
    ) -> None:
        """Takes the memory of the pages, records the graphs and starts the thread; forward passes begin with a request.

        `switch` lets transformers take flash attention where it is there. `outlet` is called by the thread with each
        token; `ended` once the thread has ended, for whatever reason.

        Raises:
            UserError: this transformers, this architecture or these options do not go together
        """
        self._model = generator.model
        self._attention = self._model.config._attn_implementation
        check_architecture(self._model)
        # the thread's own traceback: what it says is handed on in one line
        logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
        try:
            self._manager = _manager(self._model, _config(self._model, options, switch))
            self._status = self._manager.background_thread_status
            self._manager.output_router.output_queue = _Sink(outlet)
            _call_after(self._status, "mark_as_stopped", ended)
            self._manager.warmup()
            self.capacity = _capacity(self._manager)
        except ValueError as error:
            raise UserError(f"engine=continuous: {error}; type engine=transformers") from None
        except (AttributeError, ImportError, TypeError) as error:
            raise UserError(
                f"engine=continuous knows transformers 5.17 to 5.23, and {version('transformers')} differs ({error}): "
                "install one of these or type engine=transformers"
            ) from None
        self.facts = {**_resolved(self._manager), "attention": self._model.config._attn_implementation}
        self._manager.start()

    def add(self, name: str, prompt: Sequence[int], min_new_tokens: int, max_new_tokens: int) -> None:
        """Asks; the outlet hears of each token."""
        self._manager.add_request(
            list(prompt),
            request_id=name,
            max_new_tokens=max_new_tokens,
            streaming=True,
            **({"min_new_tokens": min_new_tokens} if self._manager.logit_processor.do_processing else {}),
        )

    def cancel(self, name: str) -> None:
        """Gives a request up and its pages back; the outlet may still hear of a pass under way."""
        self._manager.cancel_request(name)

    @property
    def last_words(self) -> BaseException | None:
        """Why the thread died; None where it lives or was stopped."""
        error: BaseException | None = self._status.fatal_error
        return error

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The model as it was, its attention without pages, for other work while nothing is under way."""
        paged = self._model.config._attn_implementation
        self._restore()
        try:
            yield
        finally:
            if self._manager.is_running() and paged != self._attention:
                self._model.set_attn_implementation(paged)

    def stop(self, within_s: float) -> None:
        """Ends the thread after the pass under way, gives the pages back and the model its attention."""
        self._manager.stop(hard_stop=True, timeout=within_s)
        self._restore()

    def _restore(self) -> None:
        if self._model.config._attn_implementation != self._attention:
            self._model.set_attn_implementation(self._attention)


class _Sink:
    """Stands where transformers keeps the outputs that nobody has fetched, and hands them on at once."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def put(self, output: Any) -> None:
        """Hands on the tokens of a request until now, and whether it has ended or failed."""
        error = output.error if output.error is None else str(output.error)
        self._outlet(output.request_id, output.generated_tokens, output.is_finished(), error)


def check_architecture(model: Any) -> None:
    """UserError where the model computes its attention by itself: it would read no pages, and answer nonsense."""
    if not getattr(model, "_supports_attention_backend", False):
        raise UserError(
            f"engine=continuous: a {model.config.model_type} computes its attention by itself, without the pages of "
            f"continuous batching; {WITH_PAGES}"
        )


def _config(model: Any, options: Mapping[str, Any], switch: bool) -> Any:
    """transformers' configuration; an option that is None is left to it, but for a host's memory."""
    from transformers import ContinuousBatchingConfig

    known = {field.name for field in fields(ContinuousBatchingConfig)}
    if model.device.type == "cpu":
        options = {**options, "memory_share": options["memory_share"] or CPU_MEMORY_SHARE}
    chosen = {_name(option, known): value for option, value in options.items() if value is not None}
    if "auto_switch_to_flash" in known:
        return ContinuousBatchingConfig(auto_switch_to_flash=switch, **chosen)
    if not switch:  # before transformers 5.18 it takes flash attention unless the paged one is named
        model.set_attn_implementation(f"paged|{model.config._attn_implementation}")
    return ContinuousBatchingConfig(**chosen)


def _name(option: str, known: Collection[str]) -> str:
    return "block_size" if option == "page_tokens" and "page_size" not in known else OPTIONS[option]


def _manager(model: Any, config: Any) -> Any:
    """transformers' manager of a model's requests, greedy, each with a fewest number of tokens of its own."""
    generation = copy.deepcopy(model.generation_config)
    generation.min_new_tokens = None  # of each request, by the processor below
    ends = sorted(ids(generation.eos_token_id))
    if ends:
        from transformers import LogitsProcessorList

        processors = LogitsProcessorList([minimum_length.processor(ends, model.device)])
        model._get_logits_processor = lambda generation_config: processors
    try:
        manager = model.init_continuous_batching(generation, config)
    finally:
        model.__dict__.pop("_get_logits_processor", None)
    for name in OF_MANAGER:
        getattr(manager, name)
    manager.logit_processor.tensors_required = len(manager.logit_processor.logits_processor)
    return manager


def _call_after(thing: Any, name: str, then: Callable[[], None]) -> None:
    """Has a method of one object followed by a call."""
    method = getattr(thing, name)

    def followed() -> None:
        method()
        then()

    setattr(thing, name, followed)


def _capacity(manager: Any) -> int:
    cache = manager.batch_processor.cache
    if hasattr(cache, "num_groups"):  # before transformers 5.18: each group of layers takes pages of its own
        return int(cache.num_blocks // cache.num_groups * cache.block_size)
    from transformers.generation.continuous_batching.model_runner import infer_max_single_request_tokens

    return int(infer_max_single_request_tokens(cache))


def _resolved(manager: Any) -> dict[str, Any]:
    """The options as transformers resolved them; where it says one for each path, that of prefill comes first."""
    config = manager.continuous_batching_config
    values = {option: getattr(config, _name(option, vars(config))) for option in OPTIONS}
    return {option: list(value) if isinstance(value, tuple) else value for option, value in values.items()}
