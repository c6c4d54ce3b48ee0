"""A whole run, in a process of its own, that breaks, or waits to be broken, at one stage: `STAGE ACT FOLDER URI`.

All but the model, the task and the meter is the program's own, from the command line to the recorder. At its stage the
run makes FOLDER/at, then does its act; `wait` goes on once FOLDER/go is there.
"""

import ctypes
import hashlib
import os
import sys
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from joulemark.cli import measuring
from joulemark.cli import run as command
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Stage
from joulemark.core.task import Inputs, Prediction, Sample, Scores
from joulemark.measure import runner
from joulemark.measure.instruments import Clock
from joulemark.models.backend import packages
from joulemark.store import recorder
from joulemark.tasks.text_classification import TextClassification
from tests.fakes import FakeMeter, procedure
from tests.measure.test_runner import a_run

STAGES = ("compose", "meters", "load", "idle", "warm-up", "window", "stages", "scoring", "saving")
LABELS = Capabilities(("text",), ("label",))
CHECKPOINT = Checkpoint(id="fake/model", weights="embedded")
SAMPLES = [Sample(str(number), "positive film", "positive") for number in range(4)]


class PanicException(BaseException):
    """What a tokenizer written in Rust raises."""


@dataclass
class Fault:
    """What happens at one stage, once."""

    stage: str
    act: str
    folder: Path
    done: bool = False

    def __call__(self, stage: str) -> None:
        if stage != self.stage or self.done:
            return
        self.done = True
        (self.folder / "at").touch()
        match self.act:
            case "exception":
                raise ValueError(f"broke at {stage}")
            case "panic":
                raise PanicException(f"broke at {stage}")
            case "exit":
                os._exit(0)
            case "crash":
                ctypes.string_at(0)
            case "hang":
                time.sleep(300)
        until = time.monotonic() + 300
        while not (self.folder / "go").exists() and time.monotonic() < until:
            time.sleep(0.05)


@dataclass
class Meter(FakeMeter):
    """Its starts tell the stages: loading, idle, warm-up, windows."""

    fault: Fault | None = None
    starts: int = 0

    def open(self, hardware):
        self.fault("meters")
        super().open(hardware)

    def start(self):
        self.starts += 1
        if self.starts == 2:
            self.fault("idle")
        super().start()


@dataclass(frozen=True)
class Model:
    """Answers at once."""

    meter: Meter
    fault: Fault
    kind: str = "fake"
    role: str = "specialist"
    capabilities: Capabilities = LABELS
    checkpoint: Checkpoint = CHECKPOINT

    def load(self, task, device, settings):
        self.fault("load")

        def predict(inputs):
            if self.meter.starts == 3:
                self.fault("warm-up")
            if self.meter.starts == 5:
                self.fault("window")
            time.sleep(0.01)
            return [Prediction("positive", units=1, input_tokens=2) for _ in inputs]

        def stage(inputs):
            self.fault("stages")
            return predict(inputs)

        return Loaded(predict, {"parameters": 7}, stages=(Stage("model", stage),))


class Task(TextClassification):
    """Its metric costs nothing."""

    def score(self, samples, predictions):
        if predictions:
            fault("scoring")
        return Scores({"accuracy": 1.0}, [1.0] * len(samples))


def made(uri):
    """The run: three short windows on the real clock."""
    clock = Clock()
    meter = Meter(clock, {"cpu": 50.0}, fault=fault)
    given = a_run(clock, [meter], Model(meter, fault))
    task = Task(given.dataset, ("negative", "positive"), "{text}", 1, 4)
    short = {"idle_s": 0.05, "idle_parts": 1, "window_s": 0.1, "max_windows": 3, "stage_s": 0.05, "warmup_max_s": 0.2}
    limits = procedure(**short, stall_s=4.0 if fault.act == "hang" else 600.0)
    return replace(given, task=task, tracking_uri=uri, procedure=limits, samples=len(SAMPLES))


def saving(report):
    """The console's report, which comes when the whole record is on the disk and the store has not been told."""

    def shown(record, metrics):
        report(record, metrics)
        fault("saving")

    return shown


if __name__ == "__main__":
    from joulemark.cli import console

    stage, act, folder, address = sys.argv[1:]
    fault = Fault(stage, act, Path(folder))
    packages.import_packages = lambda checkpoint, settings, device: None
    assert hasattr(measuring, "_prepared")  # what is put in their place is still asked
    assert hasattr(runner, "_counted")
    measuring._prepared = lambda run: (run, Inputs(SAMPLES))
    runner._counted = lambda record, *rest: record  # torch's counter
    console.report = saving(console.report)
    if Path(folder).name.startswith("recorder-frozen"):
        recorder.READY_S, recorder.SILENT_S = (20.0 if stage == "meters" else recorder.READY_S), 8.0
    name = hashlib.md5(f"{stage} {Path(folder).name}".encode()).hexdigest()
    uuid.uuid4 = lambda: uuid.UUID(name)  # of the one record
    (Path(folder) / "id").write_text(name)
    sys.argv[1:] = []

    def composed():
        """As Hydra's, without the seconds that it takes."""
        fault("compose")
        sys.exit(command.execute(made(address)))

    command.command = composed
    sys.exit(command.main())
