"""Trials of a screening that follow each other in one process, on one loaded model.

    this process                       cli/shared_process.py
    ────────────                       ─────────────────────
    overrides ────── a line ─────────▶ loads, measures
    asleep on its pipe ◀── last line ─ leaves its record
    overrides ────── a line ─────────▶ measures: the same model, other batches
    asleep on its pipe ◀── last line ─ leaves its record
    other model ──── a line ─────────▶
    None ◀──────────── "other load" ──
    the first overrides once more ───▶ measures: has what came between changed anything? (`check`)
    close ────── end of input ───────▶ exits

What breaks a process is the result of its first trial only: a later one is measured again in a process of its own,
since what came before may have broken it.
"""

import json
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Any

from joulemark.core import paths, signals
from joulemark.sweep import trial
from joulemark.sweep.budget import RUN_WH
from joulemark.sweep.carry_over import Check
from joulemark.sweep.concealed import concealed
from joulemark.sweep.trial import GRACE_S, End, Outcome

MODULE = "cli.shared_process"
EARLY_STOP = "early_stop_against="
OWN_RESULT = ("failed", "killed")  # ends that may be the process's and not the setting's


class SharedTrials:
    """At most one process at a time; not alive before the first trial, and after one that did not finish.

    Call it from the main thread.
    """

    def __init__(self, report: Callable[[str], None], grace_s: float = GRACE_S) -> None:
        self._report, self._grace_s = report, grace_s
        self._child: subprocess.Popen[str] | None = None
        self._errors: deque[str] = deque(maxlen=trial.ERROR_LINES * 10)
        self._listening: Thread | None = None
        self._made: list[tuple[tuple[str, ...], Outcome]] = []

    @property
    def alive(self) -> bool:
        """Whether a process waits, with its model loaded."""
        return self._child is not None and self._child.poll() is None

    @property
    def to_check(self) -> bool:
        """Whether the process is alive and measured more than its first setting."""
        return self.alive and len(self._made) > 1

    def __call__(self, overrides: Sequence[str], limit_s: float | None) -> Outcome | None:
        """One trial; None where the process that is alive has another model: `check` and `close` it, and call again."""
        if not self.alive:
            self._begin(overrides)
        used = bool(self._made)
        outcome = self._measured(overrides, limit_s)
        if outcome is None or not used or outcome.status not in OWN_RESULT or outcome.stopped_by:
            return outcome
        self._report(f"{outcome.status} in a process that measured others before ({outcome.error}): once more, alone")
        self.close()
        left_s = None if limit_s is None else max(1.0, limit_s - outcome.seconds)
        self._begin(overrides)
        again = self._measured(overrides, left_s)
        assert again is not None
        return _with_cost_of(outcome, again)

    def check(self, limit_s: float | None) -> Check | None:
        """Measures the first setting once more; None where the process measured only that one, or is gone."""
        if not self.to_check:
            return None
        overrides, first = self._made[0]
        last = self._measured(to_the_end(overrides), limit_s)
        return None if last is None else Check(first.process or "", overrides, first, last)

    def close(self) -> None:
        """Ends the process, which has nothing left to do; its memory is free afterwards."""
        child, self._child, self._made = self._child, None, []
        if child is None:
            return
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        with trial.limited(child, self._grace_s, self._grace_s):
            child.wait()
        if self._listening is not None:
            self._listening.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()

    def _begin(self, overrides: Sequence[str]) -> None:
        self.close()
        _, secrets = concealed(overrides)
        self._child = child = trial.started(paths.module(MODULE), secrets, subprocess.PIPE)
        self._errors.clear()
        self._listening = Thread(target=lambda: self._errors.extend(child.stderr or ()), daemon=True)
        self._listening.start()

    def _measured(self, overrides: Sequence[str], limit_s: float | None) -> Outcome | None:
        """The outcome of one run in the process that is alive; None where it has another model."""
        began_s, child = time.monotonic(), self._child
        assert child is not None
        with signals.Forwarding() as forwarding:
            forwarding.add(child)
            try:
                with trial.limited(child, limit_s, self._grace_s) as timed_out:
                    last = _answer(child, overrides)
                    if last.get("status") != "finished" and "other_load" not in last:
                        child.wait()
            except BaseException:
                self.close()
                raise
        if "other_load" in last:
            return None
        if child.poll() is not None and self._listening is not None:
            self._listening.join()
        code = 0 if child.poll() is None else child.returncode
        over_s = limit_s if timed_out.is_set() else None
        ended = End(last, code, "".join(self._errors), over_s)
        outcome = trial.outcome(overrides, ended, forwarding.stops, time.monotonic() - began_s)
        self._made.append((tuple(overrides), outcome))
        return outcome


def to_the_end(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides of a trial that no better result ends early."""
    return tuple(each for each in overrides if not each.startswith(EARLY_STOP))


def _answer(child: "subprocess.Popen[str]", overrides: Sequence[str]) -> dict[str, Any]:
    """The last line of the run of these overrides; empty where the process ended without one."""
    assert child.stdin is not None
    assert child.stdout is not None
    kept, _ = concealed(overrides)
    with suppress(OSError):  # it is gone: its end says why
        child.stdin.write(f"{json.dumps({'overrides': kept})}\n")
        child.stdin.flush()
    for line in child.stdout:
        if answer := _json(line):
            return answer
    return {}


def _json(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {}
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) and ("other_load" in answer or "status" in answer) else {}


def _with_cost_of(lost: Outcome, again: Outcome) -> Outcome:
    """The outcome of the second attempt with what the first one took as well."""
    known = [wh for each in (lost, again) if (wh := each.metrics.get(RUN_WH)) is not None]
    metrics = {**again.metrics, **({RUN_WH: sum(known)} if known else {})}
    return replace(again, metrics=metrics, seconds=lost.seconds + again.seconds)
