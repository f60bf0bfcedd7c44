"""Parked records, over the programs' admin routes: what could not be handled, and what to do about it."""

import json

import admin
from settings import Settings
from terminal import Failure, say, table

_PROGRAMS = ("command", "saga")  # that park


def listed(settings: Settings, skipped: bool, as_json: bool) -> None:
    path = "parked?skipped=true" if skipped else "parked"
    answers = [admin.call(settings, program, "GET", path) for program in _PROGRAMS]
    entries = [entry for answer in answers for entry in answer["parked"]]
    if as_json:
        print(json.dumps(entries, indent=2))
    elif not entries:
        say("Nothing was skipped in the last seven days." if skipped else "Nothing is parked.")
    else:
        table("RECORD", [_row(entry) for entry in entries],
              ("record", "aggregate", "why", "tries", "behind", "parked", "looked", "message"))
        if more := sum(answer["total"] for answer in answers) - len(entries):
            say(f"and {more} more, which are not listed")


def show(settings: Settings, record: str) -> None:
    print(json.dumps(_of(settings, record, "GET"), indent=2))


def retry(settings: Settings, records: list[str], everything: bool) -> None:
    if everything:
        asked = sum(admin.call(settings, program, "POST", "parked/retry")["asked"] for program in _PROGRAMS)
        say(f"{asked} are tried again: ./dev parked list shows what stays")
    for record in records:
        _of(settings, record, "POST", "/retry")
        say(f"{record} is tried again")


def skip(settings: Settings, record: str, reason: str) -> None:
    _of(settings, record, "POST", "/skip", {"reason": reason})
    say(f"{record} is given up; what waited behind it is tried")


def _row(entry: dict) -> dict:
    over = entry.get("skipped")
    return {"record": entry["id"], "aggregate": entry["aggregateId"], "why": "skipped" if over else entry["why"],
            "tries": entry["tries"], "behind": entry["behind"], "parked": entry["parkedAt"],
            "looked": entry.get("looked", {}).get("by"),
            "message": f"{over['by']}: {over['reason']}" if over else entry["message"]}


def _of(settings: Settings, record: str, method: str, action: str = "", body: dict | None = None) -> dict:
    """The program is the one whose consumer it is."""
    for program in _PROGRAMS:
        answer = admin.call(settings, program, method, f"parked/{record}{action}", body, may_be_missing=True)
        if answer is not None:
            return answer
    raise Failure(f"There is no parked record {record}: ./dev parked list shows their names")
