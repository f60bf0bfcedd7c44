"""./dev overload: twice the load that the programs can sustain, for minutes (bench/README.md, "Overload")."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy/dev"), str(ROOT / "tests/flow")]

import build
from shop import PROGRAMS, Shop, until
from terminal import Failure
from testing import brokers

TARGETS = [*(f"everfold-{program}" for program in PROGRAMS), "bench-open-loop"]
PATIENCE_MS = 12_000       # of the clients: the command side answers within 10 s, whatever the answer is
DEADLINE_MS = 10_000       # of what is accepted
CONNECTIONS = 3_000        # each, for commands and for queries, while overloaded: more requests than a program takes
CLOSED_LOOP = 64           # connections that find out what can be sustained
JUDGED_FROM_S = 180        # memory, of a run that is as long
WELL_WITHIN_S = 10         # of the end of the load
_CACHE_MB = 16             # full within the first minute: what grows then is something else
_SKUS = [f"OVERLOAD-{number}" for number in range(300)]


@dataclass
class Verdict:
    """What must hold, and what was seen."""
    lines: list[tuple[bool, str]] = field(default_factory=list)

    def that(self, holds: bool, text: str) -> None:
        self.lines.append((holds, text))
        print(f"  {'ok  ' if holds else 'BAD '} {text}", flush=True)

    @property
    def holds(self) -> bool:
        return all(holds for holds, _ in self.lines)


class Load:
    """Receipts of stock at everfold-command, stock and lists of it at everfold-query."""

    def __init__(self, shop: Shop):
        self.shop = shop
        self.runs = 0
        self.received = [0] * len(_SKUS)  # by SKU, how many receipts were accepted in all runs
        self.unknown = 0
        self.receipts = self._paths("receipts", [f"/api/inventory/{sku}/receipts" for sku in _SKUS])
        points = [f"/api/inventory/{sku}" for sku in _SKUS]
        lists = [f"/api/inventory?pageSize=20&page={page}" for page in range(1, 16)]
        self.reads = self._paths("reads", points + lists)

    def _paths(self, name: str, paths: list[str]) -> Path:
        file = self.shop.home / name
        file.write_text("".join(path + "\n" for path in paths))
        return file

    def run(self, seconds: float, connections: int, command_rate: int = 0, query_rate: int = 0, meanwhile=None) -> tuple[dict, dict]:
        """Both at once; the figures of bench-open-loop. A rate of 0: as fast as the connections are answered."""
        self.runs += 1
        common = ["--seconds", str(max(1, round(seconds))), "--connections", str(connections),
                  "--patience-ms", str(PATIENCE_MS), "--token", self.shop.admin]
        receipts = self._start("command", command_rate, ["--paths-file", self.receipts, "--method", "POST", "--body",
                                                         '{"quantity":1}', "--key-prefix", f"run{self.runs}", *common])
        reads = self._start("query", query_rate, ["--paths-file", self.reads, *common])
        while receipts.poll() is None or reads.poll() is None:
            if meanwhile:
                meanwhile()
            time.sleep(0.5)
        commands, queries = self._figures(receipts), self._figures(reads)
        for place, count in enumerate(commands["acceptedByPath"]):
            self.received[place] += count
        self.unknown += commands["outcomeUnknown"] + commands["timeouts"] + commands["cutOff"]
        return commands, queries

    def _start(self, program: str, rate: int, arguments: list) -> subprocess.Popen:
        command = [self.shop.binaries / "bench-open-loop", "--port", str(self.shop.ports[program]), "--rate", str(rate)]
        return subprocess.Popen([*command, *arguments], env=self.shop.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True)

    @staticmethod
    def _figures(process: subprocess.Popen) -> dict:
        output, _ = process.communicate()
        if process.returncode:
            raise Failure(f"the load ended with {process.returncode}")
        return json.loads(output)


class Memory:
    """The resident memory of every program, once a second."""

    def __init__(self, shop: Shop):
        self.processes = {name: process.pid for name, process in shop.processes.items()}
        self.began = time.monotonic()
        self.samples = {name: [] for name in self.processes}  # (seconds, MB)

    def sample(self) -> None:
        now = time.monotonic() - self.began
        for name, pid in self.processes.items():
            status = Path(f"/proc/{pid}/status").read_text()
            kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
            self.samples[name].append((now, kilobytes / 1024))

    def judge(self, verdict: Verdict) -> None:
        """Flat: a line through what follows the warm-up (the first minute) rises by less than 24 MB and a tenth of the
        level over the whole of it. What waits without bound would be hundreds of MB. A short run only tells: caches fill."""
        for name, samples in self.samples.items():
            end = samples[-1][0]
            later = [(at, mb) for at, mb in samples if at >= min(60.0, end / 3)]
            slope, start = statistics.linear_regression([at for at, _ in later], [mb for _, mb in later])
            first, last = start + slope * later[0][0], start + slope * later[-1][0]
            text = (f"memory of {name}: {first:.0f} MB after the warm-up, {last:.0f} MB at the end"
                    f" ({slope * 60:+.1f} MB a minute), at most {max(mb for _, mb in samples):.0f} MB")
            if end < JUDGED_FROM_S:
                print(f"       {text}")
                continue
            verdict.that(last - first < 24 + 0.1 * first, text)
            by_minute = [f"{mb:.0f}" for at, mb in samples[::120]]
            print(f"       {name}, MB minute by minute: {' '.join(by_minute)}")


def sustainable(load: Load, seconds: float) -> tuple[int, int]:
    """Commands and queries that are accepted in a second, both at once. First when clients wait for their answers; then
    twice that is asked, and if most of it is accepted it was not all that could be."""
    commands, queries = (round(accepted(figures) / seconds) for figures in load.run(seconds, CLOSED_LOOP))
    for _ in range(5):
        figures = load.run(seconds, CONNECTIONS, 2 * commands, 2 * queries)
        more = [round(accepted(each) / seconds) for each in figures]
        if more[0] < 1.3 * commands and more[1] < 1.3 * queries:
            break
        commands, queries = max(commands, more[0]), max(queries, more[1])
    return commands, queries


def accepted(figures: dict) -> int:
    return sum(count for status, count in figures["statuses"].items() if 200 <= int(status) < 300)


def overload(load: Load, minutes: float, verdict: Verdict) -> None:
    seconds = minutes * 60
    load.run(2, CLOSED_LOOP)  # warm-up
    commands_rate, queries_rate = sustainable(load, min(20.0, max(4.0, seconds / 10)))
    print(f"sustained: {commands_rate} commands/s together with {queries_rate} queries/s", flush=True)
    memory = Memory(load.shop)
    commands, queries = load.run(seconds, CONNECTIONS, 2 * commands_rate, 2 * queries_rate, memory.sample)
    ended = time.monotonic()
    well(load.shop, ended, verdict)
    for what, rate, figures in (("commands", commands_rate, commands), ("queries", queries_rate, queries)):
        judge_answers(what, rate, seconds, figures, verdict)
    memory.judge(verdict)
    judge_log(load, verdict)


def judge_answers(what: str, sustained: int, seconds: float, figures: dict, verdict: Verdict) -> None:
    statuses = {int(status): count for status, count in figures["statuses"].items()}
    good = {status: count for status, count in statuses.items() if status in (200, 429, 503)}
    print(f"{what}: {figures['due'] / seconds:.0f}/s asked, {accepted(figures) / seconds:.0f}/s accepted"
          f" (sustained before: {sustained}); by status {statuses}")
    verdict.that(good == statuses and figures["withoutRetryAfter"] == 0,
                 f"{what}: every answer is 200, 429 or 503, and what is refused says Retry-After")
    verdict.that(figures["timeouts"] == 0 and figures["cutOff"] == 0,
                 f"{what}: {figures['timeouts']} of {figures['sent']} that were asked got no answer in {PATIENCE_MS} ms,"
                 f" {figures['cutOff']} were cut off, {figures['outcomeUnknown']} were told to ask again for the outcome")
    times = figures["acceptedMs"]
    verdict.that(times["max"] <= DEADLINE_MS,
                 f"{what}: accepted after {times['p50']:.0f} ms (median), {times['p99']:.0f} ms (p99), {times['max']:.0f} ms"
                 f" (longest); refused after {figures['refusedMs']['p50']:.0f} ms (median)")
    print(f"       {what}: {figures['unsent'] / figures['due']:.1%} found no connection in a second and gave up")
    verdict.that(accepted(figures) / seconds >= sustained / 4,
                 f"{what}: overloaded it still does {accepted(figures) / seconds / sustained:.0%} of what it sustains")


def well(shop: Shop, ended: float, verdict: Verdict) -> None:
    """Ready, deciding, and showing what was decided, soon after the load is over."""
    def probe():
        if any(shop.request(program, "GET", "/readyz").status != 200 for program in PROGRAMS):
            return None
        done = shop.call("POST", f"/api/inventory/{_SKUS[0]}/receipts", {"quantity": 1}, shop.admin)
        if done.status != 200:
            return None
        probe.receipts += 1
        return shop.call("GET", f"/api/inventory/{_SKUS[0]}", token=shop.admin,
                         position=done.headers["everfold-position"]).status == 200
    probe.receipts = 0
    try:
        until("", probe, 60)
        seconds = time.monotonic() - ended
        verdict.that(seconds < WELL_WITHIN_S, f"{seconds:.1f} s after the load all is ready, decides and shows it")
    except AssertionError:
        verdict.that(False, "60 s after the load it is not well")
    shop.probes = probe.receipts


def judge_log(load: Load, verdict: Verdict) -> None:
    """By SKU: as many pieces on hand, and as many events, as receipts were accepted."""
    load.received[0] += load.shop.probes

    def stock():
        items = []
        for page in range(1, 1 + len(_SKUS) // 100):
            answer = load.shop.call("GET", f"/api/inventory?pageSize=100&page={page}", token=load.shop.admin)
            if answer.status != 200:
                return None
            items += answer["items"]
        return {item["sku"]: (item["onHand"], item["version"]) for item in items}
    counted = until("the stock can be listed", stock, 30)
    wanted = {sku: (count, count) for sku, count in zip(_SKUS, load.received)}
    total, events = sum(load.received), sum(version for _, version in counted.values())
    if load.unknown:
        verdict.that(total <= events <= total + load.unknown,
                     f"{events} events for {total} accepted receipts and {load.unknown} of unknown outcome")
    else:
        wrong = {sku: (counted.get(sku), wanted[sku]) for sku in _SKUS if counted.get(sku) != wanted[sku]}
        verdict.that(not wrong, f"{total} receipts were accepted, {events} events are in the log, by SKU the same"
                     + "".join(f"; {sku}: {seen} instead of {right}" for sku, (seen, right) in list(wrong.items())[:3]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev overload", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, metavar="M", help="how long (10)")
    parser.add_argument("--preset", default=os.environ.get("EVERFOLD_PRESET") or "release", metavar="NAME",
                        help="which build (release)")
    parser.add_argument("--binaries", type=Path, metavar="DIR", help="of a build that is there: nothing is built")
    options = parser.parse_args()
    try:
        if not options.binaries:
            build.build(options.preset, TARGETS)
        verdict = Verdict()
        with brokers() as address:
            os.environ["KAFKA_BROKERS"] = address
            os.environ.setdefault("EVERFOLD_CACHE_MB", str(_CACHE_MB))
            with closing(Shop(options.binaries or ROOT / "build" / options.preset / "bin", partitions=8)) as shop:
                shop.start()
                overload(Load(shop), options.minutes, verdict)
                shop.stop()
    except (Failure, AssertionError) as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    print("All of it holds." if verdict.holds else "Not all of it holds.")
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
