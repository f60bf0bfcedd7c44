"""The chaos test's own hands: the network harms what it is told to, a schedule follows from its seed, clients insist and
notice what nobody may be told."""

import json
import random
import socket
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nemesis
from client import Client, Journals
from damage import damage
from network import Network
from ports import Ports
from run import says_why


class Echo:
    """A "broker" that sends back what it gets."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    @staticmethod
    def echo(connection):
        try:
            while data := connection.recv(4096):
                connection.sendall(data)
        except OSError:  # cut off
            connection.close()


class TheNetwork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        ports = Ports()
        cls.addClassCleanup(ports.close)
        cls.front, behind = ports.take(), ports.take()
        cls.echo = Echo(behind)
        cls.network = Network([f"{cls.front}:{behind}:A"], Path(cls.directory.name) / "proxy.log")
        cls.addClassCleanup(cls.network.stop)

    def setUp(self):
        self.addCleanup(self.network.heal, "A")
        self.connection = socket.create_connection(("127.0.0.1", self.front), timeout=10)
        self.addCleanup(self.connection.close)
        self.assertEqual(self.said("first"), "first")

    def said(self, text=""):
        self.connection.sendall(text.encode())
        return self.connection.recv(4096).decode()

    def hears_nothing(self):
        self.connection.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.connection.recv(1)
        self.connection.settimeout(10)

    def test_what_is_held_arrives_when_the_network_heals(self):
        for ways in ({}, {"up": True, "down": False}, {"up": False, "down": True}):
            self.network.set("A", "hold", **ways)
            self.connection.sendall(b"late")
            self.hears_nothing()
            self.network.heal("A")
            self.assertEqual(self.said(), "late")

    def test_what_is_swallowed_is_lost_and_its_connection_too(self):
        self.network.set("A", "swallow", up=False, down=True)
        self.connection.sendall(b"lost")
        self.hears_nothing()
        self.network.heal("A")
        with self.assertRaises(ConnectionError):
            self.said()

    def test_a_cut_is_noticed_at_once_by_old_and_new_connections(self):
        self.network.set("A", "cut")
        with self.assertRaises(ConnectionError):
            self.said()
        with self.assertRaises(ConnectionError):
            with socket.create_connection(("127.0.0.1", self.front), timeout=10) as fresh:
                fresh.sendall(b"x")
                if not fresh.recv(1):
                    raise ConnectionError("closed")


class TheSchedule(unittest.TestCase):
    @staticmethod
    def shown(seed, seconds):
        return [(f.at_s, f.kind, f.target, f.for_s, f.rng.random()) for f in nemesis.schedule(seed, seconds)]

    def test_follows_from_the_seed(self):
        self.assertEqual(self.shown(1, 600), self.shown(1, 600))
        self.assertEqual(self.shown(1, 60), self.shown(1, 600)[:len(self.shown(1, 60))])
        self.assertNotEqual(self.shown(1, 60), self.shown(2, 60))

    def test_ten_minutes_have_a_hundred_faults_of_every_kind(self):
        for seed in range(20):
            faults = nemesis.schedule(seed, 600)
            self.assertGreaterEqual(len(faults), 120)
            self.assertGreaterEqual(len({fault.kind for fault in faults}), len(nemesis._KINDS) - 1)


class Node(ThreadingHTTPServer):
    """Answers with what it is given, one after the other, and remembers the keys."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.keys = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.keys.append(self.headers["Idempotency-Key"])
        status, body = self.server.answers.pop(0)
        if not status:
            return self.connection.shutdown(socket.SHUT_RDWR)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class TheClient(unittest.TestCase):
    class Choices(random.Random):
        """Begins at the first node; repeats an acknowledged command when told to."""
        repeats = False

        def randrange(self, *_):
            return 0

        def random(self):
            return 0.0 if self.repeats else 1.0

        def getrandbits(self, count):  # what choice() draws from
            return super().getrandbits(count)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.journals = Journals(Path(directory.name))
        self.addCleanup(self.journals.close)
        self.rng = self.Choices(1)

    def client(self, commands, queries=()):
        for node in (*commands, *queries):
            self.addCleanup(node.server_close)
            self.addCleanup(node.shutdown)
        return Client(7, self.rng, "s" * 64, [node.url for node in commands], [node.url for node in queries], self.journals,
                      threading.Event())

    def written(self, journal):
        return [json.loads(line) for line in journal.path.read_text().splitlines()]

    def test_insists_with_one_key_at_every_node_until_there_is_a_definite_answer(self):
        first, second = Node((503, {}), (429, {})), Node((0, None), (201, {"id": "x"}))
        answer = self.client([first, second]).command("POST", "/api/carts", {"currency": "USD"})
        self.assertEqual((answer.status, answer.body), (201, {"id": "x"}))
        self.assertEqual(len(set(first.keys + second.keys)), 1)
        (ack,) = self.written(self.journals.acks)
        self.assertEqual((ack["status"], ack["attempts"], ack["unanswered"]), (201, 4, 1))
        self.assertEqual(self.written(self.journals.violations), [])

    def test_notices_an_answer_that_nobody_may_get(self):
        self.client([Node((500, {}), (200, {}))]).command("POST", "/api/carts")
        self.assertEqual([v["finding"] for v in self.written(self.journals.violations)], ["an answer that nobody may get"])

    def test_notices_another_answer_to_the_same_key(self):
        self.rng.repeats = True
        self.client([Node((201, {"id": "x"}), (503, {}), (201, {"id": "y"}))]).command("POST", "/api/carts")
        self.assertEqual([v["finding"] for v in self.written(self.journals.violations)], ["another answer to the same key"])

    def test_notices_a_read_that_is_too_old_and_takes_a_503(self):
        client = self.client([], [Node((503, {}), (404, {}), (200, {}))])
        for _ in range(3):
            client.read("/api/carts/x", "", position="carts.0:9", at_least=2)
        self.assertEqual([v["status"] for v in self.written(self.journals.violations)], [404, 200])


class TheRest(unittest.TestCase):
    def test_damage_changes_exactly_one_file(self):
        for seed in range(30):
            with tempfile.TemporaryDirectory() as name:
                files = {Path(name) / f"{n}.sst": bytes(range(200)) for n in range(3)}
                for path, data in files.items():
                    path.write_bytes(data)
                done = damage(Path(name), random.Random(seed))
                changed = [path for path, data in files.items() if not path.exists() or path.read_bytes() != data]
                self.assertEqual(len(changed), 1, done)

    def test_a_death_needs_a_sentence(self):
        self.assertTrue(says_why({"exit": 1, "said": "everfold-saga: the disk is full"}))
        self.assertTrue(says_why({"exit": -6, "said": "everfold stops: out of memory"}))
        self.assertFalse(says_why({"exit": -6, "said": "everfold-saga: x.h:312: Assertion `y' failed."}))
        self.assertTrue(says_why({"exit": -6, "said": "everfold-saga: rdkafka_broker.c:4616: rd_kafka_broker_destroy_final: Assertion "
                                                      "`thrd_is_current(rkb->rkb_thread)' failed."}))
        self.assertFalse(says_why({"exit": -11, "said": ""}))
        self.assertFalse(says_why({"exit": 0, "said": ""}))


if __name__ == "__main__":
    unittest.main()
