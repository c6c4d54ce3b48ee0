"""Where the time of a forward pass on a card goes, by kind of kernel, and what other ways of compiling it would bring.

    python -m benchmarks.forward vit_base_224 --batch 128 [--autotune] [--seconds 2]
    python -m benchmarks.forward distilbert_sst2 --batch 1024 --tokens 16

Random weights in bf16, one batch whose tensors lie on the card, so nothing is prepared or read. Milliseconds, joules
and watts of each way, recorded as one CUDA graph: joules by the card's counter over `--seconds`, whose tick is 0.1 s;
then the time of its kernels by kind (torch's profiler, not recorded). Each way is tried alone: one that fails is one
line.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from hydra import initialize_config_dir

from joulemark.config.compose import composed
from joulemark.core.paths import CONF
from joulemark.models.backend import weights
from joulemark.models.backend.checkpoint import fetch

AUTO = {
    "image_classifier": "AutoModelForImageClassification",
    "sequence_classifier": "AutoModelForSequenceClassification",
}
KINDS = {
    "matrix products": ("gemm", "nvjet", "xmma", "cutlass", "cublas", "splitK"),
    "attention": ("flash", "fmha", "attention", "sdp", "softmax"),
    "norms": ("norm",),
    "elementwise, copies": ("elementwise", "copy", "triton", "Memcpy", "Memset", "cat", "index", "embedding", "gelu"),
}


def main() -> None:
    """Prints each way and its kernels."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="the ways whose names hold this")
    parser.add_argument("--autotune", action="store_true", help="also max-autotune, which takes minutes")
    asked = parser.parse_args()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        task = "image_classification" if "vit" in asked.model else "text_classification"
        words = [f"model={asked.model}", f"task={task}", "model.weights=random", "hardware=cuda", "precision=bf16"]
        run = composed([*words, f"batch_size={asked.batch}", f"samples={asked.batch}"])
    model = weights.open_weights(AUTO[run.model.kind], fetch(run.model.checkpoint), "cuda:0", run.settings)
    inputs = batch_of(model, asked.batch, asked.tokens)
    with torch.inference_mode():
        for name, way in ways(asked.autotune).items():
            if asked.only not in name:
                continue
            torch.compiler.reset()
            began = time.perf_counter()
            try:
                forward = way(model)
                step = recorded(forward, inputs)
                start_s = time.perf_counter() - began
                ms, joules, watts = measured(step, asked.seconds)
                told = kernels(forward, inputs)
            except Exception as error:  # of a compiler: whatever it raises, the other ways go on
                print(f"{name:44} failed: {type(error).__name__}: {str(error).splitlines()[0][:150]}", flush=True)
                continue
            print(f"{name:44} {ms:7.3f} ms {joules:7.3f} J {watts:5.0f} W, begun in {start_s:.0f} s", flush=True)
            print("\n".join(told), flush=True)


def batch_of(model: Any, size: int, tokens: int) -> dict[str, Any]:
    """A batch of random values, no token of it padding."""
    import torch

    torch.manual_seed(0)
    if hasattr(model.config, "image_size"):
        side = model.config.image_size
        return {"pixel_values": torch.randn(size, 3, side, side, device="cuda:0", dtype=torch.bfloat16)}
    ids = torch.randint(1000, model.config.vocab_size, (size, tokens), device="cuda:0")
    mask = torch.ones_like(ids)
    mask[:1, -1:] = 0  # transformers leaves out a mask that masks nothing, but not while a pass is recorded
    return {"input_ids": ids, "attention_mask": mask}


def ways(autotune: bool) -> dict[str, Callable[[Any], Callable[..., Any]]]:
    """How the forward pass is made, by name."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def within(backend: Any) -> Callable[[Any], Callable[..., Any]]:
        def made(model: Any) -> Callable[..., Any]:
            def forward(**inputs: Any) -> Any:
                with sdpa_kernel(backend):
                    return model(**inputs)

            return forward

        return made

    def compiled(dynamic: bool | None = None, freezing: bool = False, **options: Any) -> Callable[[Any], Any]:
        def made(model: Any) -> Callable[..., Any]:
            torch._inductor.config.freezing = freezing
            return torch.compile(model.forward, dynamic=dynamic, **options)

        return made

    found: dict[str, Callable[[Any], Callable[..., Any]]] = {
        "as it is written": lambda model: model,
        "… attention by cuDNN": within(SDPBackend.CUDNN_ATTENTION),
        "… attention by flash": within(SDPBackend.FLASH_ATTENTION),
        "… attention memory-efficient": within(SDPBackend.EFFICIENT_ATTENTION),
        "compiled for any shape (compile=graphs)": compiled(dynamic=True),
        "compiled for this shape": compiled(dynamic=False),
        "compiled for this shape, weights frozen": compiled(dynamic=False, freezing=True),
    }
    if autotune:
        found["compiled for this shape, autotuned"] = compiled(dynamic=False, mode="max-autotune-no-cudagraphs")
    return found


def recorded(forward: Callable[..., Any], inputs: dict[str, Any]) -> Callable[[], None]:
    """A replay of the pass, recorded as one CUDA graph after three calls."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            forward(**inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        kept = forward(**inputs)

    def replay(kept: Any = kept) -> None:  # the output is held as long as the graph that writes it
        graph.replay()

    return replay


def measured(step: Callable[[], None], seconds: float) -> tuple[float, float, float]:
    """Milliseconds and joules of one pass, and watts, over so many seconds after a tenth of them as warm-up."""
    repeat(step, seconds / 10)
    joules = counter_j()
    count, took_s = repeat(step, seconds)
    joules = counter_j() - joules
    return took_s * 1000 / count, joules / count, joules / took_s


def repeat(step: Callable[[], None], seconds: float) -> tuple[int, float]:
    """How often the step was done, and in how many seconds."""
    import torch

    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(20):
            step()
        torch.cuda.synchronize()
        count += 20
    return count, time.perf_counter() - began


def counter_j() -> float:
    """The card's energy counter in joules, at one of its ticks."""
    import pynvml

    pynvml.nvmlInit()
    card = pynvml.nvmlDeviceGetHandleByIndex(0)
    first = pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
    while (now := pynvml.nvmlDeviceGetTotalEnergyConsumption(card)) == first:
        pass
    return now / 1000


def kernels(forward: Callable[..., Any], inputs: dict[str, Any], passes: int = 5) -> list[str]:
    """The kernels' time of a pass by kind, by torch's profiler, each with the longest of its kernels."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
        for _ in range(passes):
            forward(**inputs)
        torch.cuda.synchronize()
    by_kind: dict[str, float] = defaultdict(float)
    longest: dict[str, tuple[float, str]] = {}
    for event in profiler.key_averages():
        ms = event.self_device_time_total / 1000 / passes
        kind = next((kind for kind, parts in KINDS.items() if any(part in event.key for part in parts)), "others")
        by_kind[kind] += ms
        longest[kind] = max(longest.get(kind, (0.0, "")), (ms, event.key))
    return [
        f"    {kind:20} {ms:7.3f} ms, {longest[kind][0]:.3f} of them {longest[kind][1][:90]}"
        for kind, ms in sorted(by_kind.items(), key=lambda pair: -pair[1])
    ]


if __name__ == "__main__":
    main()
