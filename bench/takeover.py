"""How long a killed node's shards stay silent, with a long history in each and a warm standby beside it."""

import http.client
import os
import threading
import time
import uuid

from machinery import Machinery, Wrong
from report import Result, Round
from shop import until

TARGETS = ["everfold-command", "bench-orders-log"]

_SHARDS = 2
_EVENTS = 1_000_000  # in each shard, about
_ORDERS = _EVENTS * _SHARDS // 4
_SESSION_MS = int(os.environ.get("EVERFOLD_SESSION_TIMEOUT_MS", 2_000))  # the floor: nobody knows sooner that it is dead
_MARK = 1.5
_READ_ALL_S = 600
_VICTIM, _STANDBY = "command-2", "command"


def measure(machinery: Machinery, progress) -> list[Result]:
    with machinery.shop(_SHARDS) as shop:
        shop.environment["EVERFOLD_SESSION_TIMEOUT_MS"] = str(_SESSION_MS)
        progress(f"writing {4 * _ORDERS:,} events")
        machinery.figures(shop, "bench-orders-log", "--orders", _ORDERS)
        orders = machinery.lines(shop, "bench-orders-log", "--list", "--orders", 40)
        progress("both nodes read them")
        shop.launch(_STANDBY, _VICTIM)
        until("both nodes have read all", lambda: all(_ready(shop, node) for node in (_STANDBY, _VICTIM)), _READ_ALL_S)
        rounds = []
        for round_ in machinery.rounds():
            progress(f"round {round_}")
            until("the shards are shared", lambda: _owned(shop, _VICTIM) and _owned(shop, _STANDBY), 60)
            shop.kill(_VICTIM)
            rounds.append(Round(_silence_ms(shop, [orders.pop()["id"] for _ in range(8)]), _SESSION_MS))
            shop.launch(_VICTIM)
            until("the killed node is back", lambda: _ready(shop, _VICTIM), _READ_ALL_S)
    return [Result(f"takeover, {_EVENTS:,} events a shard", "ms", _MARK, rounds)]


def _silence_ms(shop, orders: list[str]) -> float:
    """From now until the standby has done commands to every shard: to new stock and to orders of the history."""
    began, took, wrong = time.monotonic(), [], []
    staff = {"Authorization": "Bearer " + shop.admin}

    def insist(path, body):
        key = {"Idempotency-Key": uuid.uuid4().hex}
        while time.monotonic() - began < 60:
            try:
                answer = shop.request(_STANDBY, "POST", path, body, {**staff, **key})
            except (OSError, http.client.HTTPException) as e:
                wrong.append(f"{path}: {e!r}")
                return
            if answer.status == 200:
                took.append(time.monotonic() - began)
                return
            if answer.status != 503:
                wrong.append(f"{path}: {answer}")
                return

    commands = [(f"/api/inventory/T-{uuid.uuid4().hex}/receipts", {"quantity": 1}) for _ in range(8)]
    commands += [(f"/api/orders/{order}/cancel", {"reason": "CHANGED_MIND"}) for order in orders]
    clients = [threading.Thread(target=insist, args=command) for command in commands]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if wrong or len(took) != len(commands):
        raise Wrong(f"{len(took)} of {len(commands)} commands were done: {wrong[:3]}")
    return max(took) * 1_000


def _ready(shop, node) -> bool:
    try:
        return shop.request(node, "GET", "/readyz").status == 200
    except OSError:  # not up yet
        return False


def _owned(shop, node) -> bool:
    try:
        return any(shard["state"] == "owner" for shard in shop.request(node, "GET", "/status")["shards"])
    except OSError:
        return False
