"""The gateway as a client meets it: a real nginx, configured as `./dev up` does, in front of programs that echo."""

import http.client
import http.server
import json
import socket
import tempfile
import threading
import unittest
import unittest.mock
from contextlib import contextmanager
from pathlib import Path

import everfold_dev  # noqa: F401  (puts deploy/dev on the path)
import gateway
from processes import Supervisor
from settings import Settings
from ports import free_ports


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, so that a test sees what came through."""
    protocol_version = "HTTP/1.1"

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/waits" in self.path:
            self.server.waiting.release()
            self.server.go_on.wait(10)
        if "/dies" in self.path:
            self.close_connection = True
            return
        answer = json.dumps({"program": self.server.program, "method": self.command, "path": self.path,
                             "bodyLength": len(body), "connection": self.client_address[1],
                             "headers": {name.lower(): value for name, value in self.headers.items()}}).encode()
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(answer), "ETag": '"3"',
                            "Everfold-Position": "orders.3:17"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, *_):
        pass


def start_echo(program: str, port: int) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Echo)
    server.daemon_threads = True
    server.program = program
    server.waiting, server.go_on = threading.Semaphore(0), threading.Event()  # of /waits
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def stop_echo(server: http.server.ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()


class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="everfold-gateway-"))
        names = ("gateway", "command", "query")
        cls.ports = dict(zip(names, free_ports(len(names))))
        settings = Settings(home=Path(directory), preset="", environment={}, ports=cls.ports)
        settings.logs.mkdir()
        for program in ("command", "query"):
            cls.addClassCleanup(stop_echo, start_echo(program, cls.ports[program]))
        cls.supervisor = Supervisor(settings)
        cls.service = gateway.service(settings)
        cls.addClassCleanup(cls.supervisor.stop, ["gateway"])
        cls.supervisor.ensure(cls.service)
        cls.supervisor.await_ready([cls.service], 10, lambda _: None)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["gateway"], timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        return answer, json.loads(content) if content else None

    def ask_raw(self, request: bytes):
        """Status and body of whatever comes back for these bytes."""
        with socket.create_connection(("127.0.0.1", self.ports["gateway"]), timeout=10) as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer, json.loads(answer.read())

    def assert_refused(self, reply, status, error):
        answer, body = reply
        self.assertEqual(answer.status, status, body)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(set(body), {"error", "message", "details", "traceId"})
        self.assertEqual(body["error"], error)
        self.assertRegex(body["traceId"], "^[0-9a-f]{32}$")
        self.assertTrue(answer.headers["X-Correlation-ID"])
        self.assertNotRegex(answer.headers["Server"] or "", "[0-9]")

    def test_reads_go_to_query_and_commands_to_command(self):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.assertEqual(self.ask(method, "/api/orders/1")[1]["program"], "command")
        self.assertEqual(self.ask("GET", "/api/orders/1")[1]["program"], "query")
        self.assertEqual(self.ask("GET", "/openapi.json")[1]["program"], "query")
        answer, body = self.ask("HEAD", "/api/orders/1")
        self.assertEqual((answer.status, body), (200, None))

    def test_the_path_arrives_as_it_was_sent(self):
        for path in ("/api/orders/a%2Fb", "/api//orders", "/api/orders/%C3%A9?search=%20x&page=1", "/api/carts/a%20b"):
            self.assertEqual(self.ask("GET", path)[1]["path"], path)

    def test_headers_of_the_contract_pass_both_ways(self):
        sent = {"Authorization": "Bearer x", "If-Match": '"1"', "If-None-Match": '"2"', "Idempotency-Key": "k",
                "Everfold-Position": "p", "Everfold-Order-Token": "t", "X-Correlation-ID": "c",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        answer, body = self.ask("POST", "/api/carts", b"{}", sent)
        for name, value in sent.items():
            self.assertEqual(body["headers"].get(name.lower()), value)
        self.assertEqual((answer.headers["ETag"], answer.headers["Everfold-Position"]), ('"3"', "orders.3:17"))

    def test_connections_to_the_programs_are_kept(self):
        self.assertEqual(len({self.ask("GET", "/api/orders")[1]["connection"] for _ in range(20)}), 1)

    def test_unknown_address_is_404(self):
        for path in ("/", "/api", "//api/orders", "/metrics", "/api/../metrics", "/@503"):
            self.assert_refused(self.ask("GET", path), 404, "NotFound")

    def test_other_methods_are_405(self):
        for method in ("OPTIONS", "TRACE", "BREW"):
            reply = self.ask(method, "/api/orders")
            self.assert_refused(reply, 405, "MethodNotAllowed")
            self.assertEqual(reply[0].headers["Allow"], "GET, HEAD, POST, PUT, PATCH, DELETE")
        reply = self.ask("POST", "/openapi.json")
        self.assert_refused(reply, 405, "MethodNotAllowed")
        self.assertEqual(reply[0].headers["Allow"], "GET, HEAD")

    def test_what_is_too_large_is_refused_in_our_form(self):
        self.assertEqual(self.ask("POST", "/api/carts", b"x" * 1_500_000)[1]["bodyLength"], 1_500_000)
        announced = b"POST /api/carts HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n"
        self.assert_refused(self.ask_raw(announced), 413, "PayloadTooLarge")
        large = {"X-Large": "x" * 40_000}
        self.assert_refused(self.ask("GET", "/api/orders", headers=large), 431, "RequestHeadersTooLarge")
        self.assert_refused(self.ask("GET", "/api/" + "x" * 40_000), 414, "UriTooLong")

    def test_what_is_not_http_is_400(self):
        for request in (b"GARBAGE\r\n\r\n",
                        b"GET /api/orders HTTP/1.1\r\n\r\n",
                        b"GET /api/orders HTTP/3.0\r\nHost: a\r\n\r\n",
                        b"GET /api/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"GET /api/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"get /api/orders HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"POST /api/carts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n",
                        b"POST /api/carts HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"):
            with self.subTest(request):
                self.assert_refused(self.ask_raw(request), 400, "ValidationError")

    def test_the_callers_trace_and_correlation_are_kept(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        answer, body = self.ask("GET", "/nothing", headers={
            "X-Correlation-ID": "mine", "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        self.assertEqual((answer.headers["X-Correlation-ID"], body["traceId"]), ("mine", trace))

    def test_a_program_that_dies_while_answering_is_503(self):
        for method in ("GET", "POST"):
            reply = self.ask(method, "/api/dies")
            self.assert_refused(reply, 503, "Unavailable")
            self.assertIn(reply[0].headers["Retry-After"], {"1", "2", "3"})

    def test_a_program_that_is_back_is_used_at_once(self):
        answers = {}
        port = free_ports(1)[0]
        with self._gateway_before(port) as gateway_port:
            answers["gone"] = self._status(gateway_port)
            query = start_echo("query", port)
            answers["back"] = self._status(gateway_port)
            stop_echo(query)
        self.assertEqual(answers, {"gone": 503, "back": 200})

    def test_one_client_cannot_have_it_all(self):
        port = free_ports(1)[0]
        query = start_echo("query", port)
        self.addCleanup(stop_echo, query)
        self.enterContext(unittest.mock.patch.object(gateway, "CLIENT_REQUESTS", 2))
        with self._gateway_before(port) as gateway_port:
            def connect(address="127.0.0.1"):
                connection = http.client.HTTPConnection("127.0.0.1", gateway_port, 10, source_address=(address, 0))
                self.addCleanup(connection.close)
                return connection
            waiting = [connect(), connect()]
            for connection in waiting:
                connection.request("GET", "/api/waits")
                self.assertTrue(query.waiting.acquire(timeout=10))
            third = connect()
            third.request("GET", "/api/orders")
            answer = third.getresponse()
            self.assert_refused((answer, json.loads(answer.read())), 429, "TooManyRequests")
            self.assertIn(answer.headers["Retry-After"], {"1", "2", "3"})
            other = connect("127.0.0.2")
            other.request("GET", "/api/orders")
            self.assertEqual(other.getresponse().status, 200, "it is somebody else")
            query.go_on.set()
            for connection in waiting:
                self.assertEqual(connection.getresponse().status, 200)

    @contextmanager
    def _gateway_before(self, query_port):
        """A gateway of its own, so that the other tests keep theirs; its port."""
        with tempfile.TemporaryDirectory(prefix="everfold-gateway-") as directory:
            settings = Settings(Path(directory), "", {}, {**self.ports, "gateway": free_ports(1)[0], "query": query_port})
            settings.logs.mkdir()
            supervisor, service = Supervisor(settings), gateway.service(settings)
            try:
                supervisor.ensure(service)
                supervisor.await_ready([service], 10, lambda _: None)
                yield settings.ports["gateway"]
            finally:
                supervisor.stop(["gateway"])

    @staticmethod
    def _status(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/orders")
        status = connection.getresponse().status
        connection.close()
        return status


if __name__ == "__main__":
    unittest.main()
