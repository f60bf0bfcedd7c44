"""An Idempotency-Key is known for ever: what was acknowledged, sent once more, is answered as before and not done."""

import http.client
import json
import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from answer_rules import wish_of
from history import History, told
from verdicts import Verdicts

_SAMPLE = 300
_PATIENCE_S = 30  # for one command, while nodes answer 503


def check_repeats(history: History, acks: list[dict], urls: list[str], token_of: Callable[[str], str],
                  verdicts: Verdicts) -> None:
    """`token_of` a subject. What had nothing to do may have something to do now, and is left out; so is what needs a
    guest's order token."""
    rule = verdicts.rule("repeated: the same key gets the same answer")
    done = [ack for ack in acks if ack["status"] and ack["status"] < 300
            and history.by_command.get(wish_of(ack).command) and (ack["sub"] or ack["path"].startswith("/api/carts"))]
    for ack in random.Random(len(done)).sample(done, min(_SAMPLE, len(done))):
        again = _send(urls, ack, token_of(ack["sub"]) if ack["sub"] else None)
        first = {name: ack[name] for name in ("status", "answer", "etag", "position")}
        rule.check(again == first, lambda: f"{wish_of(ack).says}: {first}, then {again}")


def check_nothing_new(before: History, after: History, verdicts: Verdicts) -> None:
    rule = verdicts.rule("repeated: nothing is done again")
    new = [event for event in after.events if event.id not in before.by_id]
    rule.check(len(after.events) == len(before.events), lambda: told(new) if new else "an event came twice")


def _send(urls: list[str], ack: dict, token: str | None) -> dict:
    """The first definite answer of a node; what went wrong when there is none in time."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": ack["key"]}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(ack["body"]).encode() if ack["body"] is not None else None
    deadline, turn, answer = time.monotonic() + _PATIENCE_S, 0, {}
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(urlsplit(urls[turn % len(urls)]).netloc, timeout=_PATIENCE_S)
        turn += 1
        try:
            connection.request(ack["method"], ack["path"], data, headers)
            response = connection.getresponse()
            raw = response.read()
            answer = {"status": response.status, "answer": json.loads(raw) if raw else None,
                      "etag": response.getheader("ETag"), "position": response.getheader("Everfold-Position") or ""}
            if response.status not in (429, 503):
                return answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer = {"error": repr(error)}
        finally:
            connection.close()
        time.sleep(0.1)
    return answer
