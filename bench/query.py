"""GET /api/orders/{id} over a few hundred orders, straight at everfold-query."""

import json

from machinery import Load, Machinery, Wrong
from report import Result, Round
from shop import Shop

TARGETS = ["everfold-projector", "everfold-query", "bench-http-floor", "bench-orders-log"]

_ORDERS = 6_000
_ASKED_FOR = 300
_CONNECTIONS = 64
_MARK = 0.5


def measure(machinery: Machinery, progress) -> list[Result]:
    with machinery.shop() as shop:
        progress(f"writing {_ORDERS} orders")
        machinery.figures(shop, "bench-orders-log", "--orders", _ORDERS)
        written = machinery.output(shop, "bench-orders-log", "--list", "--orders", _ORDERS).splitlines()
        orders = [json.loads(line) for line in written[::_ORDERS // _ASKED_FOR]]
        progress("starting everfold-projector and everfold-query")
        shop.start("projector", "query")
        constant = _check(shop, orders)
        load = _reads(shop, orders)
        query_url = f"http://127.0.0.1:{shop.ports['query']}"
        rounds = []
        with machinery.http_floor(shop, constant) as floor_url:
            machinery.load(query_url, load, _CONNECTIONS, seconds=1)
            for round_ in machinery.rounds():
                progress(f"round {round_}")
                floor = machinery.load(floor_url, load, _CONNECTIONS)
                figures = machinery.load(query_url, load, _CONNECTIONS)
                rounds.append(Round(figures["perSecond"], floor["perSecond"], figures["p50Ms"], figures["p99Ms"]))
        _check(shop, orders)
    return [Result(f"query, {_CONNECTIONS} connections", "/s", _MARK, rounds)]


def _reads(shop: Shop, orders: list[dict]) -> Load:
    paths = shop.home / "reads"
    paths.write_text("".join(f"/api/orders/{order['id']}\n" for order in orders))
    return Load("GET", paths, shop.admin)


def _check(shop: Shop, orders: list[dict]) -> bytes:
    """Every order is answered as it was written. Returns an answer of the middle size, for the floor to answer too."""
    answers = [shop.order(order["id"]) for order in orders]
    for order, answer in zip(orders, answers):
        if answer.status != 200:
            raise Wrong(f"order {order['id']} is not answered: {answer}")
        shown = {"id": answer["id"], "orderNumber": answer["orderNumber"], "lines": len(answer["lines"]),
                 "total": answer["total"]["amount"]}
        if "customerId" in answer.body:
            shown["customerId"] = answer["customerId"]
        if shown != order or answer["status"] != "CONFIRMED" or answer["version"] != 4:
            raise Wrong(f"{order} is shown as {answer}")
    return sorted((answer.raw for answer in answers), key=len)[len(answers) // 2]
