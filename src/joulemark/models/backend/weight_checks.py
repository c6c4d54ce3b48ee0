"""Whether loaded weights are what their checkpoint says: every tensor there, of its shape, finite, and none left over.

transformers and diffusers fill what a checkpoint lacks with random numbers and say so in a log; here it is refused.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.model import Checkpoint

# Tensors of training alone, and such as are computed where a file has them not
UNREAD = (
    r"position_ids|inv_freq|num_batches_tracked|masked_spec_embed|mask_token|relative_position_index|final_logits_bias"
)
MAY_LACK = re.compile(rf"(^|\.)({UNREAD})$")
# Tensors of older files that later versions compute
COMPUTED = (
    r"masked_bias|version|_float_tensor|embed_positions\.weights?|\w*embeddings\._weight|(cross)?att(ention|n)\.bias"
)
MAY_HOLD = re.compile(rf"(^|\.)({UNREAD}|{COMPUTED})$")
# Heads of pretraining that published files keep beside what they are for
PRETRAINING = re.compile(
    r"(^|\.)(pooler|seq_relationship|sop_classifier|nsp_classifier|lm_predictions|mask_predictions)\."
)
POOLER = re.compile(r"(^|\.)pooler\.")
# What reads the pooler; for all others it is computed, if at all, for nothing
POOLED = ("AutoModelForSequenceClassification", "AutoModelForImageClassification")
# Whose output has the same size whatever their head says: without a trained one their energy is still right
FIXED_OUTPUT = (*POOLED, "AutoModelForTokenClassification", "AutoModelForQuestionAnswering", "AutoModelForMaskedLM",
                "AutoModelForObjectDetection")  # fmt: skip
SHOWN = 2  # names of tensors in a message


def place_of(checkpoint: Checkpoint) -> str:
    """The option that chose the weights, for the messages."""
    if checkpoint.weights in ("hub", "embedded"):
        return f"model.checkpoint={checkpoint.id}"
    return f"model.weights={checkpoint.weights}"


def unreadable(what: str, error: Exception, checkpoint: Checkpoint) -> UserError:
    """The refusal of files that are damaged, incomplete or absent, with the first line of the library's reason."""
    reason = (str(error).strip().splitlines() or [""])[0]
    return UserError(
        f"{place_of(checkpoint)}: its {what} cannot be read ({type(error).__name__}: {reason[:160]}); download it "
        "again, or choose another checkpoint"
    )


def check_tensors(model: Any, loading_info: Mapping[str, Any], auto_class: str, checkpoint: Checkpoint) -> list[str]:
    """The names of a head that the checkpoint never had and the task adds, drawn at random; as a rule none.

    Raises:
        UserError: tensors are missing, of another shape, or belong to no part of the model.
    """
    where, name = place_of(checkpoint), type(model).__name__
    mismatched = sorted(str(entry[0]) for entry in loading_info["mismatched_keys"])
    if mismatched:
        raise UserError(
            f"{where}: {_listed(mismatched)} of another shape than its config.json says; download it again, or choose "
            "another checkpoint"
        )
    missing = {key for key in loading_info["missing_keys"] if not MAY_LACK.search(key) and not _sinusoidal(model, key)}
    if auto_class not in POOLED:
        missing = {key for key in missing if not POOLER.search(key)}
    new = _new_head(model, missing)
    if missing and not new:
        raise UserError(
            f"{where} lacks {_listed(sorted(missing))} of the {name} that its config.json names; download it again, or "
            "choose another checkpoint"
        )
    if new and auto_class not in FIXED_OUTPUT:
        raise UserError(f"{where} has no head that writes ({_listed(new)} missing); choose a checkpoint that has one")
    unexplained = _unexplained(model, loading_info["unexpected_keys"], checkpoint)
    if unexplained:
        raise UserError(
            f"{where} holds {_listed(unexplained)} that the {name} of its config.json has not, and would run without; "
            "correct its config.json, or choose another checkpoint"
        )
    return new


def check_part(part: str, loading_info: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    """The same of a part of a pipeline, which has no head but its own."""
    kinds = {
        "missing_keys": ("lacks {}", MAY_LACK),
        "mismatched_keys": ("has {} of another shape than its config.json says", None),
        "unexpected_keys": ("holds {} that it has no place for", MAY_HOLD),
    }
    for key, (message, allowed) in kinds.items():
        names = sorted(str(entry[0]) if isinstance(entry, tuple) else str(entry) for entry in loading_info[key])
        wrong = [name for name in names if not (allowed and allowed.search(name))]
        if wrong:
            raise UserError(
                f"{place_of(checkpoint)}: its part '{part}' {message.format(_listed(wrong))}; download it again, or "
                "choose another checkpoint"
            )


def check_finite(model: Any, checkpoint: Checkpoint, precision: str, part: str = "") -> None:
    """UserError where a weight is no finite number: every prediction would be undefined."""
    parameters = {name for name, _ in model.named_parameters()}
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point() or tensor.device.type == "meta" or not tensor.numel():
            continue
        lowest, highest = (value.item() for value in _extremes(tensor))
        unbounded = name in parameters or name.endswith(("running_mean", "running_var"))
        if lowest != lowest or (unbounded and (lowest in _INFINITE or highest in _INFINITE)):
            raise UserError(_not_finite(f"{part}{name}", lowest != lowest, checkpoint, precision))


_INFINITE = (float("inf"), float("-inf"))


def _extremes(tensor: Any) -> Any:
    """The least and the greatest value of a tensor, without a copy of it; both NaN where one is."""
    import torch

    wide = tensor if tensor.dtype.itemsize > 1 else tensor.to(torch.float16)  # torch compares no 8-bit floats
    return torch.aminmax(wide.detach())


def _not_finite(name: str, is_nan: bool, checkpoint: Checkpoint, precision: str) -> str:
    message = f"{place_of(checkpoint)}: its weight {name} holds {'NaN' if is_nan else 'infinity'}"
    if precision == "fp16" and not is_nan:
        return f"{message} in fp16, which ends at 65,504; type precision=bf16"
    return f"{message}; download it again, or choose another checkpoint"


def _new_head(model: Any, missing: Collection[str]) -> list[str]:
    """The missing tensors, where they are one or more whole heads of another kind than the checkpoint was saved from.

    Empty where any belongs to what the checkpoint must have: then it is incomplete.
    """
    named = getattr(model.config, "architectures", None) or ()
    base = model.base_model_prefix
    heads = {_top(key, base) for key in missing}
    if not missing or type(model).__name__ in named or base in heads or model.base_model is model:
        return []
    whole = {key for key, _ in model.named_parameters() if _top(key, base) in heads}
    return sorted(missing) if whole <= set(missing) else []


def _sinusoidal(model: Any, key: str) -> bool:
    """Whether a tensor is a table of sines, which transformers computes and older versions did not save (PEGASUS)."""
    return "Sinusoidal" in type(model.get_submodule(key.rpartition(".")[0])).__name__


def _top(key: str, base: str) -> str:
    """The part of a model that a tensor belongs to; the pooler, which a new head is trained with, is one of its own."""
    first, _, rest = key.partition(".")
    return "pooler" if first == base and rest.startswith("pooler.") else first


def _unexplained(model: Any, unexpected: Iterable[str], checkpoint: Checkpoint) -> list[str]:
    """The tensors of a file that neither an older version nor a head of the architecture that it names explains."""
    rest = sorted(key for key in unexpected if not MAY_HOLD.search(key) and not PRETRAINING.search(key))
    named = (getattr(model.config, "architectures", None) or [None])[0]
    if not rest or named == type(model).__name__:
        return rest
    known = _tensors_of(named, model.config, checkpoint)
    if known is None:  # an architecture of other code: a head lies beside the parts that this one has
        parts = {child for child, _ in (*model.named_children(), *model.base_model.named_children())}
        return [key for key in rest if key.removeprefix(f"{model.base_model_prefix}.").partition(".")[0] in parts]
    return [key for key in rest if key not in known and f"{model.base_model_prefix}.{key}" not in known]


def _tensors_of(architecture: str | None, config: Any, checkpoint: Checkpoint) -> Collection[str] | None:
    """The names that an architecture of transformers gives its tensors; None where it is none of its own."""
    import torch
    import transformers

    cls = getattr(transformers, architecture or "", None)
    if cls is None or checkpoint.trust_remote_code:
        return None
    try:
        with torch.device("meta"):
            return set(cls(config).state_dict())
    except (AttributeError, TypeError, ValueError):  # not of this configuration
        return None


def _listed(keys: Collection[str]) -> str:
    names = list(keys)
    kept, count = ", ".join(names[:SHOWN]), len(names)
    return f"{many(count, 'tensor')} ({kept}{', …' if count > SHOWN else ''})"
