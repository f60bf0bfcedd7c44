"""A shop of its own for a flow test: the real programs on free ports, on the Kafka that KAFKA_BROKERS names, under a prefix of
their own; and a client of the HTTP contract. Reads go to the query API, everything else to the command side, as the gateway
would send them. Every wait has a deadline."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "deploy/dev"))
from ports import free_ports  # noqa: E402

PROGRAMS = ("command", "projector", "query", "saga")


def until(what, condition, seconds=20.0):
    """The condition's value as soon as it is truthy; the test fails when it is not within the time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.raw = body
        self.body = json.loads(body) if body else None

    def __getitem__(self, field):
        return self.body[field]

    def __repr__(self):
        return f"{self.status} {self.raw[:300]!r}"


class Shop:
    def __init__(self, binaries, partitions=4, payment_timeout_s=900):
        self.binaries = Path(binaries).absolute()
        self.directory = tempfile.TemporaryDirectory(prefix="everfold-flow-")
        self.home = Path(self.directory.name)
        programs = (*PROGRAMS, "command-2")  # a second node, started by name
        self.ports = dict(zip(programs, free_ports(len(programs))))
        self.processes = {}
        self.secret = secrets.token_hex(32)
        (self.home / "secret").write_text(self.secret)
        (self.home / "secret").chmod(0o600)
        self.environment = {
            **os.environ,
            "EVERFOLD_BROKERS": os.environ["KAFKA_BROKERS"],
            "EVERFOLD_PREFIX": "flow-" + uuid.uuid4().hex[:12],
            "EVERFOLD_PARTITIONS": str(partitions),
            "EVERFOLD_VIEWS_DIR": str(self.home / "views"),
            "EVERFOLD_SECRET_FILE": str(self.home / "secret"),
            "EVERFOLD_PAYMENT_TIMEOUT_S": str(payment_timeout_s),
        }
        self.admin = self.token("admin")

    # ---- the programs ----

    def start(self, *programs):
        self.launch(*programs)
        for program in programs or PROGRAMS:
            self.await_ready(program)
        return self

    def launch(self, *programs):
        for program in programs or PROGRAMS:
            with open(self.home / f"{program}.log", "ab") as log:
                self.processes[program] = subprocess.Popen(
                    [self.binaries / f"everfold-{program.removesuffix('-2')}", "--http-port", str(self.ports[program])],
                    env={**self.environment, "EVERFOLD_DATA_DIR": str(self.state(program))},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def state(self, program):
        return self.home / "state" / program

    def await_ready(self, program):
        def ready():
            if self.processes[program].poll() is not None:
                raise AssertionError(f"{program} ended:\n{self.log_tail(program)}")
            try:
                return self.request(program, "GET", "/readyz").status == 200
            except OSError:
                return False
        try:
            until(f"{program} is ready", ready, 60)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log_tail(program)}") from None

    def log_tail(self, program):
        """The end of its log; a sanitizer's report, if there is one, from its beginning."""
        lines = (self.home / f"{program}.log").read_text(errors="replace").splitlines(keepends=True)
        report = next((i for i, line in enumerate(lines) if "Sanitizer: " in line or "runtime error: " in line), None)
        return "".join(lines[-15:] if report is None else lines[report:report + 60])

    def kill(self, program):
        self.processes[program].send_signal(signal.SIGKILL)
        self.processes[program].wait(10)

    def stop(self, *programs):
        for program in programs or PROGRAMS:
            process = self.processes.get(program)
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for program in programs or PROGRAMS:
            process = self.processes.get(program)
            if process:
                try:
                    code = process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise AssertionError(f"{program} does not stop on SIGTERM:\n{self.log_tail(program)}") from None
                self.check_ended(program, code)

    def check_ended(self, program, code):
        """Well, or killed by a test: an assertion that fails, or a sanitizer that finds something, says so here."""
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"{program} ended with {code}:\n{self.log_tail(program)}")

    def close(self):
        try:
            for program, process in self.processes.items():
                if process.poll() is not None:
                    self.check_ended(program, process.returncode)
        finally:
            for process in self.processes.values():
                if process.poll() is None:
                    process.kill()
                    process.wait(10)
            self.directory.cleanup()

    # ---- the client ----

    def token(self, role, sub=None, **claims):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
        now = int(time.time())
        payload = {"sub": sub or f"{role}-1", "email": "x@example.org", "name": role, "roles": [role], "permissions": [],
                   "iat": now, "exp": now + 3600, "iss": "ecommerce-auth", "aud": "ecommerce-services", **claims}
        signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(payload)
        signature = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def request(self, program, method, path, body=None, headers=None, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[program], timeout=timeout)
        try:
            data = json.dumps(body).encode() if body is not None else None
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            raw = response.read()
            kind = response.getheader("Content-Type") or ""
            return Answer(response.status, response.getheaders(), raw) if "json" in kind or not raw else \
                Answer(response.status, response.getheaders(), b"")
        finally:
            connection.close()

    def call(self, method, path, body=None, token=None, key=None, position=None, headers=None):
        given = dict(headers or {})
        if token:
            given["Authorization"] = "Bearer " + token
        if key:
            given["Idempotency-Key"] = key
        if position:
            given["Everfold-Position"] = position
        return self.request("query" if method == "GET" else "command", method, path, body, given)

    def patiently(self, method, path, body=None, token=None, key=None, seconds=40):
        """As a client should: the same key again after a 503 or a broken connection."""
        key = key or uuid.uuid4().hex

        def attempt():
            try:
                answer = self.call(method, path, body, token, key)
            except (OSError, http.client.HTTPException):
                return None
            return answer if answer.status not in (503, 429) else None
        return until(f"{method} {path} answers", attempt, seconds)

    # ---- the vocabulary ----

    def product(self, price=1000, stock=10, currency="USD"):
        sku = "SKU-" + uuid.uuid4().hex[:10]
        created = self.patiently("POST", "/api/products", {"sku": sku, "name": "Thing " + sku, "status": "active",
                                                           "price": {"amount": price, "currency": currency}}, self.admin)
        assert created.status == 201, created
        if stock:
            received = self.patiently("POST", f"/api/inventory/{sku}/receipts", {"quantity": stock}, self.admin)
            assert received.status == 200, received
        return sku

    def cart(self, lines, token=None):
        created = self.patiently("POST", "/api/carts", {"currency": "USD"}, token)
        assert created.status == 201, created
        for sku, quantity in lines:
            added = self.patiently("POST", f"/api/carts/{created['id']}/items", {"sku": sku, "quantity": quantity}, token)
            assert added.status in (200, 201, 204), added
        return created["id"]

    def checkout(self, cart, method="approve", token=None, key=None):
        return self.call("POST", f"/api/carts/{cart}/checkout", {"payment": {"provider": "sandbox", "method": method}}, token, key)

    def buy(self, lines, method="approve", token=None):
        answer = self.checkout(self.cart(lines, token), method, token, uuid.uuid4().hex)
        assert answer.status == 201, answer
        return answer["orderId"]

    def order(self, order_id):
        return self.call("GET", f"/api/orders/{order_id}", token=self.admin)

    def order_becomes(self, order_id, *statuses, seconds=30):
        def reached():
            try:
                answer = self.order(order_id)
            except OSError:
                return None
            return answer.body if answer.status == 200 and answer["status"] in statuses else None
        try:
            return until(f"order {order_id} is {statuses}", reached, seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}; it is {self.order(order_id)}") from None

    def stock(self, sku):
        answer = self.call("GET", f"/api/inventory/{sku}", token=self.admin)
        return (answer["onHand"], answer["reserved"], answer["available"]) if answer.status == 200 else answer

    def stock_becomes(self, sku, levels, seconds=20):
        try:
            until("", lambda: self.stock(sku) == levels, seconds)
        except AssertionError:
            raise AssertionError(f"the stock of {sku} is {self.stock(sku)}, not {levels}") from None


def binaries_from_arguments():
    """The build's bin/ directory is the test program's first argument."""
    return sys.argv.pop(1)
