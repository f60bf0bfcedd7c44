"""What clients were told, held against the history: done means done once, refused means not done."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from folds import fold
from history import Event, History, told
from ids import caused_command_id, derive_id, http_command_id, order_id_of_cart, product_id
from verdicts import Verdicts


@dataclass
class Wish:
    """A logical command of a client: sent once or again and again with one key, and its last answer."""
    ack: dict
    command: str  # its id
    context: str
    key: str      # the aggregate's id

    @property
    def is_checkout(self) -> bool:
        return self.ack["method"] == "POST" and self.ack["path"].endswith("/checkout")

    @property
    def says(self) -> str:
        ack = self.ack
        request = f"{ack['method']} {ack['path']} {json.dumps(ack['body'])}, key {ack['key']}"
        return f"{request}, answered {ack['status']} (command {self.command})"


def read_acks(path: Path) -> list[dict]:
    with path.open() as lines:
        return [json.loads(line) for line in lines if line.strip()]


def wish_of(ack: dict) -> Wish:
    command = http_command_id(ack)
    words = [unquote(word) for word in urlsplit(ack["path"]).path.split("/")[2:]]
    match words:
        case ["carts"]:
            return Wish(ack, command, "carts", derive_id("cart", command))
        case ["carts", cart, *_]:
            return Wish(ack, command, "carts", cart)
        case ["products"]:
            return Wish(ack, command, "catalog", product_id(ack["body"]["sku"]))
        case ["products", product]:
            return Wish(ack, command, "catalog", product)
        case ["inventory", sku, _]:
            return Wish(ack, command, "inventory", sku)
        case ["orders", order, "cancel"]:
            return Wish(ack, command, "orders", order)
        case ["payments", "sandbox", payment, "complete"] | ["payments", payment, "refunds"]:
            return Wish(ack, command, "payments", payment)
    raise ValueError(f"the checker does not know what {ack['method']} {ack['path']} does")


def check_answers(history: History, acks: list[dict], verdicts: Verdicts) -> None:
    done = verdicts.rule("acknowledged: the events are in the history, once")
    refused = verdicts.rule("refused: no event")
    for wish in map(wish_of, acks):
        events = history.by_command.get(wish.command, [])
        status = wish.ack["status"]
        if status is None:  # a commit is one or none by the rules of the log
            verdicts.count("commands without an answer: " + ("done" if events else "not done"))
        elif 200 <= status < 300:
            verdicts.count("commands acknowledged")
            check_done(history, wish, events, done, verdicts)
        elif wish.ack.get("unanswered", 0) and events:
            # An attempt that nobody answered may still have been on its way when a later one was refused.
            verdicts.count("commands refused while an earlier attempt was on its way, which was done later")
        else:
            verdicts.count("commands refused")
            refused.check(not events, lambda: f"{wish.says}: {told(events)}")


def check_done(history: History, wish: Wish, events: list[Event], done, verdicts: Verdicts) -> None:
    if not events:
        version = _etag(wish.ack["etag"])
        done.check(_nothing_to_do(history, wish, version), lambda: f"{wish.says}: there is no event of it")
        verdicts.count("commands acknowledged that had nothing to do")
        steps = [history.by_aggregate[wish.context, wish.key][:version]]
    else:
        done.check(_its_own(events, wish.context, wish.key), lambda: f"{wish.says}: {told(events)}")
        steps = [events]
    if wish.is_checkout and events:
        order = order_id_of_cart(wish.key)
        placed = history.by_command.get(caused_command_id(events[-1].id, "everfold.orders.PlaceOrder.v1", order), [])
        done.check(bool(placed) and _its_own(placed, "orders", order) and wish.ack["answer"]["orderId"] == order,
                   lambda: f"{wish.says}: order {order} was not placed by it")
        steps.append(placed)
    check_what_it_says(history, wish, steps, verdicts)


def check_what_it_says(history: History, wish: Wish, steps: list[list[Event]], verdicts: Verdicts) -> None:
    """`steps`: the events of each of its commands, the first one's first."""
    etag = verdicts.rule("acknowledged: the ETag is the aggregate's version after it")
    place = verdicts.rule("acknowledged: Everfold-Position is right behind its events")
    body = verdicts.rule("acknowledged: the answer tells what came of it")
    version, positions = _etag(wish.ack["etag"]), _positions(wish.ack["position"])
    if not etag.check(bool(steps[-1]) and steps[-1][-1].version == version,
                      lambda: f"{wish.says}: ETag {wish.ack['etag']}, {told(steps[-1][-1:])}"):
        return
    did = bool(history.by_command.get(wish.command))
    for step in steps:
        log, behind = f"{step[-1].context}.{step[-1].partition}", step[-1].offset + 1
        said = positions.get(log, -1)
        place.check(said == behind if did else behind <= said <= history.ends[log],
                    lambda: f"{wish.says}: {wish.ack['position']} where {log}:{behind} should be")
    answer = wish.ack["answer"] or {}
    expected = {"version": version}
    if wish.context == "inventory":
        row = fold("inventory", wish.key, history.by_aggregate["inventory", wish.key], version)
        expected |= {name: row[name] for name in ("sku", "onHand", "reserved", "available")}
    wrong = {name: answer[name] for name in expected if name in answer and answer[name] != expected[name]}
    body.check(not wrong, lambda: f"{wish.says}: {wrong} where {expected} should be")


def _its_own(events: list[Event], context: str, key: str) -> bool:
    """Once: the same commit's, and each part a single time."""
    return (all((event.context, event.key) == (context, key) for event in events)
            and len({event.id for event in events}) == len(events) and len({event.commit for event in events}) == 1)


def _etag(text: str | None) -> int:
    found = re.fullmatch(r'"(\d+)"', text or "")
    return int(found[1]) if found else -1


def _positions(token: str | None) -> dict[str, int]:
    """{"orders.3": 1042} of "orders.3:1042,carts.1:77"."""
    return {log: int(offset) for log, offset in re.findall(r"([a-z]+\.\d+):(\d+)", token or "")}


def _nothing_to_do(history: History, wish: Wish, version: int) -> bool:
    """A command that changes nothing is done without an event: then the aggregate was as it wanted at that version."""
    row = fold(wish.context, wish.key, history.by_aggregate.get((wish.context, wish.key), []), version)
    if row is None or row["version"] != version:
        return False
    body = wish.ack["body"] or {}
    words = wish.ack["path"].split("/")[2:]
    match wish.ack["method"], words:
        case "PUT", ["inventory", _, "threshold"]:
            return row["lowStockThreshold"] == body["lowStock"]
        case "POST", ["orders", _, "cancel"]:
            return row["status"] == "CANCELLED" and row["cancellation"]["reason"] == body["reason"]
        case "PATCH", ["carts", _, "items", sku]:
            return any(line["sku"] == unquote(sku) and line["quantity"] == body["quantity"] for line in row["lines"])
        case "PATCH" | "PUT", ["products", _]:
            return all(row.get(name) == value for name, value in body.items())
        case "DELETE", ["products", _]:
            return row["status"] == "archived"
    return False
