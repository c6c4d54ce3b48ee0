"""Speech recognizers: Whisper, which writes token after token, and wav2vec 2, which labels every frame (CTC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, PromptedTask
from joulemark.models.backend import (
    generation,
    generation_stages,
    placement,
    preprocessing,
    stages,
    tokenization,
    weights,
)
from joulemark.models.backend.checkpoint import fetch


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
        extractor, tokenizer = preprocessing.open_sounds(checkpoint), tokenization.open_tokenizer(checkpoint)
        forced = checkpoint.weights == "random"
        if self.head == "ctc":
            labeller = _Labeller(model, extractor, tokenizer)
            return Loaded(
                predict=labeller,
                stages=stages.plain(labeller, device),
                facts=weights.facts(model, checkpoint, settings),
                peak_memory_bytes=memory,
            )
        budget = {
            "max_new_tokens": task.max_new_tokens,
            "min_new_tokens": task.max_new_tokens if forced else task.min_new_tokens,
            "do_sample": False,
            "num_beams": 1,
        }
        writer = _Writer(model, extractor, tokenizer, budget)
        return Loaded(
            predict=writer,
            stages=generation_stages.generating(writer, device, whole=False),
            facts={**weights.facts(model, checkpoint, settings), "output_length": "forced" if forced else "free"},
            peak_memory_bytes=memory,
        )


@dataclass(frozen=True)
class _Heard:
    """What the model hears of a batch (requests, mel bins, frames), and which clips were longer than that."""

    features: Any
    cut: list[bool]


@dataclass(frozen=True)
class _Writer:
    model: Any
    extractor: Any
    tokenizer: Any
    budget: dict[str, Any]

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> _Heard:
        """The inputs of one batch as the model's tensors, on the host."""
        # Whisper's ears are open for 30 s: its extractor fills up what is shorter and drops the rest of what is longer
        sounds = [one.open() for one in inputs]
        cut = [len(sound) > self.extractor.n_samples for sound in sounds]
        return _Heard(_extracted(self.extractor, sounds, inputs[0].rate_hz)["input_features"], cut)

    def ask(self, heard: _Heard) -> dict[str, Any]:
        """The keyword arguments of `generate` for a prepared batch, on the device."""
        return {"input_features": heard.features.to(self.model.device, self.model.dtype), **self.budget}

    def answer(self, heard: _Heard) -> tuple[_Heard, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            return heard, self.model.generate(**self.ask(heard))

    def read(self, answer: tuple[_Heard, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        rows = answer[1].tolist()
        ends = generation.ids(self.model.generation_config.eos_token_id)
        counts = [generation.new_tokens(row, ends) for row in rows]
        texts = [self.tokenizer.decode(row, skip_special_tokens=True).strip() for row in rows]
        return [
            Prediction(text, units=1, output_tokens=count, truncated=cut)
            for text, count, cut in zip(texts, counts, answer[0].cut, strict=True)
        ]


@dataclass(frozen=True)
class _Labeller:
    model: Any
    extractor: Any
    tokenizer: Any

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> Any:
        """The inputs of one batch as the model's tensors, on the host."""
        return _extracted(self.extractor, [one.open() for one in inputs], inputs[0].rate_hz, padding=True)

    def answer(self, made: Any) -> list[list[int]]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        given = {"input_values": made["input_values"].to(self.model.device, self.model.dtype)}
        if len(made["input_values"]) > 1 and "attention_mask" in made:
            given["attention_mask"] = made["attention_mask"].to(self.model.device)
        with torch.inference_mode():
            chosen: list[list[int]] = self.model(**given).logits.argmax(dim=-1).tolist()
        return chosen

    def read(self, chosen: list[list[int]]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        return [Prediction(self.tokenizer.decode(row).strip(), units=1) for row in chosen]


def _extracted(extractor: Any, sounds: Sequence[Any], rate_hz: int, **words: Any) -> Any:
    return extractor(sounds, sampling_rate=rate_hz, return_tensors="pt", **words)
