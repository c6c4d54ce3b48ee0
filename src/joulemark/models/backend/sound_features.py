"""What a speech model hears, computed by torch where it is wanted: Whisper's log-mel bands, or the wave normalized.

waves of a batch ── one copy to the device ── features of all of them, which stay there

The checkpoint's own feature extractor gives every number that goes in (window, bands, length); whether the result is
the extractor's own is tried on noise before a run begins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.errors import UserError
from joulemark.models.backend import own_stream

# Largest difference from the extractor's own features, whose range is about 2 (log-mel) or 10 (wave)
SAME = 1e-3
FLOOR = 1e-10  # smallest power of a band: A. Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision
RANGE = 8.0  # powers of ten below the loudest band of a clip that are kept apart


@dataclass(frozen=True)
class TorchFeatures:
    """Calls that make the features of a batch of waveforms.

    Attributes:
        extractor: transformers' feature extractor of the checkpoint
        compute: (waves, how long each is, extractor) to named tensors, on the waves' device
        device: torch's name of where the features are made
        beside: calls what the device is to do, apart from its other work
    """

    extractor: Any
    compute: Callable[[Any, Sequence[int], Any], Mapping[str, Any]]
    device: str
    beside: Callable[[own_stream.Work], Mapping[str, Any]]

    def __call__(self, sounds: Sequence[Any], rate_hz: int) -> Mapping[str, Any]:
        """The features, on `device`. ValueError for waves of another rate than the model hears."""
        import torch

        if rate_hz != self.extractor.sampling_rate:
            raise ValueError(f"the model hears {self.extractor.sampling_rate} samples a second, and not {rate_hz}")
        longest = getattr(self.extractor, "n_samples", None)
        cut = [sound[:longest] for sound in sounds]
        shape = (len(cut), max(len(sound) for sound in cut))
        waves = torch.full(shape, self.extractor.padding_value, pin_memory=self.device.startswith("cuda"))
        for row, sound in zip(waves, cut, strict=True):
            row[: len(sound)] = torch.from_numpy(sound)
        lengths = [len(sound) for sound in cut]
        return self.beside(lambda: self.compute(waves.to(self.device, non_blocking=True), lengths, self.extractor))

    def facts(self) -> dict[str, Any]:
        """What prepared: JSON values."""
        import torch

        return {"preprocessing": {"library": "torch", "version": torch.__version__, "device": self.device}}


def log_mel(waves: Any, lengths: Sequence[int], extractor: Any) -> dict[str, Any]:
    """Whisper's `input_features` (clips, bands, frames) of waves (clips, samples), filled up to the length it hears."""
    import torch

    missing = extractor.n_samples - waves.shape[1]
    waves = torch.nn.functional.pad(waves, (0, missing), value=extractor.padding_value)
    window = torch.hann_window(extractor.n_fft, device=waves.device)
    spectra = torch.stft(waves, extractor.n_fft, extractor.hop_length, window=window, return_complex=True)
    power = spectra[..., :-1].abs().square()  # the last frame begins where the clip has ended
    bands = torch.as_tensor(extractor.mel_filters, dtype=power.dtype, device=power.device).T @ power
    levels = bands.clamp(min=FLOOR).log10()
    levels = levels.maximum(levels.amax(dim=(1, 2), keepdim=True) - RANGE)
    return {"input_features": levels / 4 + 1}


def normalized(waves: Any, lengths: Sequence[int], extractor: Any) -> dict[str, Any]:
    """wav2vec 2's `input_values` (clips, samples) and `attention_mask`: each clip less its mean, over its deviation."""
    import torch

    counts = torch.tensor(lengths, device=waves.device)[:, None]
    mask = torch.arange(waves.shape[1], device=waves.device)[None] < counts
    if extractor.do_normalize:
        centred = (waves - (waves * mask).sum(dim=1, keepdim=True) / counts) * mask
        waves = centred / (centred.square().sum(dim=1, keepdim=True) / counts + 1e-7).sqrt()
        waves = waves.masked_fill(~mask, extractor.padding_value)
    return {"input_values": waves, "attention_mask": mask.int()}


def of(extractor: Any, usual: Callable[[Sequence[Any], int], Any], preprocessing: str, device: str) -> TorchFeatures:
    """The features of this extractor by torch, on `device`; `usual` is what transformers makes of waves and their rate.

    UserError where the two differ by more than rounding: this kind of extractor computes something else.
    """
    compute = log_mel if hasattr(extractor, "mel_filters") else normalized
    made = TorchFeatures(extractor, compute, device, own_stream.beside(device))
    if not _agree(made, usual):
        raise UserError(
            f"preprocessing={preprocessing}: torch is not taught what a {type(extractor).__name__} computes; "
            "type preprocessing=transformers"
        )
    return made


def _agree(made: TorchFeatures, usual: Callable[[Sequence[Any], int], Any]) -> bool:
    """Whether the features of noise, a short clip beside a longer one, are the extractor's own."""
    import numpy
    import torch

    rate_hz = made.extractor.sampling_rate
    noise = numpy.random.default_rng(0).normal(0, 0.1, rate_hz).astype("float32")
    sounds = [noise[: rate_hz // 2], noise]
    try:
        wanted, got = usual(sounds, rate_hz), made(sounds, rate_hz)
        pairs = [(torch.as_tensor(wanted[name]), tensor.cpu()) for name, tensor in got.items() if name in wanted]
    except (AttributeError, KeyError, TypeError):  # an extractor with other names
        return False
    same = all(own.shape == other.shape and float((own - other).abs().max()) <= SAME for own, other in pairs)
    return bool(pairs) and same
