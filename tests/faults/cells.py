"""Faults at the stages of a run, by the store that it is told to, and what must be there afterwards."""

import hashlib
import signal
from dataclasses import dataclass, field

from tests.faults.run import STAGES

WRITING = "writing"  # half of the record is in the store
MEASURED = ("stages", "scoring", "saving", WRITING)  # stages at which every window is over
SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
# What the run does to itself: what its error begins with, and the name in the table
OWN = {
    "exception": ("an exception in a plugin", "ValueError: broke at"),
    "panic": ("a panic of a plugin in Rust (no `Exception`)", "PanicException: broke at"),
    "exit": ("`os._exit(0)` in a plugin", "os._exit(0) was called in"),
    "crash": ("a crash of native code", "the process was ended by SIGSEGV"),
    "hang": ("a hang (`protocol.stall_s`)", "hung: nothing went on for"),
}
PROCESSES = {
    "killed": "SIGKILL of the run",
    "both": "SIGKILL of run and recorder",
    "recorder killed": "SIGKILL of the recorder",
    "recorder frozen": "SIGSTOP of the recorder",
}
OUTSIDE = {
    "reader": "the reader of both outputs goes away",
    "closed": "standard output and error closed from the start",
    "disk": "the disk of records and store full",
}
SERVER = {"away": "the server away until the run is over", "restarted": "the server stopped and started again"}
NAMES = {
    **{name: name for name in SIGNALS},
    **PROCESSES,
    **OUTSIDE,
    **{act: name for act, (name, _) in OWN.items()},
    **SERVER,
}
# A server in another process: where it may hold what a run has not finished, and where it is needed
ON_A_SERVER = ("load", "window", "saving", WRITING)
LANES = 3  # servers that are stopped and locked, each for one cell at a time


@dataclass(frozen=True)
class Cell:
    """One fault at one stage of a run, whose store is `sqlite` or `PostgreSQL`."""

    fault: str
    stage: str
    store: str = "sqlite"

    @property
    def name(self):
        return f"{self.fault}-{self.stage}{'' if self.store == 'sqlite' else '-' + self.store}".replace(" ", "-")

    @property
    def row(self):
        """What the table calls it."""
        return NAMES[self.fault] if self.store == "sqlite" else f"{self.store}: {NAMES[self.fault]}"

    @property
    def record_id(self):
        return hashlib.md5(f"{self.stage} {self.name}".encode()).hexdigest()

    @property
    def place(self):
        """Where it is run: beside most others, on a disk of its own that is filled, or with a server of its own."""
        if self.store == "sqlite":
            return "disk" if self.fault == "disk" else "most"
        number = list(NAMES).index(self.fault) + ("compose", *ON_A_SERVER).index(self.stage)
        return f"lane {number % LANES}" if self.stage == WRITING or self.fault in SERVER else "server"


def cells():
    """Every fault at every stage where it can be: while it composes there is no recorder, and no watch at the end."""
    for fault in (name for name in NAMES if name not in SERVER):
        for stage in STAGES:
            no_recorder = fault in ("both", "recorder killed", "recorder frozen", "hang") and stage == "compose"
            if not no_recorder and not (fault == "hang" and stage == "saving"):
                yield Cell(fault, stage)
    for fault in (*SIGNALS, *PROCESSES, *SERVER):
        for stage in (*(["compose"] if fault == "away" else []), *ON_A_SERVER):
            yield Cell(fault, stage, "PostgreSQL")


@dataclass
class Outcome:
    """What a cell left: exit code, last line, what was printed, whether the record waited, and empty files."""

    code: int
    last: dict
    printed: str
    waited: bool = False
    left: list = field(default_factory=list)


def expected(cell):
    """Status in the store and the beginning of its error, None for a run that is no record; and the exit codes."""
    if cell.fault == "disk" and cell.stage in ("compose", "meters"):  # its store cannot be made: refused
        return None, {2}
    if cell.fault == "away" and cell.stage == "compose":
        return None, {2}
    if cell.stage == "compose":
        if cell.fault in ("reader", "closed"):
            return ("FINISHED", ""), {0}
        codes = {**{name: {-signal.Signals[name], code} for name, code in SIGNALS.items()}, "killed": {-9}}
        return None, codes.get(cell.fault, {0, 1, -11})
    if cell.stage in ("saving", WRITING):  # the record is whole: nothing that comes now changes it
        return ("FINISHED", ""), {"killed": {-9}, "both": {-9}, "crash": {-11}}.get(
            cell.fault, {1} if cell.fault in OWN else {0}
        )
    if cell.fault in SIGNALS:
        return ("KILLED", f"interrupted by {cell.fault}"), {SIGNALS[cell.fault]}
    if cell.fault == "killed":
        return ("FAILED", "killed by SIGKILL"), {-9}
    if cell.fault == "both":
        return ("FAILED", "the run ended without a word"), {-9}
    if cell.fault in OWN:
        codes = {"exit": {1}, "crash": {-11}, "hang": {-9}}
        return ("FAILED", OWN[cell.fault][1]), codes.get(cell.fault, {1})
    return ("FINISHED", ""), {0}
