"""The orders' view folded anew from 300,000 events, by everfold-projector --fold-once."""

import shutil

from machinery import Machinery, Wrong
from report import Result, Round

TARGETS = ["everfold-projector", "bench-consumer-floor", "bench-orders-log"]

_ORDERS = 75_000
_EVENTS = 4 * _ORDERS
_MARK = 0.1


def measure(machinery: Machinery, progress) -> list[Result]:
    with machinery.shop() as shop:
        progress(f"writing {_EVENTS:,} events")
        written = machinery.figures(shop, "bench-orders-log", "--orders", _ORDERS)
        if written["events"] != _EVENTS:
            raise Wrong(f"not {_EVENTS} events: {written}")
        rounds = []
        for round_ in machinery.rounds():
            progress(f"round {round_}")
            read = machinery.figures(shop, "bench-consumer-floor")
            rounds.append(Round(_fold(machinery, shop), read["perSecond"]))
    return [Result(f"fold of {_EVENTS:,} events", "/s", _MARK, rounds)]


def _fold(machinery: Machinery, shop) -> float:
    """Events a second; every row is there and says what happened."""
    views = shop.home / "folded"
    folded = machinery.figures(shop, "everfold-projector", "--fold-once", "orders", "--views-dir", views)
    if folded["events"] != _EVENTS:
        raise Wrong(f"not {_EVENTS} events were folded: {folded}")
    machinery.figures(shop, "bench-orders-log", "--check", "--orders", _ORDERS, "--views-dir", views)
    shutil.rmtree(views)
    return folded["eventsPerSecond"]
