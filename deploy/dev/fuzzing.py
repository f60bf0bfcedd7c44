"""./dev fuzz: libFuzzer on the targets of tests/fuzz. What it finds interesting is kept in build/fuzz/corpus, so that the
next run goes on from there; what crashes a target is made small and shown with the commands that repeat and keep it."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import build
import settings
from terminal import Failure, Step, last_lines, say, shown

_SOURCES = settings.ROOT / "tests/fuzz"
_BUILD = settings.ROOT / "build/fuzz"
_MINIMISE_S = 30
_INPUTS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_FRAME = re.compile(r"(\s+#\d+) 0x[0-9a-f]+ +\(.*/fuzz_\w+\+(0x[0-9a-f]+)\)")
_COVERED = re.compile(r" cov: (\d+) ")


@dataclass
class Run:
    target: str
    log: Path
    crash: Path | None    # the input, made small
    failed: bool

    def summary(self) -> str:
        text = self.log.read_text(errors="replace")
        inputs = _INPUTS.findall(text)
        covered = _COVERED.findall(text)
        return f"{int(inputs[-1]) if inputs else 0:,} inputs, {int(covered[-1]) if covered else 0:,} places reached"


def targets() -> list[str]:
    return sorted(each.name for each in (_SOURCES / "corpus").iterdir())


def run(chosen: list[str], seconds: int) -> int:
    """0 when nothing was found."""
    for each in chosen:
        if each not in targets():
            raise Failure(f"There is no fuzz target {each}; there are {', '.join(targets())}")
    build.install_packages()
    build.build("fuzz", [f"fuzz_{each}" for each in chosen] or ["fuzz"])
    with Step("fuzz") as step, ThreadPoolExecutor(os.cpu_count()) as pool:
        ran = [pool.submit(_fuzz, each, seconds) for each in chosen or targets()]
        while not all(each.done() for each in ran):
            step.progress(f"{sum(each.done() for each in ran)} of {len(ran)} targets, {seconds} s each")
            time.sleep(0.2)
        results = [each.result() for each in ran]
        step.done(f"{len(results)} targets, {seconds} s each")
    for each in results:
        say(f"  {each.target:<16} {each.summary()}" + (" FAILED" if each.failed else ""))
    for each in results:
        if each.failed:
            _show(each)
    return 1 if any(each.failed for each in results) else 0


def _binary(target: str) -> Path:
    return _BUILD / f"tests/fuzz/fuzz_{target}"


def _libfuzzer(target: str, log: Path, *arguments) -> int:
    """Exit code of the target, whose output is added to the log."""
    with log.open("a") as output:
        return subprocess.run([_binary(target), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT).returncode


def _fuzz(target: str, seconds: int) -> Run:
    kept, found = _BUILD / "corpus" / target, _BUILD / "found"
    for directory in (kept, found):
        directory.mkdir(parents=True, exist_ok=True)
    log = _BUILD / f"{target}.log"
    log.write_text("")
    before = set(found.iterdir())
    # Without the entropic schedule, which takes more time than the target with this many counters.
    failed = _libfuzzer(target, log, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-entropic=0",
                        "-print_final_stats=1", f"-dict={_SOURCES / target}.dict", f"-artifact_prefix={found}/{target}-",
                        kept, _SOURCES / "corpus" / target) != 0
    crashes = [each for each in set(found.iterdir()) - before if each.name.startswith(f"{target}-")]
    return Run(target, log, _minimised(target, crashes[0]) if crashes else None, failed)


def _minimised(target: str, crash: Path) -> Path:
    small = crash.with_name(f"{crash.name}.small")
    _libfuzzer(target, _BUILD / f"{target}-minimise.log", "-minimize_crash=1", f"-max_total_time={_MINIMISE_S}",
               f"-exact_artifact_path={small}", crash)
    return small if small.exists() else crash


def _with_place(target: str, line: str) -> str:
    """A stack frame with its function and line, which libFuzzer only knows where LLVM's own symbolizer is installed."""
    frame = _FRAME.match(line)
    if not frame:
        return line
    place = subprocess.run(["addr2line", "-Cfpe", _binary(target), frame[2]], capture_output=True, text=True)
    return f"{frame[1]} {place.stdout.strip()}"


def _show(ran: Run) -> None:
    lines = ran.log.read_text(errors="replace").splitlines()
    first = next((i for i, line in enumerate(lines) if "ERROR:" in line or "everfold stops" in line), None)
    evidence = lines[first:first + 25] if first is not None else last_lines(ran.log, 25)
    evidence = [_with_place(ran.target, line) for line in evidence if "BuildId" not in line or "/fuzz_" in line]
    print(f"\n{ran.target} failed ({shown(ran.log)}):", *(f"  | {line[:400]}" for line in evidence), sep="\n",
          file=sys.stderr)
    if ran.crash:
        say(f"replay it:  {shown(_binary(ran.target))} {shown(ran.crash)}\n"
            f"keep it:    cp {shown(ran.crash)} {shown(_SOURCES / 'corpus' / ran.target)}/what-it-is"
            "   (and write the unit test)")
