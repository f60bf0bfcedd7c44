"""./dev bench: what the programs do in a second, beside what the libraries under them can do (bench/README.md)."""

import argparse
import json
import os
import signal
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "deploy/dev"), str(ROOT / "tests/flow")]

import build
import commands
import fold
import query
import takeover
from machinery import Machinery, Wrong
from report import Result, as_json, print_table
from terminal import Failure, Step
from testing import brokers

MEASURES = {"commands": commands, "query": query, "fold": fold}
_ON_DEMAND = {"takeover": takeover}  # minutes each


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is to be cleaned up is
    options = _options()
    # With --json, standard output is for the JSON.
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        try:
            results, busy_cores = _measure(options)
        except (Failure, Wrong, AssertionError) as failure:
            print(f"error: {failure}", file=sys.stderr)
            for line in getattr(failure, "evidence", []):
                print(line, file=sys.stderr)
            return 1
        if not options.json:
            print_table(results, busy_cores)
    if options.json:
        print(json.dumps(as_json(results, busy_cores), indent=2))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the figures as JSON on standard output")
    parser.add_argument("--only", choices=[*MEASURES, *_ON_DEMAND],
                        help="one of the three, or takeover, which is not measured otherwise")
    parser.add_argument("--seconds", type=int, default=3, metavar="N", help="how long one run of a load lasts (3)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N",
                        help="how often each is run, in turn with its floor (3)")
    parser.add_argument("--preset", default=os.environ.get("EVERFOLD_PRESET") or "release", metavar="NAME",
                        help="which build (release)")
    options = parser.parse_args()
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds must be 1 or more")
    return options


def _measure(options: argparse.Namespace) -> tuple[list[Result], float]:
    """The results, and how many cores others had at most."""
    chosen = [options.only] if options.only else list(MEASURES)
    measures = MEASURES | _ON_DEMAND
    build.build(options.preset, sorted({target for name in chosen for target in measures[name].TARGETS}))
    results = []
    with brokers() as address:
        os.environ["KAFKA_BROKERS"] = address
        machinery = Machinery(ROOT / "build" / options.preset / "bin", options.seconds, options.rounds)
        for name in chosen:
            with Step(name) as step:
                results += measures[name].measure(machinery, step.progress)
                step.done("measured, and right")
    return results, max(machinery.busy_cores)


if __name__ == "__main__":
    sys.exit(main())
