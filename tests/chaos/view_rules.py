"""Every view is what a fresh fold of the log gives: by a fold of our own against every query program's answers, and to
the byte by the projector's own fold."""

import http.client
import json
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

from folds import CONTEXTS, fold
from history import History
from verdicts import Verdicts

VIEWS = ("products", "stock", "carts", "orders", "payments", "checkouts", "history")
_PATHS = {"catalog": "/api/products/", "inventory": "/api/inventory/", "carts": "/api/carts/", "orders": "/api/orders/",
          "payments": "/api/payments/"}
_WHOLE_LISTS = ("/api/orders", "/api/payments", "/api/inventory")  # that of products leaves out archived ones
_OPTIONAL = ("customerId", "orderId", "description", "category", "brand", "payment", "cancellation", "redirectUrl",
             "declineReason")
_CATCHES_UP_S = 3


def expected_rows(history: History) -> dict[str, dict]:
    """By path of the query API."""
    return {_PATHS[context] + quote(key, safe=""): fold(context, key, events)
            for context in CONTEXTS for key, events in history.aggregates(context)}


def differences(expected: dict, shown: dict) -> dict:
    """What is shown otherwise. Fields that the checker's fold does not know are the view's own."""
    names = [*expected, *(name for name in _OPTIONAL if name in shown and name not in expected)]
    return {name: [expected.get(name), shown.get(name)] for name in names if expected.get(name) != shown.get(name)}


# ---- by our own fold ----

def check_query_programs(history: History, urls: list[str], token: str, verdicts: Verdicts) -> None:
    rows = expected_rows(history)
    answers: dict[str, dict] = {url: {} for url in urls}
    readers = [threading.Thread(target=_ask_all, args=(url, list(rows), token, answers[url])) for url in urls]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for url in urls:
        compare_rows(url, rows, answers[url], verdicts)
        compare_totals(url, rows, _ask_totals(url, token), verdicts)


def compare_rows(url: str, rows: dict[str, dict], answers: dict[str, dict | str], verdicts: Verdicts) -> None:
    for path, row in rows.items():
        rule = verdicts.rule(f"views: {path.split('/')[2]} as a query program shows them are the fold of the log")
        shown = answers.get(path, "was not asked")
        if isinstance(shown, str):
            rule.check(False, lambda: f"{url}{path}: {shown}")
            continue
        wrong = differences(row, shown)
        rule.check(not wrong, lambda: f"{url}{path}: [expected, shown] {wrong}")


def compare_totals(url: str, rows: dict[str, dict], totals: dict[str, int | str], verdicts: Verdicts) -> None:
    """Rows that nobody would ask for by their id: made of void events, or never deleted."""
    rule = verdicts.rule("views: lists have no row too many")
    for path in _WHOLE_LISTS:
        expected = sum(row.startswith(path + "/") for row in rows)
        rule.check(totals[path] == expected, lambda: f"{url}{path}: {totals[path]} where {expected} should be")


def _ask_totals(url: str, token: str) -> dict[str, int | str]:
    lists: dict = {}
    _ask_all(url, [f"{path}?pageSize=1" for path in _WHOLE_LISTS], token, lists)
    answers = {path: lists[f"{path}?pageSize=1"] for path in _WHOLE_LISTS}
    return {path: answer if isinstance(answer, str) else answer["totalCount"] for path, answer in answers.items()}


def _ask_all(url: str, paths: list[str], token: str, answers: dict) -> None:
    """The row of each path; why there is none, as text."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Connection": "keep-alive"}
    for path in paths:
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            raw = response.read()
            answers[path] = json.loads(raw) if response.status == 200 else f"{response.status} {raw[:200]!r}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            answers[path] = repr(error)
            connection.close()  # the next request opens it again
    connection.close()


# ---- by the projector's own ----

def check_bytes(binaries: Path, brokers: str, prefix: str, partitions: int, view_dirs: list[Path],
                verdicts: Verdicts) -> None:
    """Each view's live generation has the rows and index entries of one that is folded anew now."""
    rule = verdicts.rule("views: a view's bytes are those of a fresh fold")
    with tempfile.TemporaryDirectory(prefix="everfold-fresh-") as fresh:
        environment = {**os.environ, "EVERFOLD_BROKERS": brokers, "EVERFOLD_PREFIX": prefix,
                       "EVERFOLD_VIEWS_DIR": fresh, "EVERFOLD_PARTITIONS": str(partitions)}
        for view in VIEWS:
            folded = subprocess.run([binaries / "everfold-projector", "--fold-once", view], env=environment,
                                    capture_output=True, text=True, timeout=300)
            if not rule.check(folded.returncode == 0, lambda: f"{view} cannot be folded: {folded.stderr[-500:]}"):
                continue
            wanted = digest(binaries, Path(fresh), view)
            for views in view_dirs:
                rule.check(_becomes(binaries, views, view, wanted),
                           lambda: f"{views}/{view}: {digest(binaries, views, view)}; fresh: {wanted}")


def digest(binaries: Path, views: Path, view: str) -> str:
    done = subprocess.run([binaries / "view_digest", views, view], capture_output=True, text=True, timeout=300)
    return done.stdout.strip() if done.returncode == 0 else f"cannot be read: {done.stderr[-300:]}"


def _becomes(binaries: Path, views: Path, view: str, wanted: str) -> bool:
    """A projector may be a batch behind the log that was just read."""
    deadline = time.monotonic() + _CATCHES_UP_S
    while digest(binaries, views, view) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
