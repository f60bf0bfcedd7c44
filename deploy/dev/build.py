"""What `up` and `test` need before anything can run: Debian packages, Python packages, and our own programs."""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from settings import PROGRAMS, ROOT
from terminal import Failure, Step

# What `./dev up` builds: the programs that it starts, and the load driver.
UP_TARGETS = [f"everfold-{program}" for program in (*PROGRAMS, "load", "replay")]

# An interpreter that has deploy/python-packages.txt: for tests; CMake knows it as EVERFOLD_PYTHON.
PYTHON = ROOT / "build/venv/bin/python3"

_NINJA_PROGRESS = re.compile(r"\[(\d+)/(\d+)\] (.*)")


def install_packages() -> None:
    if subprocess.run([ROOT / "deploy/packages.sh"], stdin=subprocess.DEVNULL).returncode:
        raise Failure("The Debian packages of deploy/packages.txt could not be installed")


def install_python_packages() -> None:
    """Into build/venv, made anew for each state of the list; nothing to do when it is as the list says."""
    wanted = ROOT / "deploy/python-packages.txt"
    state = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    venv = PYTHON.parents[1]
    stamp = venv / "installed-from"
    log = ROOT / "build/venv-install.log"
    log.parent.mkdir(exist_ok=True)
    with _lock(ROOT / "build/lock"):
        if stamp.exists() and stamp.read_text() == state:
            return
        with Step("python") as step:
            shutil.rmtree(venv, ignore_errors=True)
            log.write_text("")
            _run([sys.executable, "-m", "venv", venv], log, step)
            _run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", wanted], log, step)
            stamp.write_text(state)
            step.done("packages in build/venv")


def build(preset: str, targets: list[str]) -> None:
    """Configures when needed and builds the targets, or all. Ninja finds out quickly when nothing changed."""
    directory = ROOT / "build" / preset
    log = ROOT / "build" / f"{preset}.log"
    log.parent.mkdir(exist_ok=True)
    with Step("build") as step, _lock(ROOT / "build/lock"):
        log.write_text("")
        if _must_configure(directory):
            step.progress("configuring")
            _run(["cmake", "--preset", preset], log, step)
        selection = ["--target", *targets] if targets else []
        _run(["cmake", "--build", directory, *selection], log, step)
        step.done(f"{preset}, in build/{preset}")


def _must_configure(directory: Path) -> bool:
    ninja_file = directory / "build.ninja"
    presets = ROOT / "CMakePresets.json"
    return not ninja_file.exists() or ninja_file.stat().st_mtime < presets.stat().st_mtime


def _run(command: list, log: Path, step: Step) -> None:
    with log.open("a") as output, subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                   stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout:
            output.write(line)
            if match := _NINJA_PROGRESS.match(line):
                step.progress(f"{match[1]} of {match[2]}: {match[3]}")
    if process.returncode:
        raise Failure(f"{' '.join(map(str, command))} failed", log, log_lines=40)


@contextmanager
def _lock(path: Path):
    """One build at a time, also when two copies start at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
