"""A refusal is a statement about the shop, and must have been true at some moment while the client waited for it. One that
was decided on an old state (by a zombie, or by a node that is behind) is a lie, though it leaves no event."""

import re
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime
from urllib.parse import unquote

from answer_rules import Wish, wish_of
from folds import fold
from history import Event, History
from ids import caused_command_id, order_id_of_cart, product_id
from verdicts import Verdicts


def check_refusals(history: History, acks: list[dict], verdicts: Verdicts) -> None:
    rule = verdicts.rule("refused: for a reason that was true while the client waited")
    wishes = list(map(wish_of, acks))
    known = Acknowledged(history, wishes)
    for wish in wishes:
        if not 400 <= (wish.ack["status"] or 0) < 500:
            continue
        error = (wish.ack["answer"] or {}).get("error")
        judge = _JUDGES.get(error)
        if judge is None:
            verdicts.count(f"refusals that the checker cannot judge: {error}")
            continue
        context, key = _about(wish, error)
        events = history.by_aggregate.get((context, key), [])
        first = known.version(context, key, wish.ack["t"])
        last = bisect_right(events, wish.ack["ended"], key=_time_ms)
        rows = [fold(context, key, events, version) for version in range(first, max(first, last) + 1)]
        rule.check(any(judge(row, wish) for row in rows),
                   lambda: f"{wish.says}: {wish.ack['answer']['message']} But {context} {key} was {rows[0]} to {rows[-1]}")


class Acknowledged:
    """What was known to be done, when: whoever asks later may not be answered from an older state."""

    def __init__(self, history: History, wishes: list[Wish]):
        self._told: dict[tuple, list[tuple[int, int]]] = defaultdict(list)
        for wish in wishes:
            if wish.ack["status"] and wish.ack["status"] < 300:
                self._add(history, wish)
        for told in self._told.values():
            told.sort()

    def _add(self, history: History, wish: Wish) -> None:
        events = list(history.by_command.get(wish.command, []))
        if events and wish.is_checkout:
            place = caused_command_id(events[-1].id, "everfold.orders.PlaceOrder.v1", order_id_of_cart(wish.key))
            events += history.by_command.get(place, [])
        for event in events:
            self._told[event.context, event.key].append((wish.ack["ended"], event.version))

    def version(self, context: str, key: str, before_ms: int) -> int:
        """The newest that a client had been told of before that; 0: none."""
        return max((version for ended, version in self._told[context, key] if ended < before_ms), default=0)


def _about(wish: Wish, error: str) -> tuple[str, str]:
    """The aggregate that the refusal speaks of."""
    if error == "ProductUnavailable":
        return "catalog", product_id(wish.ack["body"]["sku"])
    return wish.context, wish.key


def _time_ms(event: Event) -> float:
    return datetime.fromisoformat(event.time).timestamp() * 1000


# ---- true of this row, which is None when there is nothing? ----

def _refund_exceeds(row, wish):
    if row is None:
        return False
    given = sum(refund["amount"]["amount"] for refund in row["refunds"] if refund["status"] != "FAILED")
    left = row["captured"]["amount"] - given
    wanted = wish.ack["body"].get("amount")
    told = re.match(r"Only (\d+) is left", wish.ack["answer"]["message"])
    return (wanted["amount"] > left if wanted else left == 0) and (told is None or int(told[1]) == left)


def _not_in_cart(row, wish):
    sku = unquote(wish.ack["path"].split("/")[5])
    return row is not None and all(line["sku"] != sku for line in row["lines"])


def _not_cancellable(row, wish):
    if row is None or row["status"] != "CANCELLED":
        return False
    return row["cancellation"]["reason"] != wish.ack["body"]["reason"]


_JUDGES = {
    "NotFound": lambda row, _: row is None,
    "AlreadyExists": lambda row, _: row is not None,
    "CartEmpty": lambda row, _: row is not None and not row["lines"],
    "CartCheckedOut": lambda row, _: row is not None and row["status"] == "CHECKED_OUT",
    "ItemNotInCart": _not_in_cart,
    "ProductUnavailable": lambda row, _: row is None or row["status"] != "active",
    "ProductArchived": lambda row, _: row is not None and row["status"] == "archived",
    "InsufficientStock": lambda row, wish: row is not None and row["available"] + wish.ack["body"]["delta"] < 0,
    "RefundExceedsCaptured": _refund_exceeds,
    "PaymentNotOpen": lambda row, _: row is not None and (row["status"] != "PENDING" or row["method"] != "manual"),
    "OrderNotCancellable": _not_cancellable,
}
