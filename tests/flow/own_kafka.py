"""A broker for one test alone, for tests that stop it: on free ports, its data in a directory that goes away with it."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/dev"))

import kafka
from ports import free_ports
from shop import until


class OwnKafka:
    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="everfold-own-kafka-")
        home = Path(self.directory.name)
        port, controller_port = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        with (home / "kafka.log").open("wb") as log:
            self.process = subprocess.Popen(kafka.service(home, port, controller_port).argv, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        until("the broker answers", lambda: kafka.unreachable(self.address) is None, 60)

    def suspend(self):
        """It keeps its connections and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.directory.cleanup()
