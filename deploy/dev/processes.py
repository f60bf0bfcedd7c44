"""Processes that outlive the shell that started them: started detached, recorded in EVERFOLD_HOME/run, stopped by pid.

A record is believed only while the process with its pid has the start time that was recorded, so that a pid that the
system has since given to somebody else is never taken for ours.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from settings import Settings
from terminal import Failure, say, shown


@dataclass(frozen=True)
class Service:
    """A process that `up` keeps running."""
    name: str
    argv: list[str]
    port: int
    url: str
    waiting_for: Callable[[], str | None]  # None when ready, otherwise the reason why not
    environment: dict[str, str] = field(default_factory=dict)  # besides ours
    configuration: str = ""                # the text of its configuration files, to notice when it changes


@dataclass(frozen=True)
class Record:
    name: str
    pid: int
    started_ticks: int  # field 22 of /proc/PID/stat: with the pid, it names one process
    boot: str           # pids and ticks begin anew with every boot of the machine
    url: str
    binary: str         # which build of its program it runs
    configuration: str  # a digest of its arguments and configuration


def process_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (the state) on; None when there is no such process, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields


def started_ticks(pid: int) -> int | None:
    fields = process_stat(pid)
    return int(fields[19]) if fields else None


def group_members(leader: int) -> list[int]:
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    stats = {pid: process_stat(pid) for pid in pids}
    return [pid for pid, fields in stats.items() if fields and int(fields[2]) == leader]


class Supervisor:
    def __init__(self, settings: Settings):
        self.settings = settings
        self.directory = settings.home / "run"

    def running(self, name: str) -> Record | None:
        record = self._record(name)
        return record if record and started_ticks(record.pid) == record.started_ticks else None

    def recorded(self) -> list[str]:
        return sorted(path.stem for path in self.directory.glob("*.json"))

    def log(self, name: str) -> Path:
        return self.settings.logs / f"{name}.log"

    def ensure(self, service: Service) -> bool:
        """Starts the service unless it runs as it should; says when one was replaced. True if it was started."""
        record = self.running(service.name)
        if record:
            outdated = self._outdated(service, record)
            if not outdated:
                return False
            say(f"{service.name:<12} {outdated}: restarting it")
            self.stop([service.name])
        self._start(service)
        return True

    def await_ready(self, services: list[Service], deadline_s: float, progress: Callable[[str], None]) -> None:
        deadline = time.monotonic() + deadline_s
        pending = list(services)
        while pending:
            reasons = {service.name: service.waiting_for() for service in pending}
            for service in pending:
                if not self.running(service.name):
                    raise Failure(f"{service.name} ended while it was starting", self.log(service.name))
            pending = [service for service in pending if reasons[service.name]]
            if not pending:
                return
            first = pending[0]
            if time.monotonic() > deadline:
                raise Failure(f"{first.name} is not ready after {deadline_s:.0f} s: {reasons[first.name]}",
                              self.log(first.name))
            progress(f"waiting for {', '.join(service.name for service in pending)}: {reasons[first.name]}")
            time.sleep(0.05)

    def stop(self, names: list[str], patience_s: float = 20) -> list[str]:
        """SIGTERM to all of them, SIGKILL to those still there after `patience_s`. Returns the names that ran."""
        records = [record for name in names if (record := self._record(name))]
        ran = [record for record in records if self.running(record.name)]
        for record in ran:
            os.kill(record.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while any(self.running(record.name) for record in ran) and time.monotonic() < deadline:
            time.sleep(0.02)
        for record in ran:
            if self.running(record.name):
                say(f"{record.name:<12} did not stop within {patience_s:g} s: killed;"
                    f" {shown(self.log(record.name))} may say why")
                os.kill(record.pid, signal.SIGKILL)
        for record in records:
            self._kill_orphans(record)
            (self.directory / f"{record.name}.json").unlink(missing_ok=True)
        return [record.name for record in ran]

    def _start(self, service: Service) -> None:
        leftover = self._record(service.name)
        if leftover:
            self._kill_orphans(leftover)
        if port_is_taken(service.port):
            raise Failure(f"Port {service.port} for {service.name} is taken by another process."
                          " EVERFOLD_PORT_BASE=18080 (or --port-base 18080) moves all of Everfold's ports")
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log(service.name).open("ab") as log:
            process = subprocess.Popen(service.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                       cwd=self.settings.home, start_new_session=True,
                                       env={**os.environ, **service.environment})
        ticks = started_ticks(process.pid)
        if ticks is None:
            raise Failure(f"{service.name} ended at once", self.log(service.name))
        record = Record(service.name, process.pid, ticks, boot_id(), service.url,
                        binary_of(service), configuration_of(service))
        path = self.directory / f"{service.name}.json"
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(asdict(record)))
        scratch.replace(path)

    def _outdated(self, service: Service, record: Record) -> str | None:
        if record.binary != binary_of(service):
            return "was built anew"
        if record.configuration != configuration_of(service):
            return "has new settings"
        return None

    def _record(self, name: str) -> Record | None:
        try:
            record = Record(**json.loads((self.directory / f"{name}.json").read_text()))
        except FileNotFoundError:
            return None
        return record if record.boot == boot_id() else None

    def _kill_orphans(self, record: Record) -> None:
        """Ends what the process left behind: nginx's workers survive a kill -9 of their master and keep its port.

        A pid is not given out anew while a process group has its number, so a group without its leader is still ours.
        """
        deadline = time.monotonic() + 5
        while process_stat(record.pid) is None and (members := group_members(record.pid)):
            if time.monotonic() > deadline:
                raise Failure(f"{record.name} left processes behind that do not end: {members}")
            os.killpg(record.pid, signal.SIGKILL)
            time.sleep(0.02)


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def binary_of(service: Service) -> str:
    stat = os.stat(service.argv[0])
    return f"{stat.st_ino} {stat.st_mtime_ns}"


def configuration_of(service: Service) -> str:
    everything = [service.argv, sorted(service.environment.items()), service.configuration]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()


def port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
