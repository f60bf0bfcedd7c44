"""What must hold of the goods: nothing is sold, released or returned that was not there, or not asked for."""

from collections import Counter

from history import Event, History
from verdicts import Verdicts


def check_stock(history: History, verdicts: Verdicts) -> Counter:
    """How many pieces each (order, SKU) took away for good."""
    sold: Counter = Counter()
    for sku, events in history.aggregates("inventory"):
        shelf = Shelf(sku, sold, verdicts)
        for event in events:
            if event.body is not None:
                shelf.see(event)
        shelf.at_the_end()
    return sold


class Shelf:
    """One SKU's stock, as what came and went makes it."""

    def __init__(self, sku: str, sold: Counter, verdicts: Verdicts):
        self._sku = sku
        self._sold = sold
        self._on_hand = self._reserved = 0
        self._open: dict[str, int] = {}  # reservations, by order
        self._positive = verdicts.rule("stock: 0 ≤ reserved ≤ on hand after every event")
        self._sums = verdicts.rule("stock: the levels that an event carries are the sum of the log up to it")
        self._truthful = verdicts.rule("stock: reserved when there was enough, refused when there was not")
        self._matching = verdicts.rule("stock: what is released, sold or returned is what was reserved or sold")
        self._closed = verdicts.rule("stock: no reservation is left open")
        self._moves = {"StockReceived": self._received, "StockAdjusted": self._adjusted, "StockReserved": self._reserve,
                       "StockReservationRejected": self._rejected, "StockReleased": self._settled,
                       "StockCommitted": self._committed, "StockReturned": self._returned}

    def see(self, event: Event) -> None:
        if move := self._moves.get(event.name):
            move(event, event.body)
        told, summed = (event.body.on_hand, event.body.reserved), (self._on_hand, self._reserved)
        self._positive.check(0 <= self._reserved <= self._on_hand,
                             lambda: f"{event.where}: {self._on_hand} on hand, {self._reserved} reserved")
        self._sums.check(told == summed, lambda: f"{event.where} says {told}, the sum is {summed}")

    def at_the_end(self) -> None:
        self._closed.check(not self._open, lambda: f"{self._sku}: {self._open}")

    def _received(self, _event, body) -> None:
        self._on_hand += body.quantity

    def _adjusted(self, _event, body) -> None:
        self._on_hand += body.delta

    def _reserve(self, event, body) -> None:
        available = self._on_hand - self._reserved
        self._truthful.check(body.quantity <= available, lambda: f"{event.where}: {available} were available")
        self._matching.check(body.order_id not in self._open, lambda: f"{event.where}: {body.order_id} has one already")
        self._reserved += body.quantity
        self._open[body.order_id] = body.quantity

    def _rejected(self, event, body) -> None:
        available = self._on_hand - self._reserved
        self._truthful.check(body.quantity > available, lambda: f"{event.where}: {available} were available")

    def _settled(self, event, body) -> None:
        self._match(event, "reserved", self._open.pop(body.order_id, 0))
        self._reserved -= body.quantity

    def _committed(self, event, body) -> None:
        self._settled(event, body)
        self._on_hand -= body.quantity
        self._sold[body.order_id, self._sku] += body.quantity

    def _returned(self, event, body) -> None:
        self._match(event, "bought", self._sold[body.order_id, self._sku])
        self._on_hand += body.quantity
        self._sold[body.order_id, self._sku] -= body.quantity

    def _match(self, event, had: str, quantity: int) -> None:
        body = event.body
        self._matching.check(quantity == body.quantity,
                             lambda: f"{event.where}: {body.quantity}, but {body.order_id} had {had} {quantity}")
