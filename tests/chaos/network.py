"""The network between each site and the brokers, which can be harmed and healed. proxy.py is the network."""

import json
import subprocess
import sys
import threading
from pathlib import Path


class Network:
    def __init__(self, routes: list[str], log: Path):
        self._mutex = threading.Lock()
        with log.open("ab") as output:
            self._proxy = subprocess.Popen([sys.executable, Path(__file__).with_name("proxy.py"), *routes], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output,
                                           start_new_session=True)  # Ctrl-C is not for it
        self._expect("ready")

    def set(self, site: str, mode: str, **more) -> None:
        """See proxy.py for the modes. Holds when this returns."""
        with self._mutex:
            self._proxy.stdin.write(json.dumps({"site": site, "mode": mode, **more}) + "\n")
            self._proxy.stdin.flush()
            self._expect("ok")

    def heal(self, site: str) -> None:
        self.set(site, "open")

    def stop(self) -> None:
        if self._proxy.poll() is None:
            self._proxy.kill()
            self._proxy.wait()

    def _expect(self, word: str) -> None:
        answer = self._proxy.stdout.readline().strip()
        if answer != word:
            raise RuntimeError(f"the proxy said {answer!r} instead of {word!r}")
