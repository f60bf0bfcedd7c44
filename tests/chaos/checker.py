"""After a run: was every promise kept? Reads the topics by docs/log_reader.py, the API, and what the clients wrote down
of their commands, and trusts none of Everfold's code but where a view is compared with its program's own fresh fold.

acks.jsonl has a line a command: {"t", "ended" (when it was begun and answered, ms since 1970), "method", "path", "body",
"sub", "key", "attempts", "unanswered" (of the attempts), "status" (null: nobody knows), "answer", "etag", "position"}.
The exit status is 0 only if every rule holds."""

import argparse
import json
import sys
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "deploy/dev")]

import tokens  # noqa: E402
from schema_classes import make_schema_classes  # noqa: E402

make_schema_classes()

import history as histories  # noqa: E402
from answer_rules import check_answers, read_acks  # noqa: E402
from business_rules import check_shop  # noqa: E402
from ids import http_command_id  # noqa: E402
from log_rules import check_log  # noqa: E402
from refusal_rules import check_refusals  # noqa: E402
from repeat_rules import check_nothing_new, check_repeats  # noqa: E402
from verdicts import Verdicts  # noqa: E402
from view_rules import check_bytes, check_query_programs  # noqa: E402


def main() -> int:
    options = _options()
    began = time.monotonic()
    verdicts = Verdicts()
    history = histories.read(options.brokers, options.prefix, options.partitions)
    acks = read_acks(options.acks)
    check_history(history, acks, verdicts)
    secret = options.secret_file.read_text().strip()
    with understood(verdicts):
        check_query_programs(history, options.query, tokens.token(secret, "admin", "checker"), verdicts)
    check_bytes(options.binaries, options.brokers, options.prefix, options.partitions, options.views, verdicts)
    if options.command:
        check_repeats(history, acks, options.command, lambda subject: tokens.token(secret, "admin", subject), verdicts)
        check_nothing_new(history, histories.read(options.brokers, options.prefix, options.partitions), verdicts)
    report = {**verdicts.as_json(), "seconds": round(time.monotonic() - began, 1)}
    if options.json:
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(f"checker: {len(acks)} commands of clients, {report['seconds']} s\n{verdicts.as_text()}")
    broken = len(verdicts.broken)
    print(f"checker: {f'{broken} rules are broken' if broken else 'every rule holds'}", flush=True)
    return 1 if verdicts.broken else 0


def check_history(history: histories.History, acks: list[dict], verdicts: Verdicts) -> None:
    """All that needs no program to run."""
    check_log(history, {http_command_id(ack) for ack in acks}, verdicts)
    with understood(verdicts):
        check_answers(history, acks, verdicts)
    with understood(verdicts):
        check_refusals(history, acks, verdicts)
    with understood(verdicts):
        check_shop(history, verdicts)


@contextmanager
def understood(verdicts: Verdicts):
    """A history without its beginnings breaks the checker's own assumptions too: told beside what was found."""
    rule = verdicts.rule("the history makes sense")
    try:
        yield
        rule.check(True, str)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        rule.check(False, traceback.format_exc)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    def option(name: str, metavar: str, text: str, **more) -> None:
        parser.add_argument(name, metavar=metavar, help=text, **{"required": True, **more})
    option("--brokers", "HOST:PORT,…", "the cluster")
    option("--prefix", "NAME", "of the installation's topics")
    option("--partitions", "P", "of each topic", type=int)
    option("--acks", "FILE", "what the clients were told: acks.jsonl", type=Path)
    option("--query", "URL", "a query program; each one is asked for everything", action="append")
    option("--command", "URL", "a command program: commands are sent to it once more", action="append", required=False)
    option("--secret-file", "FILE", "the key that tokens are signed with", type=Path)
    option("--binaries", "DIR", "where everfold-projector and view_digest are", type=Path)
    option("--views", "DIR", "a projector's views; each is compared", type=Path, action="append")
    option("--json", "FILE", "write the report as JSON", type=Path, required=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
