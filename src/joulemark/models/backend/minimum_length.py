"""A fewest number of tokens for each request of a continuous batch, as `generate` has min_new_tokens.

transformers drops its own processor for this, which counts from the start of a padded batch.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


def processor(ends: Sequence[int], device: Any) -> Any:
    """Rules these tokens out of what a request may say next, until it has as many as its `min_new_tokens`."""
    import torch
    from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

    columns = torch.tensor(ends, device=device)

    class MinimumLength(ContinuousBatchingLogitsProcessor):  # type: ignore[misc, unused-ignore]
        supported_kwargs: ClassVar = {"min_new_tokens": int}
        ignored_kwargs: ClassVar = ()

        def fill_defaults(self, int32_tensor: Any) -> None:
            int32_tensor.zero_()

        def prepare_tensor_args(self, requests_with_new_token: Sequence[Any]) -> Any:
            return torch.tensor([_is_short(request.state) for request in requests_with_new_token], dtype=torch.int32)

        def __call__(self, scores: Any, tensor_arg: Any) -> Any:
            short = tensor_arg[: scores.size(0), None] > 0
            scores[:, columns] = scores[:, columns].masked_fill(short, -torch.inf)
            return scores

    return MinimumLength()


def _is_short(state: Any) -> bool:
    """Whether a request that is about to have a token has fewer than its fewest.

    By its place in the text, which counts the token of a pass under way, and those of an answer that was begun anew.
    """
    prompt = state._true_initial_tokens or len(state.initial_tokens)
    return bool(state.position_offset - prompt < state.logit_processor_kwargs.get("min_new_tokens", 0))
