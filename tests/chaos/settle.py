"""After the faults: waiting until the shop has come to rest. Nothing is pending, nothing is reserved, every view is at
its logs' end."""

import everfold_dev  # noqa: F401  for the imports below
import tokens
from client import BROKEN, ask
from supervised import await_ready
from system import System
from waiting import until

READY_S = 120
REST_S = 120
_QUIET_S = 3
_PAGE = 100
_UNDER_WAY = (("orders", "PENDING"), ("orders", "STOCK_RESERVED"), ("payments", "REQUESTED"), ("payments", "PENDING"))


class Rest:
    def __init__(self, system: System):
        self._system = system
        self._headers = {"Authorization": "Bearer " + tokens.token(system.secret, "admin", "chaos")}
        self._unrest = ""

    def come(self) -> None:
        """TimeoutError, with what is still under way, when it does not come to rest."""
        await_ready(list(self._system.programs.values()), READY_S)
        seen = [None, 0]

        def quiet():
            """At rest, and no event for a while."""
            self._unrest = self._what_moves()
            events = None if self._unrest else self._events()
            seen[1] = seen[1] + 1 if events is not None and events == seen[0] else 0
            seen[0] = events
            return seen[1] * 0.5 >= _QUIET_S
        until(lambda: f"everything at rest: {self._unrest or 'events still come'}", quiet, REST_S, 0.5)

    def _what_moves(self) -> str:
        for url in self._system.urls("query"):
            try:
                for what, state in _UNDER_WAY:
                    if found := self._page(url, f"/api/{what}?status={state}&pageSize=1"):
                        return f"{url}: {found['totalCount']} {what} are {state}, such as {found['items'][0]['id']}"
                for stock in self._all(url, "/api/inventory"):
                    if stock.get("reserved"):
                        return f"{url}: {stock['sku']} has {stock['reserved']} reserved"
                for payment in self._all(url, "/api/payments"):
                    if any(refund["status"] == "REQUESTED" for refund in payment.get("refunds", [])):
                        return f"{url}: a refund of payment {payment['id']} is not done"
            except BROKEN as error:
                return f"{url}: {error!r}"
        return self._lag()

    def _lag(self) -> str:
        for program in self._system.kind("projector"):
            for view in program.status().get("views", []):
                if view["lag"] != 0 or view["building"]:
                    return f"{program.name}: view {view['name']} is {view['lag']} records behind"
        return ""

    def _events(self) -> list:
        return [[view["events"] for view in program.status().get("views", [])]
                for program in self._system.kind("projector")]

    def _page(self, url: str, path: str) -> dict | None:
        """Nothing when there are none."""
        answer = ask(url, "GET", path, self._headers, None, 10)
        if answer.status != 200:
            raise ValueError(f"{path} answers {answer.status}: {answer.raw[:200]!r}")
        return answer.body if answer.body["totalCount"] else None

    def _all(self, url: str, path: str):
        number = 1
        while page := self._page(url, f"{path}?page={number}&pageSize={_PAGE}"):
            yield from page["items"]
            if number * _PAGE >= page["totalCount"]:
                return
            number += 1


def takeovers(system: System) -> int:
    """Of all logs, since they were made: terms count them."""
    terms = {}
    for program in system.kind("command") + system.kind("saga"):
        for shard in program.status().get("shards", []):
            terms[shard["log"]] = max(terms.get(shard["log"], 0), shard["term"])
    return sum(terms.values())
