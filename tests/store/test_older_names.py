"""Stores of before 2026-11-28 are read under today's names, each name once, and today's runs as they are."""

import os

import pytest

from joulemark.analysis import named_metrics
from joulemark.core import paths, record_upgrade
from joulemark.store import older_names
from tests.records import a_record

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

# What b370416 wrote of one run
METRICS = {
    "energy/total_wh_per_1k": 3.0, "energy/net_wh_per_1k": 2.0, "energy/gpu_net_wh_per_1k": 1.5,
    "energy/on_wh_per_1k": 1.0, "energy/modelled_share": 0.25, "floor/wh_per_1k": 0.5, "phases/prefill_s": 0.125,
    "quality/primary": 0.9, "rescored/FRA/emissions/g_per_1k": 0.75,
}  # fmt: skip
TAGS = {
    "record.id": "r", "status": "finished", "model": "m", "task": "summarization", "device": "card",
    "flags": "beaten, first_look, modelled, shared, unsettled, warmup_unsettled", "method.cpu": "modelled",
    "method.gpu": "counter", "shared": "cpu, ram", "command": "python -m src.run prepare_processes=4 protocol=demo",
}  # fmt: skip
PARAMS = {"prepare_processes": "4", "site.modelled_limit": "0.3", "protocol.quotable": "True", "batch_size": "8"}
EXTERNAL = {
    "foreign": "true",
    "foreign.kind": "mean",
    "foreign.digest": "d",
    "flags": "foreign",
    "task": "summarization",
}

TODAY = {
    "energy/total_wh_per_1k": 3.0, "energy/dynamic_wh_per_1k": 2.0, "energy/gpu_dynamic_wh_per_1k": 1.5,
    "energy/idle_wh_per_1k": 1.0, "energy/estimated_share": 0.25, "lower_bound/wh_per_1k": 0.5,
    "stages/prefill_s": 0.125, "quality/primary": 0.9, "rescored/FRA/emissions/g_per_1k": 0.75,
}  # fmt: skip
FLAGS = "early_stopped, estimated, not_converged, preliminary, shared, warmup_not_converged"


def test_every_figure_keeps_its_value_under_todays_name():
    assert older_names.metrics(METRICS) == TODAY
    assert older_names.metrics(TODAY) == TODAY


def test_every_metric_that_is_read_by_another_name_is_one_of_a_run_today():
    today = set(named_metrics.metrics(a_record()))
    assert set(record_upgrade.METRICS.values()) <= today
    assert not set(record_upgrade.METRICS) & today


def test_flags_methods_and_tags_are_read_under_todays_names():
    read = older_names.tags(TAGS)
    assert read["flags"] == FLAGS
    assert (read["method.cpu"], read["method.gpu"], read["shared"]) == ("estimated", "counter", "cpu, ram")
    assert older_names.tags(read) == read
    external = older_names.tags(EXTERNAL)
    assert external == {"external": "true", "external.kind": "mean", "external.digest": "d", "flags": "external",
                        "task": "summarization"}  # fmt: skip


def test_params_are_read_under_todays_options_and_queried_under_both():
    read = older_names.params(PARAMS)
    assert read == {"preprocessing_workers": "4", "site.estimated_limit": "0.3", "protocol.preliminary": "false",
                    "batch_size": "8"}  # fmt: skip
    names = older_names.param_names(["preprocessing_workers", "batch_size", "site.estimated_limit"])
    assert set(names) == {"preprocessing_workers", "prepare_processes", "batch_size", "site.estimated_limit",
                          "site.modelled_limit"}  # fmt: skip


@pytest.mark.parametrize("program", ["python -m src.run", "joulemark run"])
def test_commands_compare_by_their_overrides_whichever_program_they_name(program):
    stored = f"{program} 'task.prompt=a b' protocol.settle_rel=0.1 prepare_processes=4"
    assert older_names.overrides(stored) == (
        "preprocessing_workers=4", "protocol.converge_rel=0.1", "task.prompt=a b",
    )  # fmt: skip
    assert older_names.command(stored) == (
        f"{paths.program('run')} preprocessing_workers=4 protocol.converge_rel=0.1 'task.prompt=a b'"
    )
    assert older_names.overrides(program) == ()


@pytest.mark.parametrize("text", ["", "mlflow run .", "python -m src.run 'open"])
def test_text_that_is_no_command_of_a_run_stays_as_it_is(text):
    assert older_names.overrides(text) is None
    assert older_names.command(text) == text


@pytest.mark.servers
def test_a_store_of_before_is_listed_skipped_and_registered_under_todays_names(tmp_path):
    from joulemark.store import additions, listing, opening, reading
    from joulemark.store.writing import write

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    opened = opening.open_store(uri, "summarization")
    ids = []
    flags = "first_look, modelled, unsettled"
    for tags, metrics in ((TAGS, METRICS), ({**TAGS, "flags": flags}, METRICS), (EXTERNAL, {"floor/wh_per_1k": 1.0})):
        run_id = opened.client.create_run(opened.experiment_id).info.run_id
        write(opened.client, run_id, metrics, PARAMS, tags)
        opened.client.set_terminated(run_id, "FINISHED")
        ids.append(run_id)

    for filter_string in (None, "metrics.`energy/total_wh_per_1k` > 0"):  # through the tables, and through the client
        choice = listing.Choice(filter=filter_string)
        runs = {run.run_id: run for run in listing.runs(uri, choice, ["preprocessing_workers", "batch_size"])}
        assert runs[ids[0]].metrics == TODAY
        assert runs[ids[0]].tags["flags"] == FLAGS
        assert runs[ids[0]].params == {"preprocessing_workers": "4", "batch_size": "8"}
        assert (ids[2] in runs) == (filter_string is None)  # the external result has no total

    # the run that was stopped early does not count, and an option under its new name is the same command
    (options,) = reading.finished(uri, "card")
    assert options == "run preprocessing_workers=4 protocol=demo"
    assert reading.kept(uri, ids[1]).metrics == TODAY

    version = additions.register(uri, ids[1], "summarization")["version"]
    tags = opened.client.get_model_version("summarization", version).tags
    assert (tags["energy.estimated_share"], tags["preprocessing_workers"]) == ("0.25", "4")
    assert tags["flags"] == "estimated, not_converged, preliminary"
