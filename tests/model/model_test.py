"""The log protocol's model, searched exhaustively by spin; and with each of its rules left out, until that goes wrong.

    model_test.py                             all of it
    model_test.py -DCOMMITS=4 -DCOMMANDS=2    only the protocol as it is, within other bounds (term_log.pml has them)
"""

import re
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("term_log.pml")
MOST_MEMORY_MB = 8_000

# A rule of docs/log-format.md left out → what it is.
MUTANTS = {
    "TERM_NOT_CHECKED": "a reader takes records of every term",
    "COMMIT_NOT_CHECKED": "a reader does not look at commit numbers",
    "PART_NOT_CHECKED": "a reader does not look at a record's place in its commit",
    "EQUAL_TERM_COUNTS": "a reader takes a TermStarted whose term is not higher",
    "POSITION_WITHOUT_TERM": "a reader goes on from (offset)",
    "POSITION_WITHOUT_COMMIT": "a reader goes on from (offset, T)",
    "POSITION_IN_A_COMMIT": "a reader saves its position while a commit is half read",
    "IGNORED_CLAIM_OWNS": "a writer owns the log although its claim was ignored",
    "SERVE_BEFORE_READ_BACK": "a writer decides before its claim has come back",
    "SPECULATION_KEPT": "a writer that was deposed goes on from its speculative state when it owns the log again",
    "ANSWER_BEFORE_READ_BACK": "a writer says yes before it has read the commit back",
    "REFUSE_AT_ONCE": "a writer says no while what it decided on is in flight",
    "COMMAND_FORGOTTEN": "a writer does not look up whether a command was done",
    "IN_FLIGHT_FORGOTTEN": "a writer does not look whether a command is in flight",
}
# What the model must be able to reach, or it proves nothing: asserted not to be.
WITNESSES = {
    "THREE_TERMS_IN_HISTORY": "three commits of three terms are history",
    "TWO_OWNERS": "a commit is confirmed while the other writer believes that it owns the log, with something in flight",
}


@dataclass(frozen=True)
class Search:
    states: int
    exhaustive: bool
    seconds: float
    violated: str  # "" if nothing was


def search(*defines: str) -> Search:
    """Every state that the model can reach, up to the first that violates an assertion."""
    with tempfile.TemporaryDirectory() as directory:
        def run(*command: str) -> str:
            return subprocess.run(command, cwd=directory, check=True, text=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

        run("spin", "-a", *defines, str(MODEL))
        # Whatever the processes do they do to shared data: spin's partial order reduction would find nothing to leave out.
        run("gcc", "-O2", "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MOST_MEMORY_MB}", "-o", "pan", "pan.c")
        said = run("./pan", "-m10000", "-w24")
    number = lambda pattern: float(re.search(pattern, said)[1])
    violation = re.search(r"^pan:\d+: (.*) \(at depth", said, re.MULTILINE)
    return Search(states=int(number(r"([\d.e+]+) states, stored")),
                  exhaustive="Search not completed" not in said and "max search depth too small" not in said,
                  seconds=number(r"elapsed time ([\d.]+)"), violated=violation[1] if violation else "")


class TermLog(unittest.TestCase):
    def test_the_protocol_holds_in_every_state(self):
        found = search()
        self.assertEqual(found.violated, "")
        self.assertTrue(found.exhaustive)
        print(f"{found.states:,} states in {found.seconds:.0f} s, no violation")

    def test_without_any_one_rule_it_does_not(self):
        self.expect_violations(MUTANTS)

    def test_the_model_gets_to_where_it_matters(self):
        self.expect_violations(WITNESSES)

    def expect_violations(self, variants: dict[str, str]):
        for define, meaning in variants.items():
            with self.subTest(define):
                found = search(f"-D{define}")
                self.assertIn("assertion violated", found.violated, f"not found: {meaning}")
                self.assertNotIn("invalid array index", found.violated, "the model went wrong, not the protocol")
                print(f"{define} ({meaning}): {found.states:,} states until {found.violated}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and all(argument.startswith("-D") for argument in sys.argv[1:]):
        print(search(*sys.argv[1:]))
    else:
        unittest.main()
