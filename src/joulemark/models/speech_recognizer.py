"""Speech recognizers: Whisper, which writes token after token, and wav2vec 2, which labels every frame (CTC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, PromptedTask
from joulemark.models.backend import (
    batches,
    context,
    generation,
    generation_stages,
    placement,
    preprocessing,
    stages,
    tokenization,
    weights,
)
from joulemark.models.backend.checkpoint import fetch
from joulemark.models.backend.preprocessing import SoundPreparation


@dataclass(frozen=True)
class SpeechRecognizer:
    """A model that writes down what it hears; `head` is `seq2seq` (Whisper) or `ctc` (wav2vec 2, HuBERT)."""

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForSpeechSeq2Seq": {},
        "AutoModelForCTC": {"head": "ctc"},
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    head: str = "seq2seq"

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "speech_recognizer"

    def load(self, task: PromptedTask, device: str, settings: Settings) -> Loaded:
        """The model on its device; random weights write as many tokens as the budget has."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        auto = "AutoModelForCTC" if self.head == "ctc" else "AutoModelForSpeechSeq2Seq"
        model = weights.open_weights(auto, checkpoint, device, settings)
        masked = {"padding": True, "return_attention_mask": True} if self.head == "ctc" else {}
        sounds = preprocessing.sounds(checkpoint, settings, str(model.device), **masked)
        extractor, tokenizer = sounds.extractor, tokenization.open_tokenizer(checkpoint)
        forced = checkpoint.weights == "random"
        if self.head == "ctc":
            labeller = _Labeller(model, sounds, tokenizer)
            _check_batches(labeller, checkpoint, settings)
            return Loaded(
                predict=labeller,
                stages=stages.plain(labeller, device),
                facts=weights.facts(model, checkpoint, settings),
                later_facts=sounds.facts,
                peak_memory_bytes=memory,
            )
        if not hasattr(extractor, "n_samples"):
            raise UserError(
                f"model.checkpoint={checkpoint.id} is a {model.config.model_type}, which does not hear windows of one "
                "length; choose a Whisper, or model=wav2vec2_base"
            )
        context.room_for_input(context.context_of(model, None, "output"), task)
        budget = {
            "max_new_tokens": task.max_new_tokens,
            "min_new_tokens": task.max_new_tokens if forced else task.min_new_tokens,
            "do_sample": False,
            "num_beams": 1,
        }
        writer = _Writer(model, sounds, tokenizer, budget)
        return Loaded(
            predict=writer,
            stages=generation_stages.generating(writer, device, whole=False),
            facts={**weights.facts(model, checkpoint, settings), "output_length": "forced" if forced else "free"},
            later_facts=sounds.facts,
            peak_memory_bytes=memory,
        )


@dataclass(frozen=True)
class _Features:
    """What the model hears of a batch (requests, mel bins, frames), and which clips were longer than that."""

    features: Any
    cut: list[bool]


@dataclass(frozen=True)
class _Writer:
    model: Any
    sounds: SoundPreparation
    tokenizer: Any
    budget: dict[str, Any]

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> _Features:
        """The inputs of one batch as the model's tensors."""
        # Whisper's ears are open for 30 s: its extractor fills up what is shorter and drops the rest of what is longer
        waves = self.sounds.opened(inputs)
        cut = [len(wave) > self.sounds.extractor.n_samples for wave in waves]
        return _Features(self.sounds.features(waves, inputs[0].rate_hz)["input_features"], cut)

    def ask(self, prepared: _Features) -> dict[str, Any]:
        """The keyword arguments of `generate` for a prepared batch, on the device."""
        return {"input_features": prepared.features.to(self.model.device, self.model.dtype), **self.budget}

    def infer(self, prepared: _Features) -> tuple[_Features, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            return prepared, self.model.generate(**self.ask(prepared))

    def read(self, output: tuple[_Features, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        rows = output[1].tolist()
        ends = generation.ids(self.model.generation_config.eos_token_id)
        counts = [generation.new_tokens(row, ends) for row in rows]
        texts = [self.tokenizer.decode(row, skip_special_tokens=True).strip() for row in rows]
        return [
            Prediction(text, units=1, output_tokens=count, truncated=cut)
            for text, count, cut in zip(texts, counts, output[0].cut, strict=True)
        ]


@dataclass(frozen=True)
class _Labeller:
    model: Any
    sounds: SoundPreparation
    tokenizer: Any

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> Any:
        """The inputs of one batch as the model's tensors, padded; the mask is over samples."""
        return self.sounds.features(self.sounds.opened(inputs), inputs[0].rate_hz)

    def infer(self, prepared: Any) -> list[list[int]]:
        """What the model gives for a prepared batch: the label of each frame that is of the clip itself."""
        chosen = self.logits(prepared).argmax(dim=-1).tolist()
        return [row[:count] for row, count in zip(chosen, self.frames(prepared), strict=True)]

    def logits(self, prepared: Any) -> Any:
        """The output of the model for a prepared batch (requests, frames, labels)."""
        import torch

        name = self.model.main_input_name
        tensors = {name: prepared[name].to(self.model.device, self.model.dtype)}
        # with group norm the model was trained on zeros without a mask
        if len(prepared[name]) > 1 and getattr(self.model.config, "feat_extract_norm", None) != "group":
            tensors["attention_mask"] = prepared["attention_mask"].to(self.model.device)
        with torch.inference_mode():
            return self.model(**tensors).logits

    def frames(self, prepared: Any) -> list[int]:
        """How many frames of each request are of its clip; those after it are padding."""
        lengths = prepared["attention_mask"].sum(dim=-1)
        counted = getattr(self.model, "_get_feat_extract_output_lengths", None)
        counts: list[int] = (counted(lengths) if counted else lengths).tolist()
        return counts

    def read(self, chosen: list[list[int]]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        return [Prediction(self.tokenizer.decode(row).strip(), units=1) for row in chosen]


def _check_batches(labeller: _Labeller, checkpoint: Checkpoint, settings: Settings) -> None:
    """Tries a clip alone and beside a longer one; UserError where its frames' labels differ."""
    if not batches.in_batches(settings, checkpoint):
        return
    import numpy

    rate_hz = labeller.sounds.extractor.sampling_rate
    noise = numpy.random.default_rng(0).normal(0, 0.1, rate_hz).astype("float32")
    alone = labeller.sounds.features([noise[: rate_hz // 2]], rate_hz)
    together = labeller.sounds.features([noise[: rate_hz // 2], noise], rate_hz)
    expected, output = labeller.logits(alone)[0].float(), labeller.logits(together)[0].float()
    count = labeller.frames(together)[0]
    if batches.differ(expected.cpu(), output[:count].cpu(), settings):
        group = getattr(labeller.model.config, "feat_extract_norm", None) == "group"
        reason = "normalizes over a whole clip (group norm)" if group else "does not heed the attention mask"
        raise batches.refusal(settings, f"this {labeller.model.config.model_type} {reason}")
