"""A whole Everfold of the chaos test's own: brokers, the network in front of them, two of each program, small disks."""

import os
import secrets
import subprocess
from pathlib import Path

from kafka_cluster import Cluster
from network import Network
from ports import Ports
from supervised import Program, Supervisor, await_ready

SITES = ("A", "B")
PARTITIONS = 4
PAYMENT_TIMEOUT_S = 15
_SESSION_TIMEOUT_MS = 2000
_DISK_MB = 1024  # RocksDB's write-ahead logs take their space in advance
# Programs that put their state on a disk of their own, which can be filled.
_SMALL_DISKS = ("command-1", "saga-2", "views-b")


class Disk:
    """A small tmpfs. Where none may be mounted it is an ordinary directory that cannot be filled."""

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "everfold-chaos", directory],
                                 stdin=subprocess.DEVNULL, capture_output=True)
        self.small = mounted.returncode == 0
        self._ballast = directory / "ballast"

    def fill(self) -> None:
        block = bytes(1 << 20)
        with self._ballast.open("wb", buffering=0) as file:
            for size in (len(block), 4096, 1):
                try:
                    while True:
                        file.write(block[:size])
                except OSError:  # full, for blocks of this size
                    continue

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.small:
            subprocess.run(["umount", self.directory], check=True, stdin=subprocess.DEVNULL)
            self.small = False


class System:
    def __init__(self, home: Path, binaries: Path, brokers: int, tell):
        self.home = home
        self.logs = home / "logs"
        self.logs.mkdir(parents=True)
        self._binaries = binaries
        self._ports = Ports()
        self.prefix = "chaos"
        self.secret = secrets.token_hex(32)
        self.secret_file = home / "secret"
        self.secret_file.write_text(self.secret)
        self.secret_file.chmod(0o600)
        self.network = None
        self.disks = {}
        self.cluster = Cluster(home, self.logs, brokers, SITES, self._ports.take)
        self.programs = {}
        for number, site in enumerate(SITES, 1):
            views = self._directory(f"views-{site.lower()}")
            for kind in ("command", "saga"):
                self._add(kind, number, site, [self._directory(f"{kind}-{number}")])
            self._add("projector", number, site, [views])
            self._add("query", number, site, [home / f"state/query-{number}"], views)
        self.supervisor = Supervisor(list(self.programs.values()), tell)
        self._tell = tell

    def start(self) -> None:
        for name in _SMALL_DISKS:
            self.disks[name] = Disk(self._directory(name).parent)
        self.network = Network(self.cluster.routes, self.logs / "proxy.log")
        self.cluster.start()
        self._tell("the brokers are up")
        for program in self.programs.values():
            program.start()
        self.supervisor.start()
        await_ready(list(self.programs.values()), 90)
        self._tell("all programs are ready")

    def kind(self, kind: str) -> list[Program]:
        return [program for name, program in self.programs.items() if name.startswith(kind + "-")]

    def urls(self, kind: str) -> list[str]:
        return [program.url for program in self.kind(kind)]

    def views(self) -> list[Path]:
        return [self._directory(f"views-{site.lower()}") for site in SITES]

    def stop(self) -> None:
        self.supervisor.stop()
        for program in self.programs.values():
            program.destroy()
        self.cluster.stop()
        if self.network:
            self.network.stop()

    def unmount(self) -> None:
        for disk in self.disks.values():
            disk.unmount()

    def _directory(self, name: str) -> Path:
        return self.home / "disks" / name / "data" if name in _SMALL_DISKS else self.home / "state" / name

    def _add(self, kind: str, number: int, site: str, directories: list[Path], views: Path | None = None) -> None:
        name = f"{kind}-{number}"
        binary = self._binaries / f"everfold-{kind}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EVERFOLD_")}
        environment |= {"EVERFOLD_BROKERS": self.cluster.through_proxy[site],
                        "EVERFOLD_PREFIX": self.prefix,
                        "EVERFOLD_PARTITIONS": str(PARTITIONS),
                        "EVERFOLD_REPLICATION_FACTOR": str(self.cluster.replicas),
                        "EVERFOLD_MIN_INSYNC_REPLICAS": str(self.cluster.min_isr),
                        "EVERFOLD_DATA_DIR": str(directories[0]),
                        "EVERFOLD_VIEWS_DIR": str(views or directories[0]),
                        "EVERFOLD_SECRET_FILE": str(self.secret_file),
                        "EVERFOLD_PAYMENT_TIMEOUT_S": str(PAYMENT_TIMEOUT_S),
                        "EVERFOLD_SESSION_TIMEOUT_MS": str(_SESSION_TIMEOUT_MS)}
        port = self._ports.take()
        self.programs[name] = Program(name, [str(binary), "--http-port", str(port)], environment,
                                      self.logs / f"{name}.log", port, directories)
