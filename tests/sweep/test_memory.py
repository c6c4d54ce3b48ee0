"""The memory limit of a batch size: how it is found, and how it is remembered."""

import errno
import json
import multiprocessing
from pathlib import Path
from types import SimpleNamespace

import pytest

from joulemark.core.model import Settings
from joulemark.sweep.memory import Known, Memory, next_size, ran_out


@pytest.mark.parametrize("limit", range(0, 130, 7))
def test_doubling_and_bisection_find_the_boundary_exactly(limit):
    sizes, known, tried = list(range(1, 129)), Known(), []
    while (size := next_size(sizes, known)) is not None:
        tried.append(size)
        known = known.with_trial(size, size <= limit)
    assert known.fits == (min(limit, 128) or None)
    assert known.fails == (limit + 1 if limit < 128 else None)
    assert len(tried) == len(set(tried)) <= 8 + 7
    assert sum(size > limit for size in tried) <= 8


def test_a_size_that_fits_makes_smaller_failures_void():
    assert Known(4, 8).with_trial(16, True) == Known(16, None)
    assert Known(16, 32).with_trial(8, False) == Known(None, 8)
    assert Known(4, 8).with_trial(6, True) == Known(6, 8)


def test_the_size_is_read_from_the_overrides_of_a_run():
    assert ran_out("out of memory at batch_size=64: OutOfMemoryError: CUDA out of memory") == 64
    assert ran_out("ValueError: a tensor is out of shape") is None
    assert ran_out(None) is None


def test_the_overrides_of_a_run_that_is_out_of_memory_are_understood(monkeypatch):
    from joulemark.measure import runner

    for settings in (Settings(batch_size=96), Settings(batch_size=96, batch_tokens=512, prefetch=2)):
        run = SimpleNamespace(settings=settings)
        assert ran_out(runner._reason(MemoryError("no"), run)) == 96


def test_a_card_and_its_overrides_are_one_case_whatever_their_order(tmp_path):
    memory = Memory(tmp_path / "sweeps" / "memory.json", "GPU-1")
    memory.add(("model=m", "precision=bf16"), 64, True)
    memory.add(("precision=bf16", "model=m"), 128, False)
    assert memory.known(("precision=bf16", "model=m")) == Known(64, 128)
    assert memory.known(("model=m", "precision=fp32")) == Known()
    assert Memory(memory.path, "GPU-2").known(("model=m", "precision=bf16")) == Known()


def test_a_process_that_dies_as_it_writes_leaves_what_was_known(tmp_path, monkeypatch):
    memory, whole = Memory(tmp_path / "memory.json", "GPU-1"), Path.write_text
    memory.add(("model=m",), 64, True)

    def half(path, text, **options):
        whole(path, text[: len(text) // 2], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(KeyboardInterrupt):
        memory.add(("model=m",), 128, True)
    assert memory.known(("model=m",)) == Known(64)


def test_a_full_disk_costs_what_is_remembered_and_never_the_sweep(tmp_path, monkeypatch):
    memory = Memory(tmp_path / "memory.json", "GPU-1")
    memory.add(("model=m",), 64, True)

    def full(path, text, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    memory.add(("model=m",), 128, True)
    assert memory.known(("model=m",)) == Known(64)


def tell(path, number):
    Memory(path, f"card {number}").add(("model=m",), number, True)


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "memory.json"
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(tell, [(path, number) for number in range(1, 25)])
    assert len(json.loads(path.read_text())) == 24


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "\0\0\0", '{"GPU-1: model=m": {"fits": "many"}}', '{"GPU-1: model=m": {"size": 4}}',
     '{"GPU-1: model=m": 8}', '{"GPU-1: model=m": {"fits": true}}', "[" * 100_000],
)  # fmt: skip
def test_a_file_that_broke_knows_nothing_and_is_written_anew(tmp_path, text):
    memory = Memory(tmp_path / "memory.json", "GPU-1")
    memory.path.write_text(text)
    assert memory.known(("model=m",)) == Known()
    memory.add(("model=m",), 64, True)
    assert memory.known(("model=m",)) == Known(64)


def test_what_can_be_read_of_a_broken_file_is_kept(tmp_path):
    memory = Memory(tmp_path / "memory.json", "GPU-1")
    memory.path.write_text('{"GPU-1: model=m": {"fits": 8, "fails": null}, "GPU-1: model=n": 3}')
    memory.add(("model=o",), 64, True)
    assert [memory.known((f"model={name}",)).fits for name in "mno"] == [8, None, 64]
