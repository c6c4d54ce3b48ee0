"""Pictures prepared by several processes: the same pixels as by one, and no process that outlives its run."""

import gc
import io
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children, forkserver

import psutil
import pytest
import torch
from PIL import Image

from joulemark.core.model import Checkpoint, Settings
from joulemark.data.images import EncodedImage
from joulemark.models.backend import image_processes
from joulemark.models.backend.image_processes import pixels
from joulemark.models.backend.preprocessing import images, open_images
from tests.paths import ROOT
from tests.sweep.test_trial import leave

pytestmark = pytest.mark.weights

SIZE = {"height": 16, "width": 16}
RANDOM = Checkpoint("tiny", weights="random", processor={"type": "ViTImageProcessor", "size": SIZE})
# a run that has two such processes up, says their ids and waits
RUN = """
import sys, time
from multiprocessing import active_children
from joulemark.core.model import Checkpoint
from joulemark.models.backend.image_processes import pixels
if __name__ == "__main__":
    made = pixels(Checkpoint("tiny", weights="random", processor={"type": "ViTImageProcessor"}), 2)
    print(*(one.pid for one in active_children()), flush=True)
    time.sleep(600)
"""


def pictures(count):
    def jpeg(number):
        file = io.BytesIO()
        Image.linear_gradient("L").rotate(17 * number).convert("RGB").resize((40 + number, 30)).save(file, "JPEG")
        return EncodedImage(file.getvalue())

    return [jpeg(number) for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_checkpoint_from_the_hub_has_its_own_processor_in_each_process(tmp_path, count):
    processor = open_images(RANDOM)
    processor.image_mean = [0.1, 0.2, 0.3]
    processor.save_pretrained(tmp_path)
    own = Checkpoint("tiny", weights="hub", path=tmp_path)
    batch = pictures(count)
    alone, together = images(own, Settings(), "cpu").pixels(batch), pixels(own, 2)(batch)
    assert together.shape == (count, 3, 16, 16)
    assert torch.equal(alone, together)
    assert not torch.equal(alone, images(RANDOM, Settings(), "cpu").pixels(batch))


def test_a_killed_process_ends_the_call_in_one_line_and_never_waits_for_it():
    before = set(active_children())
    prepare = pixels(RANDOM, 2)
    one = next(iter(set(active_children()) - before))
    os.kill(one.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"preprocessing_workers=2: one was killed \(of memory\?\); type fewer"):
        prepare(pictures(8))


def test_what_breaks_in_a_process_is_what_the_call_says():
    with pytest.raises(OSError, match="cannot identify image file"):
        pixels(RANDOM, 2)([EncodedImage(b"no image")])


def test_a_processor_that_does_not_open_is_what_is_said_and_not_its_processes():
    with pytest.raises(AttributeError, match="NoSuchProcessor"):
        images(
            Checkpoint("tiny", weights="random", processor={"type": "NoSuchProcessor"}),
            Settings(preprocessing_workers=2),
            "cpu",
        )


def test_processes_that_take_too_long_to_come_up_are_said_and_none_is_left(monkeypatch):
    monkeypatch.setattr(image_processes, "STARTING_S", 0.001)
    with pytest.raises(RuntimeError, match="preprocessing_workers=2: they did not come up; type fewer"):
        pixels(RANDOM, 2)
    gc.collect()  # those of other tests end with their pools
    for one in active_children():
        one.join(30)
    assert not active_children()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_every_process_of_a_job_does_not_take_the_pictures_from_its_run(number):
    prepare = pixels(RANDOM, 2)
    for pid in (forkserver._forkserver._forkserver_pid, *(one.pid for one in active_children())):
        os.kill(pid, number)
    time.sleep(0.2)
    assert prepare(pictures(4)).shape == (4, 3, 16, 16)


def test_a_run_that_is_killed_leaves_no_process_behind(tmp_path):
    script = tmp_path / "a_run.py"
    script.write_text(RUN)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    ) as run:
        prepared = [psutil.Process(int(pid)) for pid in run.stdout.readline().split()]
        assert len(prepared) == 2
        run.kill()
    leave(prepared)
