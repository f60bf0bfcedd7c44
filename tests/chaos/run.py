"""The chaos test: clients that buy and sell, a nemesis that harms whatever runs, and a checker that reads the topics and
the API afterwards. The same seed gives the same faults and the same choices of the clients, timing aside."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import everfold_dev
import nemesis
import settle
from client import Journal, Journals
from load import Load
from system import PARTITIONS, System
from terminal import last_lines

_LAST_ANSWERS_S = 40  # how long clients go on asking after everything is healed
_CHECKER_S = 1200


def main() -> int:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    home = Path(tempfile.mkdtemp(prefix="everfold-chaos-"))
    run = Run(options, home)
    try:
        run.everything()
    except (TimeoutError, RuntimeError) as error:
        run.findings.append(str(error))
    finally:
        run.stop()
    passed = run.report()
    if passed and not options.keep:
        shutil.rmtree(home)
    else:
        print(f"logs and data: {home}", flush=True)
    return 0 if passed else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, metavar="DIR", help="the programs; ./dev says it")
    parser.add_argument("--minutes", type=float, default=3, metavar="M", help="how long there are faults (3)")
    parser.add_argument("--seed", type=int, metavar="S", help="of the faults and the clients (default: a new one)")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="how many Kafka brokers (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was done and found as JSON")
    parser.add_argument("--keep", action="store_true", help="keep logs and data although all went well")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = time.time_ns() % 1_000_000
    options.binaries = options.binaries.absolute()
    return options


class Run:
    def __init__(self, options: argparse.Namespace, home: Path):
        self.options = options
        self.home = home
        self.began = time.monotonic()
        self.findings = []  # what must not be, a sentence each
        self.takeovers = 0
        self.checked = None  # the checker's report
        self._log = (home / "run.log").open("w")
        self.system = System(home, options.binaries, options.brokers, self.tell)
        self.journals = Journals(home)
        self.faults = nemesis.schedule(options.seed, options.minutes * 60)
        self.nemesis = nemesis.Nemesis(self.system, self.faults, Journal(home / "faults.jsonl"), self.tell)
        self.load = None

    def tell(self, what: str) -> None:
        line = f"{time.monotonic() - self.began:7.1f} s  {what}"
        print(line, file=self._log, flush=True)
        print(line, flush=True)

    def everything(self) -> None:
        options, system = self.options, self.system
        print(f"chaos        seed {options.seed}, {options.minutes:g} minutes, {len(self.faults)} faults,"
              f" {options.brokers} broker(s); {self.home}", flush=True)
        system.start()
        self.load = Load(options.seed, system.secret, system.urls("command"), system.urls("query"), self.journals)
        self.load.open_shop()
        self.load.start()
        self.tell("clients are at work")
        self.nemesis.start()
        self.nemesis.await_end()
        nemesis.heal_all(system)
        self.tell("the faults are over")
        self.load.stop(_LAST_ANSWERS_S)
        self.tell(f"the clients are done: {self.journals.acks.count} commands")
        settle.Rest(system).come()
        self.takeovers = settle.takeovers(system)
        self.tell("everything is at rest")
        self._check()

    def stop(self) -> None:
        """Nothing of ours is left behind, however the run ended. Not to be interrupted."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        self.nemesis.stop()
        self.system.stop()
        self.system.unmount()
        if self.load:
            self.load.stop(0)
        self.journals.close()

    def _check(self) -> None:
        checker = Path(__file__).with_name("checker.py")
        report = self.home / "checker.json"
        system = self.system
        command = [sys.executable, checker, "--brokers", system.cluster.direct, "--prefix", system.prefix,
                   "--partitions", PARTITIONS, "--acks", self.journals.acks.path, "--secret-file", system.secret_file,
                   "--binaries", self.options.binaries, "--json", report]
        for name, values in (("--query", system.urls("query")), ("--command", system.urls("command")),
                             ("--views", system.views())):
            for value in values:
                command += [name, value]
        code = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, timeout=_CHECKER_S).returncode
        if report.exists():
            self.checked = json.loads(report.read_text())
        if code:
            self.findings.append(f"the checker found something (exit status {code})")

    def report(self) -> bool:
        """Prints what was done and found; true if all holds."""
        acks = [json.loads(line) for line in self.journals.acks.path.read_text().splitlines()]
        violations = [json.loads(line) for line in self.journals.violations.path.read_text().splitlines()]
        deaths = self.system.supervisor.deaths
        speechless = [death for death in deaths if not says_why(death)]
        findings = list(self.findings)
        for what, count in Counter(violation["finding"] for violation in violations).items():
            findings.append(f"{what}: {count} times; violations.jsonl has them")
        findings += [f"{death['program']} ended with {death['exit']} and no sentence: {death['said'][:200]}"
                     for death in speechless]
        findings += [f"{name} did not stop on SIGTERM" for name in self.nemesis.slow_stops]
        if not self.checked and not findings:
            findings.append("the checker said nothing")
        report = {
            "seed": self.options.seed, "minutes": self.options.minutes, "brokers": self.options.brokers,
            "passed": not findings, "findings": findings,
            "faults": dict(self.nemesis.done), "faultsInAll": self.nemesis.done.total(),
            "faultsSkipped": dict(self.nemesis.skipped),
            "commands": dict(Counter(str(ack["status"] or "unknown") for ack in acks)), "commandsInAll": len(acks),
            "attempts": sum(ack["attempts"] for ack in acks), "repeats": self.journals.repeats,
            "reads": self.journals.reads,
            "starts": {program.name: program.starts for program in self.system.programs.values()}
            | {broker.name: broker.starts for broker in self.system.cluster.brokers},
            "takeovers": self.takeovers, "endedByThemselves": deaths,
            "operatorHelped": sum(bool(death["operatorDeleted"]) for death in deaths), "checker": self.checked,
            "seconds": round(time.monotonic() - self.began, 1)}
        text = json.dumps(report, indent=2)
        (self.home / "report.json").write_text(text)
        if self.options.json:
            self.options.json.write_text(text + "\n")
        self._show(report)
        return report["passed"]

    def _show(self, report: dict) -> None:
        def counts(of: dict) -> str:
            return ", ".join(f"{value} {name}" for name, value in sorted(of.items(), key=lambda item: -item[1]))
        print()
        print(f"faults       {report['faultsInAll']}: {counts(report['faults'])}")
        if report["faultsSkipped"]:
            print(f"skipped      {counts(report['faultsSkipped'])}")
        print(f"commands     {report['commandsInAll']} in {report['attempts']} attempts: {counts(report['commands'])}")
        print(f"repeated     {report['repeats']}; reads with a position: {counts(report['reads'])}")
        print(f"starts       {counts(report['starts'])}")
        print(f"takeovers    {report['takeovers']}")
        print(f"ended alone  {len(report['endedByThemselves'])}; operator helped {report['operatorHelped']} times")
        for finding in report["findings"]:
            print(f"FOUND        {finding}")
        print(f"{'passed' if report['passed'] else 'FAILED'}: seed {report['seed']}, {report['brokers']} broker(s),"
              f" {report['seconds']:.0f} s", flush=True)


# librdkafka's own race when a client is destroyed while its brokers come and go (confluentinc/librdkafka#3608, open): a kill -9 to us.
_OF_LIBRDKAFKA = "rd_kafka_broker_destroy_final: Assertion `thrd_is_current(rkb->rkb_thread)' failed"


def says_why(death: dict) -> bool:
    """A program that must not go on ends with a sentence of its own (runtime, or kernel/check.cpp), and with nothing else."""
    if death["exit"] == -signal.SIGABRT and _OF_LIBRDKAFKA in death["said"]:
        return True
    if death["exit"] < 0:
        return death["exit"] == -signal.SIGABRT and death["said"].startswith("everfold stops: ")
    return death["said"].startswith("everfold-")


if __name__ == "__main__":
    sys.exit(main())
