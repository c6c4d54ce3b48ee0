"""A Dockerfile as its instructions, and what of it a plain environment can do: no daemon, no root, no image."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

# Said of the image, and nothing to do in an environment
DECLARED = {"FROM", "USER", "VOLUME", "ENTRYPOINT", "CMD"}


def instructions(text):
    """Each instruction with its arguments, continued lines joined, without comments and a step's own --flags."""
    lines = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        name, _, arguments = line.partition(" ")
        yield name, re.sub(r"^(--\S+\s+)+", "", arguments.strip())


def sent(root, ignored):
    """The files that a build sends: those that .dockerignore lets through, its last matching line decides."""
    rules = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    for path in sorted(root.rglob("*")):
        name, keep = path.relative_to(root).as_posix(), True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            parts = name.split("/") if "**/" in rule else [name.split("/")[0], name]
            if any(fnmatch(part, pattern) for part in parts):
                keep = rule.startswith("!")
        if keep and path.is_file():
            yield name


@dataclass
class Image:
    """What the instructions made: folders below `folder` for those of the image, the environment, the steps run."""

    folder: Path
    environment: dict[str, str]
    directory: str = "/"
    run: list[str] = field(default_factory=list)

    def at(self, path):
        """The folder that stands for one of the image, which is made."""
        here = self.folder / path.lstrip("/")
        here.mkdir(parents=True, exist_ok=True)
        return here


def build(root, image):
    """Does every instruction in order; ValueError for one that is not known here, so that none is left out."""
    files = list(sent(root, (root / ".dockerignore").read_text()))
    for name, arguments in instructions((root / "Dockerfile").read_text()):
        if name == "ARG":
            key, _, value = arguments.partition("=")
            image.environment.setdefault(key, value)
        elif name == "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in arguments.split())
        elif name == "WORKDIR":
            image.directory = arguments
        elif name == "COPY":
            _copy(root, files, image.at(image.directory), arguments.split())
        elif name == "RUN":
            _run(image, arguments)
        elif name not in DECLARED:
            raise ValueError(f"{name} {arguments}: not known here")
    return image


def _copy(root, files, into, words):
    *sources, target = words
    for source in sources:
        found = [name for name in files if name == source or name.startswith(f"{source}/")]
        if not found:
            raise ValueError(f"COPY {source}: .dockerignore leaves nothing of it")
        for name in found:
            to = into / name if target == "./" else into / target / name[len(source) + 1 :]
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, to)


def _run(image, step):
    home = {"HOME": str(image.at(image.environment["HOME"]))} if "HOME" in image.environment else {}
    done = subprocess.run(
        ["sh", "-ec", step],
        cwd=image.at(image.directory),
        env={**os.environ, **image.environment, **home},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise ValueError(f"RUN {step}: {done.stdout}{done.stderr}")
    image.run.append(step)
