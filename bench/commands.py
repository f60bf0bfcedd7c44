"""Durable commands of one event each, straight at everfold-command: receipts of stock for a few hundred SKUs."""

from machinery import Load, Machinery, Wrong
from report import Result, Round
from shop import Shop, until

TARGETS = ["everfold-command", "everfold-projector", "everfold-query", "bench-http-floor", "bench-producer-floor"]

_SKUS = [f"BENCH-{number}" for number in range(300)]
_CONNECTIONS = (64, 256)
_MARK = 0.4       # of 1 / (1/http floor + 1/producer floor): a command is a request and a record, one after the other
_LONE_MARK = 3.0  # times a bare produce and read-back


class _Count:
    """How many receipts were answered 200, and how many more may have been done with nobody waiting for the answer."""

    def __init__(self):
        self.answered = 0
        self.unanswered = 0

    def add(self, figures: dict, connections: int) -> dict:
        self.answered += figures["answers"]
        self.unanswered += connections  # wrk hangs up in the middle of its last requests
        return figures


def measure(machinery: Machinery, progress) -> list[Result]:
    with machinery.shop() as shop:
        progress("starting everfold-command")
        shop.start("command")
        load = _receipts(shop)
        command_url = f"http://127.0.0.1:{shop.ports['command']}"
        count = _Count()
        constant = _first_receipt(shop, count)
        rounds = {connections: [] for connections in (*_CONNECTIONS, 1)}
        with machinery.http_floor(shop, constant) as floor_url:
            progress("warming up")  # above all the broker: a cold one was seen to take a fifth of what a warm one does
            for connections in _CONNECTIONS:
                machinery.floor(shop, "producer", "--clients", connections, "--seconds", 4)
                count.add(machinery.load(command_url, load, connections, seconds=3), connections)
            for round_ in machinery.rounds():
                for connections in _CONNECTIONS:
                    progress(f"round {round_}: {connections} connections")
                    floor = _floor(machinery, shop, floor_url, load, connections)
                    figures = count.add(machinery.load(command_url, load, connections), connections)
                    rounds[connections].append(_round(figures, floor))
                progress(f"round {round_}: a lone command")
                bare = machinery.floor(shop, "producer", "--lone", "--seconds", machinery.seconds)
                figures = count.add(machinery.load(command_url, load, 1), 1)
                rounds[1].append(Round(figures["p50Ms"], bare["p50Ms"], figures["p50Ms"], figures["p99Ms"]))
        progress("checking the stock")
        _check(shop, count)
    results = [Result(f"commands, {connections} connections", "/s", _MARK, rounds[connections])
               for connections in _CONNECTIONS]
    return results + [Result("a lone command (p50)", "ms", _LONE_MARK, rounds[1])]


def _receipts(shop: Shop) -> Load:
    paths = shop.home / "receipts"
    paths.write_text("".join(f"/api/inventory/{sku}/receipts\n" for sku in _SKUS))
    return Load("POST", paths, shop.admin, '{"quantity":1}')


def _first_receipt(shop: Shop, count: _Count) -> bytes:
    """What the HTTP floor answers too: as many bytes."""
    answer = shop.call("POST", f"/api/inventory/{_SKUS[0]}/receipts", {"quantity": 1}, shop.admin)
    if answer.status != 200:
        raise Wrong(f"a receipt was refused: {answer}")
    count.answered += 1
    return answer.raw


def _floor(machinery: Machinery, shop: Shop, url: str, load: Load, connections: int) -> dict[str, float]:
    http = machinery.load(url, load, connections)
    producer = machinery.floor(shop, "producer", "--clients", connections, "--seconds", machinery.seconds)
    return {"http": http["perSecond"], "producer": producer["perSecond"]}


def _round(figures: dict, floor: dict[str, float]) -> Round:
    together = 1 / (1 / floor["http"] + 1 / floor["producer"])
    return Round(figures["perSecond"], together, figures["p50Ms"], figures["p99Ms"], floor)


def _check(shop: Shop, count: _Count) -> None:
    """The stock says that every receipt that was answered was done, once, by one event each."""
    shop.start("projector", "query")
    most = count.answered + count.unanswered

    def plausible():
        stock = _stock(shop)
        on_hand = sum(item["onHand"] for item in stock)
        return stock if count.answered <= on_hand <= most else None
    try:
        stock = until("", plausible, 60)
    except AssertionError:
        on_hand = sum(item["onHand"] for item in _stock(shop))
        raise Wrong(f"{count.answered} receipts were answered, {count.unanswered} more may have been done,"
                    f" and {on_hand} are on hand") from None
    for item in stock:
        if item["version"] != item["onHand"]:
            raise Wrong(f"{item['sku']} has {item['onHand']} on hand after {item['version']} events of one each")


def _stock(shop: Shop) -> list[dict]:
    stock = []
    for page in range(1, 1 + len(_SKUS) // 100):
        answer = shop.call("GET", f"/api/inventory?pageSize=100&page={page}", token=shop.admin)
        if answer.status != 200:
            raise Wrong(f"the stock cannot be listed: {answer}")
        stock += answer["items"]
    return stock
