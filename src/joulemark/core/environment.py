"""The machine and software that a run was measured on, as they were when it began."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.calibration import Calibration


@dataclass(frozen=True)
class Environment:
    """The host, its software and what the run could read there; None is unknown.

    Attributes:
        os: name and version of the operating system
        python: version of Python
        cpu: marketing name of the processor
        cpu_cores: logical cores of the host
        usable_cores: logical cores that the process may use, fewer in a container or a job
        omp_threads: threads of an operation on the processor, where OMP_NUM_THREADS limits them
        memory_bytes: main memory of the host
        packages: version of each package that matters, None where it is not installed
        git_revision: commit of this program's checkout
        git_dirty: whether the checkout had uncommitted changes
        gpu: driver, clocks, ECC and MIG mode, … of the GPU before the run; empty without one
        calibration: joules of the device per FLOP and per byte, where `joulemark calibrate` measured them
        meters_absent: reason and remedy of each meter that could not be read, by its name
        work_not_counted: why FLOPs and bytes of a request could not be counted
    """

    os: str | None = None
    python: str | None = None
    cpu: str | None = None
    cpu_cores: int | None = None
    usable_cores: int | None = None
    omp_threads: int | None = None
    memory_bytes: int | None = None
    packages: Mapping[str, str | None] = field(default_factory=dict)
    git_revision: str | None = None
    git_dirty: bool | None = None
    gpu: Mapping[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    meters_absent: Mapping[str, str] = field(default_factory=dict)
    work_not_counted: str | None = None
