"""Processes are started once, recognised as ours or not, replaced when outdated, and leave nothing behind."""

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

import everfold_dev  # noqa: F401  (puts deploy/dev on the path)
from processes import Service, Supervisor, group_members, process_stat
from settings import Settings
from terminal import Failure
from ports import free_ports


class Processes(unittest.TestCase):
    def setUp(self):
        self.home = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="everfold-processes-")))
        self.settings = Settings(self.home, "", {}, {})
        self.settings.logs.mkdir()
        self.supervisor = Supervisor(self.settings)
        self.addCleanup(self.supervisor.stop, ["sleeper"], 0.1)

    def sleeper(self, **changes) -> Service:
        given = {"name": "sleeper", "argv": ["/usr/bin/sleep", "600"], "port": free_ports(1)[0], "url": "",
                 "waiting_for": lambda: None}
        return Service(**{**given, **changes})

    def pid(self) -> int | None:
        record = self.supervisor.running("sleeper")
        return record.pid if record else None

    def test_started_once_in_a_session_of_its_own(self):
        service = self.sleeper()
        self.assertTrue(self.supervisor.ensure(service))
        first = self.pid()
        self.assertFalse(self.supervisor.ensure(service))
        self.assertEqual(self.pid(), first)
        self.assertEqual(os.getsid(first), first)

    def test_started_again_after_a_kill(self):
        service = self.sleeper()
        self.supervisor.ensure(service)
        first = self.pid()
        os.kill(first, signal.SIGKILL)
        self.wait_until(lambda: self.pid() is None)
        self.assertTrue(self.supervisor.ensure(service))
        self.assertNotEqual(self.pid(), first)

    def test_a_pid_that_belongs_to_somebody_else_is_not_ours(self):
        self.supervisor.ensure(self.sleeper())
        path = self.home / "run/sleeper.json"
        record = json.loads(path.read_text())
        ours = record["pid"]
        self.addCleanup(os.kill, ours, signal.SIGKILL)
        path.write_text(json.dumps({**record, "pid": os.getpid()}))  # lives, but began at another time
        self.assertIsNone(self.pid())
        self.assertEqual(self.supervisor.stop(["sleeper"]), [])      # or this test would have been its last

    def test_a_record_from_before_the_last_boot_is_not_believed(self):
        self.supervisor.ensure(self.sleeper())
        path = self.home / "run/sleeper.json"
        record = json.loads(path.read_text())
        self.addCleanup(os.kill, record["pid"], signal.SIGKILL)
        path.write_text(json.dumps({**record, "boot": "another"}))
        self.assertIsNone(self.pid())

    def test_replaced_when_its_program_is_built_anew(self):
        binary = self.home / "sleeper"
        shutil.copy("/usr/bin/sleep", binary)
        service = self.sleeper(argv=[str(binary), "600"])
        self.supervisor.ensure(service)
        first = self.pid()
        binary.unlink()
        shutil.copy("/usr/bin/sleep", binary)
        self.assertTrue(self.supervisor.ensure(service))
        self.assertNotEqual(self.pid(), first)

    def test_replaced_when_its_configuration_changed(self):
        service = self.sleeper(configuration="a")
        self.supervisor.ensure(service)
        self.assertFalse(self.supervisor.ensure(service))
        self.assertTrue(self.supervisor.ensure(self.sleeper(configuration="b")))

    def test_one_that_ignores_sigterm_is_killed(self):
        stubborn = ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
                    " print('deaf', flush=True); time.sleep(600)")
        self.supervisor.ensure(self.sleeper(argv=[sys.executable, "-c", stubborn]))
        pid = self.pid()
        self.wait_until(lambda: "deaf" in self.supervisor.log("sleeper").read_text())
        self.assertEqual(self.supervisor.stop(["sleeper"], patience_s=0.2), ["sleeper"])
        self.wait_until(lambda: process_stat(pid) is None)

    def test_what_a_killed_process_leaves_behind_is_ended(self):
        self.supervisor.ensure(self.sleeper(argv=["/bin/sh", "-c", "sleep 600 & sleep 600 & wait"]))
        leader = self.pid()
        self.wait_until(lambda: len(group_members(leader)) == 3)
        os.kill(leader, signal.SIGKILL)
        self.wait_until(lambda: self.pid() is None)
        self.assertEqual(len(group_members(leader)), 2)
        self.supervisor.stop(["sleeper"])
        self.assertEqual(group_members(leader), [])

    def test_a_taken_port_is_said_before_anything_starts(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            with self.assertRaisesRegex(Failure, "taken by another process"):
                self.supervisor.ensure(self.sleeper(port=other.getsockname()[1]))
        self.assertIsNone(self.pid())

    def test_one_that_ends_while_starting_shows_its_log(self):
        service = self.sleeper(argv=["/bin/sh", "-c", "echo no disk left; exit 1"], waiting_for=lambda: "not yet")
        with self.assertRaises(Failure) as failed:
            self.supervisor.ensure(service)
            self.supervisor.await_ready([service], 5, lambda _: None)
        self.assertIn("  | no disk left", failed.exception.evidence)

    def wait_until(self, condition):
        deadline = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
