"""What runs and how it is: for people, or as JSON for programs."""

import json
import os

import kafka
import rebuild
from probes import get_json, not_ready
from processes import Supervisor
from settings import PROGRAMS, Settings
from terminal import Failure, table


def status(settings: Settings, as_json: bool) -> None:
    report = _report(settings)
    if as_json:
        print(json.dumps(report, indent=2))
        return
    table("PROGRAM", report["programs"], ("name", "pid", "ready", "url"))
    table("VIEW", [rebuild.row(view) for view in report["views"]], ("name", "generation", "state", "lag", "rebuild"))
    table("SHARD", report["shards"], ("log", "state", "term", "url"))


def logs(settings: Settings, program: str | None, follow: bool, lines: int) -> None:
    files = sorted(settings.logs.glob("*.log"))
    if program:
        files = [file for file in files if file.stem in (program, f"everfold-{program}")]
        if not files:
            known = ", ".join(sorted(file.stem for file in settings.logs.glob("*.log")))
            raise Failure(f"There is no log of {program}. There are: {known or 'none yet; ./dev up makes them'}")
    elif not files:
        raise Failure("There are no logs yet: ./dev up makes them")
    following = ["--follow=name", "--retry"] if follow else []
    os.execvp("tail", ["tail", f"--lines={lines}", *following, "--", *map(str, files)])


def _report(settings: Settings) -> dict:
    supervisor = Supervisor(settings)
    rows = [_program(supervisor, "kafka", f"kafka://{settings.brokers}", kafka.unreachable(settings.brokers))]
    for program in PROGRAMS:
        url = settings.url(program)
        rows.append(_program(supervisor, f"everfold-{program}", url, not_ready(f"{url}/readyz")))
    gateway_url = settings.url("gateway")
    rows.append(_program(supervisor, "gateway", gateway_url, not_ready(f"{gateway_url}/healthz")))
    own = {row["name"]: _own_status(row) for row in rows if row["name"].startswith("everfold-")}
    return {"programs": rows,
            "views": rebuild.all_views(settings) if own["everfold-projector"] else [],
            "shards": own["everfold-command"].get("shards", []) + own["everfold-saga"].get("shards", [])}


def _program(supervisor: Supervisor, name: str, url: str, waits_for: str | None) -> dict:
    record = supervisor.running(name)
    elsewhere = name == "kafka" and supervisor.settings.external_brokers is not None
    row = {"name": name, "pid": record.pid if record else None, "url": url,
           "ready": waits_for is None and (record is not None or elsewhere)}
    if not row["ready"]:
        row["reason"] = waits_for if record or elsewhere else "not running"
    return row


def _own_status(row: dict) -> dict:
    if row["pid"] is None:
        return {}
    code, body = get_json(row["url"] + "/status")
    return body if code == 200 else {}
