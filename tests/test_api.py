"""import joulemark: the same runs, meters and verdicts as the command's, from a program or a notebook."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time

import pytest

import joulemark as jm
from tests.paths import ROOT
from tests.stores import runs_of

SMOKE = {"protocol": "smoke", "protocol.idle_s": 0.1, "samples": 6}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of records of its own."""
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "mlruns"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "mlruns"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A store with two runs of the same thing: its address, and their records."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    return uri, [jm.run(**SMOKE, tracking_uri=uri) for _ in range(2)]


def test_importing_it_imports_the_standard_library_alone():
    code = (
        "import sys; before = set(sys.modules); import joulemark;"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['joulemark']"


def test_every_public_name_is_there_and_says_what_it_promises():
    import joulemark.reporting  # noqa: F401 - a package of that name would take the function's place

    for name in jm.__all__:
        assert getattr(jm, name).__doc__, name
    assert set(jm.__all__) <= set(dir(jm))
    with pytest.raises(AttributeError):
        jm.nothing  # noqa: B018


@pytest.mark.weights
def test_a_run_is_that_of_the_command(measured):
    uri, (record, _) = measured
    assert (record.status, record.error, record.verdict) == ("finished", None, "doubtful")
    assert record.metrics["energy/total_wh_per_1k"] > 0
    assert record.evidence["ram"] == "constant"
    assert "preliminary" in record.flags
    assert len(record.requests) == 6
    assert record.run_id[:12] in repr(record) or "Wh per 1,000" in repr(record)
    words = [f"{key}={value}" for key, value in SMOKE.items()]
    done = subprocess.run(
        [sys.executable, "-m", "src.run", *words, f"tracking_uri={uri}"], cwd=ROOT, capture_output=True, text=True
    )
    told = jm.load(json.loads(done.stdout.splitlines()[-1])["run_id"], uri)
    assert set(told.metrics) == set(record.metrics)
    assert told.stored.task == record.stored.task


@pytest.mark.weights
def test_a_run_can_be_loaded_by_the_beginning_of_its_id_and_from_its_file(measured, tmp_path):
    from joulemark.core.record_json import to_json

    uri, (record, _) = measured
    assert jm.load(record.run_id[:12], uri).stored == record.stored
    (tmp_path / "record.json").write_text(json.dumps(to_json(record.stored)))
    assert jm.load(tmp_path / "record.json").metrics == record.metrics
    with pytest.raises(jm.UserError, match="not in the store"):
        jm.load("ffffffff", uri)
    with pytest.raises(jm.UserError, match=r"may be \d+ runs \(.*type more of its id"):
        jm.load("", uri)
    with pytest.raises(jm.UserError, match="is not a file"):
        jm.load("nowhere/record.json")


@pytest.mark.weights
def test_a_comparison_and_a_report_say_what_the_commands_say(measured, tmp_path):
    uri, (a, b) = measured
    assert jm.compare(a, b).verdict == "unknown"  # of one window each
    assert jm.compare(a.run_id[:12], b.run_id, uri).note == jm.compare(a, b).note
    made = jm.report(tracking_uri=uri, out=str(tmp_path / "report"), runs=[a.run_id[:12], b.run_id[:12]])
    assert (tmp_path / "report" / "report.html").is_file()
    assert made.runs == 2


@pytest.mark.weights
def test_a_run_needs_neither_the_main_thread_nor_a_quiet_event_loop(home, capfd):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    found = []

    async def ticking():
        ticks, work = 0, asyncio.create_task(asyncio.to_thread(jm.run, **SMOKE))
        while not work.done():
            ticks += 1
            await asyncio.sleep(0.01)
        return await work, ticks

    def in_a_loop_of_a_thread():
        found.append(asyncio.run(ticking()))

    thread = threading.Thread(target=in_a_loop_of_a_thread)
    thread.start()
    thread.join()
    ((record, ticks),) = found
    assert record.status == "finished"
    assert ticks > 10
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert capfd.readouterr() == ("", "")


def test_options_that_cannot_be_are_refused_before_a_process_begins(home):
    with pytest.raises(jm.UserError, match="did you mean batch_size"):
        jm.run(batch_sise=8)
    with pytest.raises(jm.UserError, match="model"):
        jm.run(model="blomz")
    assert not home.exists()


@pytest.mark.weights
def test_a_run_that_breaks_raises_with_what_was_measured(home, tmp_path):
    with pytest.raises(jm.RunError, match="not done within") as error:
        jm.run(**SMOKE, timeout_s=0.01)
    assert error.value.status == "timed_out"


@pytest.mark.weights
def test_a_run_that_failed_carries_its_record(measured, monkeypatch):
    from joulemark.sweep.trial import Outcome

    uri, (record, _) = measured
    failed = Outcome((), exit_code=1, status="failed", error="the audit failed: …", run_id=record.run_id)
    monkeypatch.setattr("joulemark.sweep.trial.run", lambda overrides, limit_s: failed)
    with pytest.raises(jm.RunError, match="the audit failed") as error:
        jm.run(tracking_uri=uri)
    assert error.value.record.stored == record.stored


@pytest.mark.processes
def test_ctrl_c_in_a_program_ends_its_run_which_leaves_its_record(home):
    code = (
        "import joulemark as jm\n"
        "try: jm.run(protocol='smoke', **{'protocol.idle_s': 60})\n"
        "except KeyboardInterrupt: print('stopped')\n"
    )
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    wait_for(lambda: (home / "mlflow.db").exists() and children(program.pid))
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=120)[0] == "stopped\n"
    wait_for(lambda: [run for run in runs_of(f"sqlite:///{home / 'mlflow.db'}") if run.info.status != "RUNNING"])


def test_any_code_is_metered_to_the_joule(home):
    meter = (
        jm.meter(meter={"cpu_w": 50.0, "ram_w": 5.0, "gpu_w": None}, hardware="cpu")
        if False
        else jm.meter("meter=replay", "meter.cpu_w=50", "meter.ram_w=5", hardware="cpu")
    )
    with meter as window:
        assert window.joules is None
        time.sleep(0.05)
    assert window.interval is None
    assert window.evidence == {"gpu": None, "cpu": "replayed", "ram": "replayed"}
    assert window.joules_by_component["gpu"] is None
    (reading,) = window.readings
    assert window.joules == pytest.approx(55 * reading.duration_s)
    assert window.duration_s <= reading.duration_s
    with meter as again:
        time.sleep(0.05)
    low, high = again.interval
    assert low <= (window.joules + again.joules) / 2 <= high


def test_a_block_that_raises_leaves_its_window_empty_and_the_meter_ready(home):
    meter = jm.meter("meter=replay", hardware="cpu")
    with pytest.raises(ZeroDivisionError), meter as window:
        1 / 0  # noqa: B018
    assert (window.joules, window.duration_s, window.evidence, window.interval) == (None, None, None, None)
    with meter as window:
        pass
    assert window.duration_s is not None
    with meter, pytest.raises(jm.UserError, match="running already"), meter:
        pass


def wait_for(what, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found


def children(pid):
    import psutil

    return psutil.Process(pid).children()


@pytest.mark.weights
def test_the_notebook_of_the_first_lesson_runs_in_jupyter(home, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    lesson = nbformat.read(ROOT / "docs" / "first_lesson.ipynb", as_version=4)
    NotebookClient(lesson, timeout=280, resources={"metadata": {"path": str(tmp_path)}}).execute()
    results = [cell.outputs[-1]["data"]["text/plain"] for cell in lesson.cells if cell.cell_type == "code"]
    assert results[0].startswith("<Record embedded_classifier on text_classification: finished")
    assert "'ram': 'constant'" in results[1]
    assert lesson.cells[-1].outputs[-1]["data"]["text/markdown"].startswith("# ")
    assert (tmp_path / "mlruns" / "reports").is_dir() or (home / "reports").is_dir()
    assert not [out for cell in lesson.cells for out in cell.get("outputs", ()) if out["output_type"] == "stream"]
