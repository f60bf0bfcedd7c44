"""Everfold's command line: everything a developer or operator does with a local Everfold."""

import argparse
import os
import signal
import subprocess
import sys

import build
import demo
import fuzzing
import kafka
import lifecycle
import parked
import rebuild
import settings
import status
import testing
import tokens
from probes import not_ready
from terminal import Failure

_EPILOG = """\
Where things lie: everything that runs keeps its data, logs and signing key under .everfold/ (--home or EVERFOLD_HOME).
Ports: gateway 8080, command 8081, query 8082, projector 8083, saga 8084, Kafka 9092 and 9093; EVERFOLD_PORT_BASE=18080
(or --port-base) moves them to 18080…18084, 19080 and 19081, EVERFOLD_GATEWAY_PORT=… (COMMAND, QUERY, PROJECTOR, SAGA,
KAFKA, KAFKA_CONTROLLER) moves one. KAFKA_BROKERS=host:port uses a cluster that exists. Any other EVERFOLD_… variable
goes to the programs (each one's --help lists its own), as does EVERFOLD_HOME/config/<program>.toml (samples:
deploy/config/).
`up` remembers what it was given in EVERFOLD_HOME/settings.env for the calls that follow; `reset` forgets it.
"""

# What follows these commands is for the program behind them, --help included.
_PASS_ON = ("load", "bench", "chaos", "overload", "replay")
_OPTIONS_WITH_VALUE = ("--home", "--port-base", "--preset")  # in the next word; --home=DIR is one


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is to be cleaned up is
    parser = _parser()
    if not arguments:
        parser.print_help()
        return 2
    arguments, passed_on = _split(arguments)
    options = parser.parse_args(arguments)
    try:
        configured = settings.load(**{name: getattr(options, name, None) for name in ("home", "port_base", "preset")})
        return options.run(configured, options, passed_on) or 0
    except Failure as failure:
        failure.show()
        return failure.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Ours, and those that the command passes on to another program."""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        index += 2 if arguments[index] in _OPTIONS_WITH_VALUE else 1
    command, rest = arguments[index:index + 1], arguments[index + 1:]
    if command == ["rebuild"]:
        rest = rebuild.with_action(rest, _OPTIONS_WITH_VALUE)
    ours = [*arguments[:index], *command]
    return (ours, rest) if command and command[0] in _PASS_ON else ([*ours, *rest], [])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """Whoever mistypes a command needs to see the commands."""
        self.print_help(sys.stderr)
        self.exit(2, f"\nerror: {message}\n")


def _parser() -> argparse.ArgumentParser:
    # Taken before and after the command; absent when not given, so that neither place overwrites the other.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--home", metavar="DIR", help="directory of everything that runs (default .everfold)")
    common.add_argument("--port-base", type=int, metavar="N", help="first of the ports, moves them all")
    common.add_argument("--preset", metavar="NAME", help="which build: release (test: dev), asan, tsan")
    parser = _Parser(prog="./dev", description=__doc__, epilog=_EPILOG, parents=[common],
                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def command(name: str, run, text: str, more: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text}. {more}", parents=[common], allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    up = command("up", _up,
                 "install what is missing, build, start Kafka and every program, wait until ready, print the URLs",
                 "What runs already is left alone, unless its program was built anew or its settings changed:"
                 " then it is restarted.")
    up.add_argument("--no-build", action="store_true", help="start what is built, look for nothing new")
    up.add_argument("--timeout", type=float, default=120, metavar="S",
                    help="how long the programs may take to be ready (120)")
    command("demo", _demo, "up, a sample shop, a few purchases, and what happened to them")
    test = command("test", _test, "build and run the tests: all, or one LAYER")
    test.add_argument("layer", nargs="?", metavar="LAYER", help="unit, contract, flow, model, simulator, chaos, fuzz, sanitizers or architecture")
    test.add_argument("-R", "--tests-regex", metavar="REGEX", help="only the tests with such a name")
    fuzz = command("fuzz", _fuzz, "libFuzzer on all targets of tests/fuzz, or the TARGETs", "Ends at once for a target"
                   " that finds something, and says how to repeat it.")
    fuzz.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(fuzzing.targets()))
    fuzz.add_argument("--seconds", type=int, default=60, metavar="N", help="for each target (60)")
    command("bench", _bench, "the benchmarks, with the floors they are compared with",
            "Its arguments go to bench/run.py.")
    command("chaos", _chaos, "a shop, its clients, and a nemesis that harms whatever runs; then a checker",
            "Its arguments go to tests/chaos/run.py.")
    command("overload", _overload, "twice the load that can be sustained, for --minutes M, and what comes of it",
            "Its arguments go to bench/overload.py.")
    command("down", _down, "stop what up started")
    command("reset", _reset, "down, and delete the data, the logs and the signing key")
    show = command("status", _status, "programs, shards, views, lag")
    show.add_argument("--json", action="store_true", help="for programs")
    _add_parked(command("parked", _parked, "records that could not be handled, and what waits behind them",
                        "RECORD is a name as list shows it, such as translators/orders.3:1042."), common)
    rebuild.add_arguments(command("rebuild", rebuild.run, "fold views anew, compare, switch, roll back; pause, copy, look",
                                  "./dev rebuild VIEW… [OPTIONS] and ./dev rebuild --all [OPTIONS] are the action start."), common)
    logs = command("logs", _logs, "the end of the logs: all, or one PROGRAM's")
    logs.add_argument("program", nargs="?", metavar="PROGRAM", help="command, query, projector, saga, gateway, kafka")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are added")
    logs.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="how many lines (20)")
    token = command("token", _token, "a JWT signed with the local key, valid for a day")
    token.add_argument("--role", required=True, choices=tokens.ROLES)
    token.add_argument("--sub", metavar="ID", help="whose it is (default: the role's first, such as user-1)")
    command("load", _load, "everfold-load: real purchases through the HTTP API", "Arguments go to everfold-load.")
    command("replay", _replay, "everfold-replay: the whole history, asked", "Arguments go to everfold-replay; Kafka must be up.")
    make = command("build", _build, "build everything, or the TARGETs")
    make.add_argument("targets", nargs="*", metavar="TARGET")
    return parser


def _add_parked(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=f"{text}.", parents=[common], allow_abbrev=False)

    show = action("list", "of each parked aggregate the first record")
    show.add_argument("--skipped", action="store_true", help="those that were given up in the last seven days, by whom and why")
    show.add_argument("--json", action="store_true", help="for programs")
    action("show", "one, with the record itself, decoded; noted as looked at").add_argument("record", metavar="RECORD")
    retry = action("retry", "try them again, in order, with the program as it is now")
    retry.add_argument("records", nargs="*", metavar="RECORD")
    retry.add_argument("--all", action="store_true", help="everything that is parked")
    skip = action("skip", "give the first record of an aggregate up, for good")
    skip.add_argument("record", metavar="RECORD")
    skip.add_argument("--reason", required=True, metavar="TEXT", help="kept with your name")


def _parked(configured, options, _passed_on) -> None:
    if options.action == "list":
        parked.listed(configured, options.skipped, options.json)
    elif options.action == "show":
        parked.show(configured, options.record)
    elif options.action == "retry":
        if not options.records and not options.all:
            raise Failure("Name the records to try again, or --all")
        parked.retry(configured, options.records, options.all)
    else:
        parked.skip(configured, options.record, options.reason)


def _up(configured, options, _passed_on) -> None:
    lifecycle.up(configured, build_first=not options.no_build, deadline_s=options.timeout)


def _demo(configured, _options, _passed_on) -> None:
    lifecycle.up(configured)
    demo.run(configured)


def _test(configured, options, _passed_on) -> int:
    return testing.run(_own_preset(configured, options, "dev"), options.layer, options.tests_regex)


def _fuzz(_configured, options, _passed_on) -> int:
    return fuzzing.run(options.targets, options.seconds)


def _bench(configured, _options, passed_on) -> int:
    build.install_packages()
    kafka.install()
    return subprocess.run([sys.executable, settings.ROOT / "bench/run.py", *passed_on]).returncode


def _chaos(configured, _options, passed_on) -> None:
    build.install_packages()
    build.install_python_packages()
    if not {"-h", "--help"} & set(passed_on):
        kafka.install()
        build.build(configured.preset, [*build.UP_TARGETS, "view_digest"])
    os.execv(build.PYTHON, [str(build.PYTHON), str(settings.ROOT / "tests/chaos/run.py"),
                            "--binaries", str(configured.binaries), *passed_on])


def _overload(_configured, _options, passed_on) -> int:
    build.install_packages()
    kafka.install()
    return subprocess.run([sys.executable, settings.ROOT / "bench/overload.py", *passed_on]).returncode


def _down(configured, _options, _passed_on) -> None:
    lifecycle.down(configured)


def _reset(configured, _options, _passed_on) -> None:
    lifecycle.reset(configured)


def _status(configured, options, _passed_on) -> None:
    status.status(configured, as_json=options.json)


def _logs(configured, options, _passed_on) -> None:
    status.logs(configured, options.program, options.follow, options.lines)


def _token(configured, options, _passed_on) -> None:
    print(tokens.token(configured.secret(), options.role, options.sub))


def _load(configured, _options, passed_on) -> None:
    driver = configured.binaries / "everfold-load"
    if not driver.exists() or not_ready(f"{configured.url('gateway')}/healthz"):
        lifecycle.up(configured)
    arguments = ["--url", configured.url("gateway"), "--token-secret-file", str(configured.secret_file), *passed_on]
    os.execv(driver, [str(driver), *arguments])


def _replay(configured, _options, passed_on) -> None:
    """Only Kafka must run; the programs need not."""
    program = configured.binaries / "everfold-replay"
    if not program.exists():
        build.install_packages()
        build.build(configured.preset, ["everfold-replay"])
    environment = {**os.environ, "EVERFOLD_REPLAY_CACHE_DIR": str(configured.home / "state" / "replay"), **configured.environment,
                   "EVERFOLD_BROKERS": configured.brokers, "EVERFOLD_VIEWS_DIR": str(configured.home / "views")}
    os.execve(program, [str(program), *passed_on], environment)


def _build(configured, options, _passed_on) -> None:
    build.install_packages()
    build.build(configured.preset, options.targets)


def _own_preset(configured, options, default: str) -> str:
    return configured.preset if hasattr(options, "preset") or os.environ.get("EVERFOLD_PRESET") else default


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
