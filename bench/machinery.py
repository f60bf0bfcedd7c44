"""What every measure needs: the programs, the floors, and the load."""

import json
import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ports import free_ports
from shop import Shop, until

_LOAD = Path(__file__).with_name("load.lua")
PARTITIONS = 8


class Wrong(Exception):
    """The figures would be worthless: what was measured did not do its work."""


@dataclass(frozen=True)
class Load:
    """Who asks for what: sent to a program and to its floor alike."""
    method: str
    paths: Path      # a file, one path a line
    token: str
    body: str | None = None


class Machinery:
    def __init__(self, binaries: Path, seconds: int, rounds: int):
        self.binaries = binaries
        self.seconds = seconds
        self.rounds_wanted = rounds
        self.busy_cores = []  # by others, before each round

    def rounds(self):
        """1, 2, 3 …; before each, while the programs have nothing to do, it looks whether something else is at work."""
        for number in range(1, self.rounds_wanted + 1):
            self.busy_cores.append(_busy_cores())
            yield number

    def shop(self, partitions: int = PARTITIONS):
        """A fresh installation: `with machinery.shop() as shop`."""
        return closing(Shop(self.binaries, partitions=partitions))

    def floor(self, shop: Shop, name: str, *arguments) -> dict:
        """The figures of a floor that needs Kafka; topics of its own."""
        prefix = shop.environment["EVERFOLD_PREFIX"] + "-floor"
        return self.figures(shop, f"bench-{name}-floor", "--prefix", prefix, *arguments)

    def figures(self, shop: Shop, program: str, *arguments) -> dict:
        return json.loads(self.output(shop, program, *arguments))

    def lines(self, shop: Shop, program: str, *arguments) -> list[dict]:
        return [json.loads(line) for line in self.output(shop, program, *arguments).splitlines()]

    def output(self, shop: Shop, program: str, *arguments) -> str:
        ran = subprocess.run([self.binaries / program, *map(str, arguments)], env=shop.environment,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode:
            raise Wrong(f"{program} failed: {ran.stderr.strip() or ran.stdout.strip()}")
        return ran.stdout

    @contextmanager
    def http_floor(self, shop: Shop, constant: bytes):
        """The URL of plain Pistache answering `constant`."""
        body = shop.home / "constant"
        body.write_bytes(constant)
        port, = free_ports(1)
        with subprocess.Popen([self.binaries / "bench-http-floor", "--http-port", str(port), "--body-file", body],
                              env=shop.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            try:
                until("the HTTP floor listens", lambda: _listens(port))
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()

    def load(self, url: str, load: Load, connections: int, seconds: int | None = None) -> dict:
        """What wrk measured; every answer was a good one."""
        threads = min(2, connections)
        command = ["wrk", f"--threads={threads}", f"--connections={connections}",
                   f"--duration={seconds or self.seconds}s", "--timeout=10s", f"--script={_LOAD}", url,
                   "--", load.method, str(load.paths), load.token]
        command += [load.body] if load.body else []
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode:
            raise Wrong(f"wrk failed: {ran.stderr.strip() or ran.stdout.strip()}")
        figures = json.loads(ran.stdout.strip().splitlines()[-1])
        if figures["refused"] or figures["broken"] or not figures["answers"]:
            raise Wrong(f"{url}: not every {load.method} was answered well: {figures}")
        return figures


def _busy_cores(window_s: float = 0.5) -> float:
    before, began = _busy_ticks(), time.monotonic()
    time.sleep(window_s)  # what is measured is this long
    return (_busy_ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _busy_ticks() -> int:
    """Of all cores: /proc/stat's user, nice, system, and those after iowait."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    return sum(map(int, fields[:3] + fields[5:]))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
