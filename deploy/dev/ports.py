"""Ports for tests that stay ours while nothing listens on them: before a program has begun to, and while it is down.

Below the range from which the system takes the ports of outgoing connections: one of those, such as a client's that keeps
on trying to reach a broker that is down, may otherwise be given that very port. In blocks, one a run, so that runs side
by side do not meet.
"""

import fcntl
import socket
import tempfile
from pathlib import Path

_FIRST, _LAST, _BLOCK = 12_000, 32_000, 50


class Ports:
    def __init__(self):
        for first in range(_FIRST, _LAST, _BLOCK):
            lock = open(Path(tempfile.gettempdir()) / f"everfold-ports-{first}", "w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            if all(_free(port) for port in range(first, first + _BLOCK)):
                self._lock = lock  # the block is ours while this is open
                self._next, self._end = first, first + _BLOCK
                return
            lock.close()
        raise RuntimeError(f"no {_BLOCK} free ports in a row between {_FIRST} and {_LAST}")

    def left(self) -> int:
        return self._end - self._next

    def take(self) -> int:
        port = self._next
        assert port < self._end, "the block of ports is too small for this system"
        self._next += 1
        return port

    def close(self) -> None:
        self._lock.close()


_of_this_process: list[Ports] = []


def free_ports(count: int) -> list[int]:
    """Ours until this process ends."""
    taken = []
    while len(taken) < count:
        if not _of_this_process or not _of_this_process[-1].left():
            _of_this_process.append(Ports())
        taken.append(_of_this_process[-1].take())
    return taken


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
