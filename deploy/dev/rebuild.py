"""`./dev rebuild`: views folded anew, looked after and moved, over everfold-projector's admin routes (docs/operations.md).

`./dev rebuild VIEW…` begins a rebuild, as `./dev rebuild start VIEW…` does; any of the other actions' names is that
action. What is begun runs in the projector: this only shows it, and may be interrupted."""

import argparse
import json
import time
from datetime import datetime
from pathlib import Path

import admin
import differences
from progress import Done, Progress, duration
from settings import Settings
from terminal import Failure, Usage, say, table

_ACTIONS = ("start", "follow", "status", "switch", "rollback", "prune", "pause", "resume", "stop", "checkpoint", "restore",
            "differences", "operations")
_LOOK_AGAIN_S = 0.25
_AWAY_S = 60.0     # how long the projector may be away, or opening its views, before following ends
_FORGOTTEN_S = 3.0  # an open view without a rebuild for so long has none
_OVER = ("switched", "failed", "stopped")
INTERRUPTED = 130


# ---- the command line ----

def with_action(arguments: list[str], options_with_value: tuple[str, ...]) -> list[str]:
    """`orders --verify` is `start orders --verify`; what names an action stays as it is."""
    index = 0
    while index < len(arguments) and arguments[index] in options_with_value:
        index += 2
    rest = arguments[index:]
    if not rest or rest[0] in (*_ACTIONS, "-h", "--help"):
        return arguments
    return [*arguments[:index], "start", *rest]


def add_arguments(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")

    def action(name: str, run, text: str, more: str = "", views: str = "") -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=f"{text}. {more}", parents=[common], allow_abbrev=False)
        sub.set_defaults(act=run)
        if views:
            sub.add_argument("views", nargs=views, metavar="VIEW", help="as ./dev rebuild status names them")
        if views == "*":
            sub.add_argument("--all", action="store_true", help="every view")
        return sub

    start = action("start", _start, "fold views anew beside the live generations; the same without the word start",
                   "It runs in the projector, and this shows it until it is over: ^C leaves it running. Exit status 1: the"
                   " rebuilt rows differ from the live ones, or it failed or was stopped.", views="*")
    start.add_argument("--from", dest="start_from", default="earliest", metavar="WHERE",
                       help="earliest (default), a time (2026-01-31T12:00:00Z), or a file of offsets ({\"orders.3\": 1042}): on from"
                            " the newest generation or checkpoint that is no later")
    start.add_argument("--verify", action="store_true", help="compare row by row with the live generation, at the same positions")
    start.add_argument("--switch", choices=("auto", "manual"), default="auto",
                       help="auto: readers get it when it has caught up and nothing differs; manual: when you say switch")
    start.add_argument("--key", metavar="ID", help="this row of one view only, in the live generation")
    _add_stop_on_interrupt(start)
    follow = action("follow", _follow_again, "show the rebuilds that are under way, until they are over", views="*")
    _add_stop_on_interrupt(follow)
    status = action("status", _status, "views: generation, state, lag; of a VIEW its partitions and generations too", views="*")
    status.add_argument("--json", action="store_true", help="for programs")
    for name, text in (("switch", "let readers have the generation that is ready"),
                       ("rollback", "let readers have the former generation again, brought up to date first")):
        _add_expected(action(name, _move, text, views="+"))
    action("prune", _ask_each, "delete the generations that are neither live nor being built", views="*")
    action("pause", _ask_each, "fold nothing more into a view; it is still read, as it was", views="*")
    action("resume", _ask_each, "go on folding", views="*")
    action("stop", _ask_each, "give up a rebuild that is under way, or ready; prune deletes what it made", views="*")
    checkpoint = action("checkpoint", _checkpoint, "copy the live generation and its positions into a new directory, to ship", views=1)
    restore = action("restore", _restore, "such a copy becomes a new generation, is folded on and switched to", views=1)
    for sub in (checkpoint, restore):
        sub.add_argument("directory", metavar="DIR", help="on the projector's machine")
    _add_stop_on_interrupt(restore)
    differing = action("differences", _differences, "all rows that the last verification found to differ", views=1)
    operations = action("operations", _operations, "what was done to views: when, by whom")
    for sub in (differing, operations):
        sub.add_argument("--json", action="store_true", help="a line of JSON each")
    operations.add_argument("-n", "--last", type=int, default=50, metavar="N", help="the last so many (50)")


def _add_stop_on_interrupt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stop-on-interrupt", action="store_true", help="^C stops the rebuild too")


def _add_expected(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expected", type=int, metavar="N", help="only if this is the live generation (default: what it is now)")


def run(settings: Settings, options, _passed_on) -> int:
    return options.act(settings, options) or 0


# ---- what is begun, and followed ----

def _start(settings: Settings, options) -> int:
    views = _chosen(settings, options)
    request = {"from": _from(options.start_from), "verify": options.verify, "switch": options.switch}
    if options.key is not None:
        if len(options.views) != 1:
            raise Usage("--key names a row of one view: name that view, and no other")
        return _row(settings, views[0]["name"], options.key)
    for view in views:
        if "rebuild" in view and view["rebuild"]["state"] not in _OVER:
            raise Failure(f"A rebuild of {view['name']} is under way: ./dev rebuild follow {view['name']} shows it,"
                          f" ./dev rebuild stop {view['name']} ends it")
    names = [view["name"] for view in views]
    for name in names:
        _ask(settings, name, "rebuild", request)
    return _follow(settings, names, options.stop_on_interrupt)


def _row(settings: Settings, view: str, key: str) -> int:
    answer = _ask(settings, view, "rebuild", {"key": key})
    if not answer["changed"]:
        say(f"{view}: row {key} is as its events say")
        return 0
    say(f"{view}: row {key} was not as its events say, and is now")
    for each in answer["differences"]:  # of all rows of its aggregate
        say(differences.text_of(each))
    return 1


def _restore(settings: Settings, options) -> int:
    view = options.views[0]
    _ask(settings, view, "restore", {"directory": str(Path(options.directory).absolute())})
    return _follow(settings, [view], options.stop_on_interrupt)


def _follow_again(settings: Settings, options) -> int:
    if options.views or options.all:
        names = [view["name"] for view in _chosen(settings, options)]
    else:
        names = [view["name"] for view in all_views(settings) if _under_way(view)]
    if not names:
        say("No rebuild is under way")
    return _follow(settings, names, options.stop_on_interrupt)


def _follow(settings: Settings, names: list[str], stop_on_interrupt: bool) -> int:
    progress = Progress()
    try:
        over = _await_end(settings, names, progress)
    except (KeyboardInterrupt, SystemExit):
        progress.clear()
        if stop_on_interrupt:
            for name in names:
                _ask(settings, name, "stop")
            say(f"Stopped: {', '.join(names)}")
        else:
            say(f"Interrupted; in the projector it goes on. ./dev rebuild follow {' '.join(names)} shows it,"
                f" ./dev rebuild stop {' '.join(names)} ends it")
        return INTERRUPTED
    return max((_tell_end(view) for view in over), default=0)


def _await_end(settings: Settings, names: list[str], progress: Progress) -> list[dict]:
    heard_at = known_at = time.monotonic()
    rebuilds: dict[str, dict] = {}  # as they were seen last
    while True:
        try:
            views = [_remembering(view, rebuilds) for view in all_views(settings) if view["name"] in names]
            # A projector that has just started opens its views first, and then finds what it was making of them.
            unknown = [view for view in views if "rebuild" not in view]
            heard_at = time.monotonic()
            known_at = known_at if unknown else heard_at
            waited_s = heard_at - known_at
            starting = any(waited_s < (_FORGOTTEN_S if view["generation"] else _AWAY_S) for view in unknown)
            progress.show([_done(view) for view in views])
            if not starting and not any(_under_way(view) for view in views):
                progress.clear()
                return views
        except admin.Away as away:  # killed, perhaps: it resumes what it was doing when it starts again
            known_at = time.monotonic()
            if known_at - heard_at > _AWAY_S:
                progress.clear()
                raise Failure(f"{away}. What it was doing goes on when it starts again") from None
        time.sleep(_LOOK_AGAIN_S)


def _remembering(view: dict, rebuilds: dict[str, dict]) -> dict:
    """A projector that was started again has forgotten what was over; its live generation tells how that ended."""
    seen = rebuilds.get(view["name"])
    if "rebuild" not in view and seen and view["generation"] == seen["generation"]:
        return {**view, "rebuild": {**seen, "state": "switched"}}
    if "rebuild" in view:
        rebuilds[view["name"]] = view["rebuild"]
    return view


def _under_way(view: dict) -> bool:
    rebuild = view.get("rebuild")
    if not rebuild or rebuild["state"] in _OVER:
        return False
    waits_for_a_word = rebuild.get("switch") == "manual" or _differing(rebuild)
    return not (rebuild["state"] == "ready" and waits_for_a_word)


def _done(view: dict) -> Done:
    rebuild = view.get("rebuild") or {}
    return Done(view["name"], rebuild.get("state", view["state"]), rebuild.get("records"), rebuild.get("total"),
                rebuild.get("rate"), rebuild.get("etaSeconds"))


def _differing(rebuild: dict) -> int:
    verify = rebuild.get("verify")
    return sum(counts[kind] for counts in (verify, verify["index"]) for kind in ("added", "lost", "changed")) if verify else 0


def _tell_end(view: dict) -> int:
    """Returns what this view adds to the exit status."""
    name, rebuild = view["name"], view.get("rebuild")
    if not rebuild:
        say(f"{name}: the projector knows of no rebuild; generation {view['generation']} is live")
        return 1
    text = {"switched": f"switched to generation {view['generation']}", "ready": "ready, and not switched to yet",
            "stopped": "stopped", "failed": f"failed: {rebuild.get('failure', 'see the projector`s log')}"}[rebuild["state"]]
    if rebuild.get("events") is not None:
        text += f", {rebuild['events']:,} events"
    if rebuild.get("seconds"):
        text += f" in {duration(rebuild['seconds'])}"
    say(f"{name}: {text}")
    _tell_verification(name, rebuild)
    if rebuild["state"] == "ready":
        say(f"  ./dev rebuild switch {name} lets readers have it, ./dev rebuild stop {name} gives it up")
    return 1 if _differing(rebuild) or rebuild["state"] in ("failed", "stopped") else 0


def _tell_verification(name: str, rebuild: dict) -> None:
    verify = rebuild.get("verify")
    if not verify:
        return
    for what, counts, compared in (("rows", verify, verify["rows"]), ("index entries", verify["index"], verify["index"]["entries"])):
        say(f"  {compared:,} {what} compared: {counts['added']:,} added, {counts['lost']:,} lost, {counts['changed']:,} changed")
    samples = verify.get("samples") or []
    for sample in samples:
        say(differences.text_of(sample))
    if len(samples) < _differing(rebuild):
        say(f"  ./dev rebuild differences {name} prints all of them")


def _from(text: str) -> str | dict:
    if text == "earliest":
        return text
    if Path(text).is_file():
        offsets = json.loads(Path(text).read_text())
        if not isinstance(offsets, dict) or not all(isinstance(offset, int) for offset in offsets.values()):
            raise Usage(f"{text} is no file of offsets: it must be like {{\"orders.3\": 1042}}")
        return offsets
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Usage(f"--from {text}: neither earliest, nor a time such as 2026-01-31T12:00:00Z, nor a file") from None
    return text


# ---- what is done at once ----

def _move(settings: Settings, options) -> int:
    for name in options.views:
        expected = options.expected if options.expected is not None else _view(settings, name)["generation"]
        view = _ask(settings, name, options.action, {"expected": expected})
        if _under_way(view) and (status := _follow(settings, [name], stop_on_interrupt=False)):
            return status
        say(f"{name}: generation {_view(settings, name)['generation']} is live; it was {expected}")
    return 0


def _ask_each(settings: Settings, options) -> None:
    done = {"prune": "pruned", "pause": "paused", "resume": "goes on", "stop": "stopped"}[options.action]
    for view in _chosen(settings, options):
        if options.action == "stop" and not options.views and not _under_way(view):
            continue
        _ask(settings, view["name"], options.action)
        say(f"{view['name']}: {done}")


def _checkpoint(settings: Settings, options) -> None:
    directory = Path(options.directory).absolute()
    _ask(settings, options.views[0], "checkpoint", {"directory": str(directory)})
    say(f"{options.views[0]}: copied to {directory}; ./dev rebuild restore {options.views[0]} DIR there, or here")


# ---- what is shown ----

def _status(settings: Settings, options) -> None:
    named = [_view(settings, name) for name in options.views]
    views = named or all_views(settings)
    if options.json:
        print(json.dumps({"views": views}, indent=2))
        return
    table("VIEW", [row(view) for view in views], ("name", "generation", "state", "lag", "behind", "rate", "rebuild"))
    for view in named:
        table(view["name"].upper(), [{**partition, "name": partition["log"], "behind": _behind(partition)} for partition in view["partitions"]],
              ("name", "position", "end", "lag", "behind"))
        table("GENERATION", [{**each, "name": each["number"], "live": "yes" if each["live"] else None}
                             for each in view["generations"]], ("name", "version", "live", "state", "createdAt"))


def row(view: dict) -> dict:
    """A line of the table of views, here and in ./dev status."""
    rebuild = view.get("rebuild")
    text = None
    if rebuild:
        text = rebuild["state"].replace("_", " ")
        if _under_way(view) and rebuild.get("total"):
            text += f" {100 * rebuild['records'] // rebuild['total']} %"
        if rebuild.get("etaSeconds") is not None:
            text += f", ETA {duration(rebuild['etaSeconds'])}"
    return {**view, "behind": _behind(view), "rebuild": text}


def _behind(lagging: dict) -> str | None:
    """Of a view or a partition; None: not known."""
    seconds = lagging.get("lagSeconds")
    return None if seconds is None else duration(seconds)


def _differences(settings: Settings, options) -> int:
    rows = admin.call(settings, "projector", "GET", f"views/{options.views[0]}/differences")["differences"]
    for sample in rows:
        print(json.dumps(sample) if options.json else differences.text_of(sample))
    if not rows and not options.json:
        say("The last verification found none")
    return 1 if rows else 0


def _operations(settings: Settings, options) -> None:
    entries = admin.call(settings, "projector", "GET", "operations")["operations"][-options.last:]
    if options.json:
        for entry in entries:
            print(json.dumps(entry))
        return
    table("AT", [{**entry, "details": json.dumps(entry["data"])} for entry in entries], ("at", "actor", "type", "view", "details"))


# ---- the projector ----

def all_views(settings: Settings) -> list[dict]:
    return admin.call(settings, "projector", "GET", "views")["views"]


def _view(settings: Settings, name: str) -> dict:
    view = admin.call(settings, "projector", "GET", f"views/{name}", may_be_missing=True)
    if view is None:
        raise Failure(f"There is no view {name}: there are {', '.join(view['name'] for view in all_views(settings))}")
    return view


def _chosen(settings: Settings, options) -> list[dict]:
    if bool(options.views) == options.all:
        raise Usage("Name the views, or --all")
    return all_views(settings) if options.all else [_view(settings, name) for name in options.views]


def _ask(settings: Settings, view: str, what: str, body: dict | None = None) -> dict:
    return admin.call(settings, "projector", "POST", f"views/{view}/{what}", body)
