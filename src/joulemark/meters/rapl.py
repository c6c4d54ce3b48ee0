"""The processor's own energy counters (RAPL: Intel since Sandy Bridge, AMD since Zen), read through Linux powercap.

    /sys/class/powercap/intel-rapl:0      name package-0   counted: cpu_j
                        intel-rapl:0:0    name core        part of the package, left out
                        intel-rapl:0:1    name dram        counted: ram_j (servers; AMD has none)
                        intel-rapl:1      name psys        the whole board, package included, left out
                        intel-rapl-mmio:0 name package-0   the same counter by another road, left out

Source: Linux kernel documentation, "Power Capping Framework".
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading

UJ_PER_J = 1e6
MIRROR_J = 1.0  # two dies whose counters since boot are this close are one counter shown twice
CEILING_W = 1000.0  # no package draws more; used where the kernel does not report the package's own limit


@dataclass(frozen=True)
class Domain:
    """One powercap counter: where it is, at how many joules it wraps, and the most watts it can count."""

    folder: Path
    wraps_at_j: float
    limit_w: float = CEILING_W

    def read_j(self) -> float:
        """Joules since an arbitrary start, modulo `wraps_at_j`."""
        return int((self.folder / "energy_uj").read_text()) / UJ_PER_J

    def certain_s(self) -> float:
        """How long a window may be, in seconds, for the counter to wrap at most once."""
        return self.wraps_at_j / self.limit_w


@dataclass
class Rapl:
    """Reads the joules of all processor packages (cpu_j) and their memory (ram_j), method `rapl`.

    The counter wraps, typically at 65 or 262 kJ; one wrap is corrected. In a window in which the packages could have
    counted round more than once at their highest power limit (262 kJ at 300 W: 14 min) the number of wraps cannot be
    known: that component is None. `ram_j` is None where the processor does not report it. Two reads of a few files,
    about 0.1 ms, at each end; nothing in between.
    """

    root: Path | str = "/sys/class/powercap"
    clock: Callable[[], float] = time.perf_counter
    name: str = field(default="rapl", init=False)
    capability: ClassVar[Capability] = Capability({"cpu": ("rapl",), "ram": ("rapl",)}, trust=90)
    _packages: tuple[Domain, ...] = field(default=(), init=False, repr=False)
    _memory: tuple[Domain, ...] = field(default=(), init=False, repr=False)
    _began: tuple[float, list[float]] | None = field(default=None, init=False, repr=False)

    def open(self, hardware: Hardware) -> None:
        """Finds the counters and reads each once; UserError where there are none or they are not readable."""
        folders = _packages(Path(self.root))
        if not folders:
            raise UserError(
                f"meter=rapl: no processor energy counter under {self.root} (virtual machines, most containers and "
                "macOS have none, and no command adds it); type meter=codecarbon"
            )
        try:
            self._packages = _distinct([_domain(folder) for folder in folders])
            memory = [_memory_of(package.folder) for package in self._packages]
        except PermissionError:
            raise UserError(
                f"meter=rapl: only root may read the counters under {self.root}, since they can give secrets away "
                f"(CVE-2020-8694); where all users are trusted type, until the next boot, "
                f"sudo chmod a+r {self.root}/intel-rapl*/energy_uj"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"meter=rapl: a counter under {self.root} cannot be read ({error})") from None
        # the memory of one socket out of two is not the machine's memory
        self._memory = tuple(domain for domain in memory if domain) if all(memory) else ()

    def start(self) -> None:
        """Reads every counter; the work may begin when it returns."""
        domains = (*self._packages, *self._memory)
        values = [domain.read_j() for domain in domains]
        self._began = self.clock(), values

    def stop(self) -> Reading:
        """The joules since `start`; a component whose counter may have wrapped more than once is None."""
        if self._began is None:
            raise RuntimeError("meter rapl: stop without start")
        (began_s, before), self._began = self._began, None
        duration_s = self.clock() - began_s
        after = [domain.read_j() for domain in (*self._packages, *self._memory)]
        count = len(self._packages)
        cpu_j = _joules(self._packages, before[:count], after[:count], duration_s)
        ram_j = _joules(self._memory, before[count:], after[count:], duration_s)
        method = {component: "rapl" for component, joules in (("cpu", cpu_j), ("ram", ram_j)) if joules is not None}
        return Reading(self.name, duration_s, cpu_j=cpu_j, ram_j=ram_j, method=method)

    def close(self) -> None:
        """Forgets the counters; there is nothing to release."""
        self._packages, self._memory, self._began = (), (), None


def _joules(
    domains: Sequence[Domain], before: Sequence[float], after: Sequence[float], duration_s: float
) -> float | None:
    """The sum of what the counters went forward by, each wrap corrected once; None without counters or certainty."""
    if not domains or duration_s > min(domain.certain_s() for domain in domains):
        return None
    steps = zip(domains, before, after, strict=True)
    return sum(stop - start + (domain.wraps_at_j if stop < start else 0.0) for domain, start, stop in steps)


def _packages(root: Path) -> list[Path]:
    """The folders of the package domains: `intel-rapl:N` named package-*, which leaves psys and subdomains out."""
    # AMD hosts show the same tree under the same name
    folders = [folder for folder in sorted(root.glob("intel-rapl:*")) if folder.name.count(":") == 1]
    return [folder for folder in folders if _name(folder).startswith("package-")]


def _memory_of(package: Path) -> Domain | None:
    """The package's dram subdomain: a folder inside it, also shown beside it as `intel-rapl:N:M`."""
    inside = [*sorted(package.glob(f"{package.name}:*")), *sorted(package.parent.glob(f"{package.name}:*"))]
    folder = next((folder for folder in inside if _name(folder) == "dram"), None)
    return _domain(folder, of=package) if folder else None


def _domain(folder: Path, of: Path | None = None) -> Domain:
    """The counter in a folder, read once to see that it can be; its power limit is that of the package `of`."""
    wraps_at_j = int((folder / "max_energy_range_uj").read_text()) / UJ_PER_J
    limits = [int(path.read_text()) / 1e6 for path in (of or folder).glob("constraint_*_power_limit_uw")]
    # the highest of the long, short and peak limits; a limit of zero, or beyond all reason, is one that is not set
    limit_w = max((limit for limit in limits if 0 < limit < CEILING_W), default=CEILING_W)
    domain = Domain(folder, wraps_at_j, limit_w)
    domain.read_j()
    return domain


def _distinct(packages: Sequence[Domain]) -> tuple[Domain, ...]:
    """The packages without the dies that show another die's counter again.

    AMD processors of several dies list `package-0-die-0`, `package-0-die-1`, … that are all the socket's one counter
    (github.com/mlco2/codecarbon/issues/1274): their sum would be that many times too high.
    """
    kept: list[tuple[str, float, Domain]] = []
    for domain in packages:
        socket, joules = _name(domain.folder).split("-die-")[0], domain.read_j()
        if not any(socket == kept_socket and abs(joules - seen) < MIRROR_J for kept_socket, seen, _ in kept):
            kept.append((socket, joules, domain))
    return tuple(domain for _, _, domain in kept)


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text().strip()
    except OSError:
        return ""
