"""A client as the contract wants it: every command has an Idempotency-Key and is sent again, to the other node, until
somebody gives a definite answer. What it was told, and what nobody may be told, goes into journals."""

import http.client
import json
import random
import threading
from pathlib import Path
from urllib.parse import urlsplit

import everfold_dev  # noqa: F401  for the imports below
import tokens
from waiting import now_ms

# Definite answers of commands. Others have no cause here but a bug: 401, 405, 422 for a key that was never reused, 500 …
_EXPECTED = {200, 201, 204, 404, 409}
_LATER = {429, 503}
_PATIENCE_S = (2, 5, 15)  # for one answer: some clients send again while the first attempt is still on its way


class Journal:
    """JSON lines, from several threads."""

    def __init__(self, path: Path):
        self.path = path
        self.count = 0
        self._mutex = threading.Lock()
        self._file = path.open("w")

    def add(self, **fields) -> None:
        with self._mutex:
            self.count += 1
            self._file.write(json.dumps(fields) + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


class Answer:
    def __init__(self, status: int, headers, raw: bytes):
        self.status = status
        self.headers = headers
        self.raw = raw
        self.body = json.loads(raw) if raw else None

    @property
    def position(self) -> str:
        return self.headers.get("Everfold-Position") or ""

    @property
    def version(self) -> int:
        """What the ETag names; 0 without one."""
        etag = (self.headers.get("ETag") or "").strip('"')
        return int(etag) if etag.isdigit() else 0


def ask(url: str, method: str, path: str, headers: dict, body: dict | None, timeout_s: float) -> Answer:
    """OSError, HTTPException or ValueError when there is no whole answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_s)
    try:
        data = json.dumps(body).encode() if body is not None else None
        connection.request(method, path, data, {"Content-Type": "application/json", "Connection": "close", **headers})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


BROKEN = (OSError, http.client.HTTPException, ValueError)


class Journals:
    def __init__(self, directory: Path):
        self.acks = Journal(directory / "acks.jsonl")
        self.violations = Journal(directory / "violations.jsonl")  # what nobody may be told, ever
        self.reads = {"fresh": 0, "later": 0, "broken": 0}
        self.repeats = 0

    def close(self) -> None:
        self.acks.close()
        self.violations.close()


class Client:
    def __init__(self, number: int, rng: random.Random, secret: str, commands: list[str], queries: list[str],
                 journals: Journals, stop: threading.Event):
        self.number = number
        self.rng = rng
        self.journals = journals
        self.stop = stop
        self._secret = secret
        self._commands = commands
        self._queries = queries
        self._tokens = {}
        self._sent = 0

    def command(self, method: str, path: str, body: dict | None = None, role: str = "", sub: str = "",
                order_token: str = "") -> Answer | None:
        """The definite answer; nothing when there was none before the end."""
        self._sent += 1
        key = f"c{self.number}-{self._sent}-{self.rng.getrandbits(32):08x}"
        patience_s, node = self.rng.choice(_PATIENCE_S), self.rng.randrange(len(self._commands))
        repeat = self.rng.random() < 0.05
        headers = self._headers(role, sub, order_token) | {"Idempotency-Key": key}
        began, attempts, unanswered, answer = now_ms(), 0, 0, None
        while answer is None and not (attempts and self.stop.is_set()):
            attempts += 1
            answer, heard = self._attempt(node, method, path, headers, body, patience_s)
            unanswered += not heard
            node = (node + 1) % len(self._commands)
            if answer is None:
                self.stop.wait(min(0.1 * attempts, 1.0))
        self.journals.acks.add(
            t=began, ended=now_ms(), client=self.number, attempts=attempts, unanswered=unanswered, method=method,
            path=path, body=body, sub=sub, key=key, status=answer.status if answer else None,
            answer=answer.body if answer else None, etag=answer.headers.get("ETag") if answer else None,
            position=answer.position if answer else "")
        if answer and answer.status < 300 and repeat:
            self._repeat(answer, node, method, path, headers, body, patience_s)
        return answer

    def read(self, path: str, role: str, sub: str = "", position: str = "", at_least: int = 0,
             order_token: str = "") -> dict | None:
        """The row, from either replica; nothing if it is not there or cannot be had now. With a position it may not be
        older than `at_least`, a version."""
        headers = self._headers(role, sub, order_token) | ({"Everfold-Position": position} if position else {})
        url = self.rng.choice(self._queries)
        try:
            answer = ask(url, "GET", path, headers, None, 15)
        except BROKEN:
            self.journals.reads["broken"] += 1
            return None
        if answer.status in _LATER:
            self.journals.reads["later"] += 1
            return None
        if answer.status not in (200, 404) or (position and answer.status == 404) or (
                position and answer.version < at_least):
            self.violation("a read that is wrong or too old", url=url, path=path, sent=position, expected=at_least,
                           status=answer.status, version=answer.version, answer=answer.body)
        elif position:
            self.journals.reads["fresh"] += 1
        return answer.body if answer.status == 200 else None

    def violation(self, finding: str, **details) -> None:
        self.journals.violations.add(t=now_ms(), client=self.number, finding=finding, **details)

    def _attempt(self, node: int, method, path, headers, body, patience_s) -> tuple[Answer | None, bool]:
        """The definite answer, if any; and whether anything was heard at all."""
        try:
            answer = ask(self._commands[node], method, path, headers, body, patience_s)
        except BROKEN:
            return None, False
        if answer.status in _EXPECTED:
            return answer, True
        if answer.status not in _LATER:
            self.violation("an answer that nobody may get", node=self._commands[node], method=method, path=path,
                           body=body, key=headers["Idempotency-Key"], status=answer.status, answer=answer.body)
        return None, True

    def _repeat(self, first: Answer, node: int, method, path, headers, body, patience_s) -> None:
        for attempt in range(5):
            again, _ = self._attempt((node + attempt) % len(self._commands), method, path, headers, body, patience_s)
            if again:
                self.journals.repeats += 1
                if (again.status, again.raw) != (first.status, first.raw):
                    self.violation("another answer to the same key", method=method, path=path,
                                   key=headers["Idempotency-Key"], first=[first.status, first.body],
                                   again=[again.status, again.body])
                return
            if self.stop.wait(0.5):
                return

    def _headers(self, role: str, sub: str, order_token: str) -> dict[str, str]:
        headers = {"Everfold-Order-Token": order_token} if order_token else {}
        if role:
            headers["Authorization"] = "Bearer " + self._token(role, sub)
        return headers

    def _token(self, role: str, sub: str) -> str:
        if (role, sub) not in self._tokens:
            self._tokens[role, sub] = tokens.token(self._secret, role, sub)
        return self._tokens[role, sub]
