"""Everfold's programs as processes, and the supervisor that starts them again when they end by themselves."""

import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import everfold_dev  # noqa: F401  for the imports below
from probes import get_json, not_ready
from terminal import last_lines
from waiting import now_ms, until

_STOP_S = 30
_RESTART_AFTER_S = 1.0


class Program:
    """One process under a name. Whoever harms it holds `lock` until it is well; the rest is safe from any thread."""

    def __init__(self, name: str, argv: list[str], environment: dict[str, str], log: Path, port: int,
                 directories: list[Path]):
        self.name = name
        self.lock = threading.Lock()
        self.log = log
        self._errors = log.with_suffix(".err")
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.directories = directories  # its own state
        self.starts = 0
        self._argv = argv
        self._environment = environment
        self._mutex = threading.RLock()
        self._process = None
        self._wanted = False
        self._dead_since = None

    def start(self) -> None:
        with self._mutex:
            self._wanted = True
            self._launch()

    def kill(self) -> None:
        with self._mutex:
            self._wanted = False
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()

    def terminate(self) -> float | None:
        """SIGTERM. The seconds until it ended, or nothing when it had to be killed."""
        with self._mutex:
            self._wanted = False
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        return time.monotonic() - began

    def suspend(self) -> None:
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def destroy(self) -> None:
        """For good, whatever state it is in."""
        with self._mutex:
            self._wanted = False
            if self._process and self._process.poll() is None:
                self._process.kill()  # a stopped process dies of it too
                self._process.wait()

    def not_ready(self) -> str | None:
        reason = not_ready(self.url + "/readyz")
        return f"{self.name}: {reason}" if reason else None

    def status(self) -> dict:
        return get_json(self.url + "/status")[1]

    def ended(self) -> int | None:
        """The exit code, once, when it should run and does not."""
        with self._mutex:
            if not self._wanted or self._dead_since or self._process.poll() is None:
                return None
            self._dead_since = time.monotonic()
            return self._process.returncode

    def restart_when_due(self) -> None:
        with self._mutex:
            if self._wanted and self._dead_since and time.monotonic() - self._dead_since > _RESTART_AFTER_S:
                self._launch()

    def last_words(self) -> str:
        """The last line of its standard error: a program that must not go on says why."""
        lines = last_lines(self._errors, 1)
        return lines[0] if lines else ""

    def _launch(self) -> None:
        for directory in self.directories:
            directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output, self._errors.open("ab") as errors:
            self._process = subprocess.Popen(self._argv, env=self._environment, stdin=subprocess.DEVNULL, stdout=output,
                                             stderr=errors, start_new_session=True)  # Ctrl-C is not for it
        self._dead_since = None
        self.starts += 1

    def _send(self, number: int) -> None:
        with self._mutex:
            if self._process.poll() is None:
                self._process.send_signal(number)


class Supervisor:
    """Starts again what ended by itself, after a second, and does what a program's last words tell the operator to do."""

    def __init__(self, programs: list[Program], tell):
        self.deaths = []
        self._programs = programs
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            for program in self._programs:
                if (code := program.ended()) is not None:
                    self._bury(program, code)
                program.restart_when_due()

    def _bury(self, program: Program, code: int) -> None:
        words = program.last_words()
        death = {"t": now_ms(), "program": program.name, "exit": code, "said": words,
                 "operatorDeleted": [str(path) for path in self._help(program, words)]}
        self.deaths.append(death)
        self._tell(f"{program.name} ended with {code}: {words[:300]}")

    @staticmethod
    def _help(program: Program, words: str) -> list[Path]:
        """docs/operations.md: delete the directory that the message names, if it says to."""
        if "delete" not in words.lower():
            return []
        named = [Path(path.rstrip(".")) for path in re.findall(r"/[^\s\",:;()']+", words)]
        own = [path for path in named if any(path.is_relative_to(directory) for directory in program.directories)]
        for path in own:
            for entry in list(path.iterdir()) if path in program.directories else [path]:  # a mount point stays
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
        return own


def await_ready(programs: list[Program], seconds: float) -> None:
    reasons = []

    def ready():
        reasons[:] = [reason for program in programs if (reason := program.not_ready())]
        return not reasons
    until(lambda: "ready: " + "; ".join(reasons), ready, seconds, 0.1)
