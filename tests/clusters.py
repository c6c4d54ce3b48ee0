"""A real Slurm and a real Ray on this machine alone, of the tests' own, which end with them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.store.test_store import free_port, wait_until

SLURM = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")

# One node of two processors without GPUs, accounting or control groups, so that it runs in a container
CONF = """
ClusterName=joulemark
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=30
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """A running Slurm; gives the environment in which its commands find it."""
    paths = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in SLURM if shutil.which(name, path=paths) is None]
    if missing:
        pytest.skip(f"this machine has no {', '.join(missing)} (apt install slurm-wlm munge)")
    if os.getuid():
        pytest.skip("Slurm's daemons start jobs as their users and need root")
    folder = Path(tempfile.mkdtemp(prefix="joulemark-slurm-"))
    folder.chmod(0o755)  # munge trusts no path that others may write to, and none that it cannot walk
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(64))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(folder=folder, host=host, controller=free_port(), daemon=free_port()))
    environment = {**os.environ, "PATH": paths, "SLURM_CONF": str(conf)}
    munge = [f"--{word}-file={folder}/munge/{word}" for word in ("key", "pid", "log", "seed")]
    lines = [
        ["munged", "--foreground", "--force", f"--socket={folder}/munge/socket", *munge],
        ["slurmctld", "-D", "-f", str(conf)],
        ["slurmd", "-D", "-f", str(conf)],
    ]
    running = []
    try:
        with open(folder / "out", "w") as out:
            for line in lines:
                running.append(subprocess.Popen(line, stdout=out, stderr=out, env=environment, start_new_session=True))
                if line[0] == "munged":
                    wait_until((folder / "munge" / "socket").exists, 30)
        wait_until(lambda: "idle" in _asked(["sinfo", "--noheader"], environment), 60)
        yield environment
    finally:
        _asked(["scancel", "--user=root"], environment)
        with suppress(AssertionError):  # then its jobs are killed with it
            wait_until(lambda: not _asked(["squeue", "--noheader"], environment).strip(), 60)
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    wait_until(lambda: not _left(folder), 30)


def _asked(line: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=30).stdout


@contextmanager
def ray() -> Iterator[tuple[str, dict[str, str]]]:
    """A running Ray cluster of one node with two processors; gives its address and the environment to reach it in.

    Its home is its own: a token in ~/.ray, which another cluster left there, would shut this one's clients out.
    """
    pytest.importorskip("ray", reason='this environment has no ray (pip install --constraint constraints.txt ".[ray]")')
    folder, port = Path(tempfile.mkdtemp(prefix="jmr")), free_port()  # its sockets' paths have 107 characters at most
    line = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}", "--num-cpus=2",
        "--num-gpus=0", "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}",
        "--object-store-memory=100000000", "--node-ip-address=127.0.0.1",
    ]  # fmt: skip
    home = Path(tempfile.mkdtemp(prefix="jmh"))
    environment = {**os.environ, "HOME": str(home)}
    with open(folder / "out", "w") as out:
        process = subprocess.Popen(line, stdout=out, stderr=out, cwd="/", env=environment, start_new_session=True)
    try:
        wait_until(lambda: "Ray runtime started" in (folder / "out").read_text(), 90)
        yield f"127.0.0.1:{port}", environment
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for each in (folder, home):
            shutil.rmtree(each, ignore_errors=True)
    wait_until(lambda: not _left(folder), 30)


def _left(folder: Path) -> list[list[str]]:
    """The processes that name a cluster's folder in their words: nothing of it may outlive it."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if str(folder) in " ".join(one.cmdline()):
                found.append(one.cmdline())
    return found
