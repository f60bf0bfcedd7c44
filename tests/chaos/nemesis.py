"""What harms the system: a schedule of faults drawn from the run's seed, and the hands that carry it out."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from client import Journal
from damage import damage
from system import SITES, System
from waiting import now_ms, until

_GAP_S = (1.5, 4.5)     # between the beginnings of two faults
_CALM_EVERY = 10        # faults, and then the system may rest
_CALM_S = 8
_AT_A_TIME = 2
_WHOLE_S = 60           # until a cluster of brokers is whole again after one of them came back


@dataclass
class Fault:
    number: int
    at_s: float  # when it begins, in seconds after the first
    kind: str
    target: str
    for_s: float
    rng: random.Random  # of its own, so that what it draws under way changes nothing for the others


_PROGRAMS = [f"{kind}-{n}" for kind in ("command", "saga", "projector", "query") for n in (1, 2)]
_WRITERS = _PROGRAMS[:4]
_WITH_STATE = _PROGRAMS[:6]
_FULL_DISKS = {"command-1": "command-1", "saga-2": "saga-2", "views-b": "projector-2"}

# kind: (weight, targets, shortest and longest in seconds)
_KINDS = {
    "kill": (20, _PROGRAMS, (0.0, 3.0)),
    "pause": (16, _WRITERS * 2 + _PROGRAMS, (0.5, 8.0)),
    "terminate": (10, _PROGRAMS, (0.0, 2.0)),
    "broker-kill": (8, ["kafka"], (0.5, 4.0)),
    "broker-pause": (6, ["kafka"], (0.5, 6.0)),
    "cut": (7, SITES, (0.5, 6.0)),
    "hold": (7, SITES, (0.5, 8.0)),
    "half-cut": (6, SITES, (0.5, 8.0)),
    "swallow": (4, SITES, (0.5, 6.0)),
    "delay": (4, SITES, (2.0, 8.0)),
    "disk-full": (5, list(_FULL_DISKS), (1.0, 6.0)),
    "damage": (7, _WITH_STATE, (0.0, 1.0)),
    "blackout": (2, ["everything"], (0.0, 2.0)),
}


def schedule(seed: int, seconds: float) -> list[Fault]:
    """The same for the same seed: a longer run begins like a shorter one."""
    rng = random.Random(f"{seed} nemesis")
    faults, at_s = [], 0.0
    kinds, weights = list(_KINDS), [weight for weight, _, _ in _KINDS.values()]
    while at_s < seconds:
        kind = rng.choices(kinds, weights)[0]
        _, targets, lengths = _KINDS[kind]
        number = len(faults)
        faults.append(Fault(number, at_s, kind, rng.choice(list(targets)), rng.uniform(*lengths),
                            random.Random(f"{seed} fault {number}")))
        at_s += rng.uniform(*_GAP_S) + (_CALM_S if (number + 1) % _CALM_EVERY == 0 else 0)
    return faults


class Nemesis:
    """Each fault harms, waits, and heals what it harmed, in a thread of its own; a target suffers one at a time."""

    def __init__(self, system: System, faults: list[Fault], journal: Journal, tell: Callable[[str], None]):
        self.done = Counter()
        self.skipped = Counter()
        self.slow_stops = []
        self._system = system
        self._faults = faults
        self._journal = journal
        self._tell = tell
        self._active = threading.Semaphore(_AT_A_TIME)
        self._site_locks = {site: threading.Lock() for site in SITES}
        self._broker_lock = threading.Lock()
        self._failures = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nemesis", daemon=True)
        self._threads = []

    def start(self) -> None:
        self._thread.start()

    def await_end(self) -> None:
        """Until every fault is over and healed."""
        self._join()
        if self._failures:
            raise RuntimeError(f"a fault could not be carried out: {self._failures[0]}") from self._failures[0]

    def stop(self) -> None:
        """Now: faults that have begun are healed, the others never begin."""
        self._stop.set()
        self._join()

    def _join(self) -> None:
        if self._thread.ident:
            self._thread.join()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        for fault in self._faults:
            if self._stop.wait(max(0.0, began + fault.at_s - time.monotonic())) or self._failures:
                return
            self._active.acquire()
            thread = threading.Thread(target=self._carry_out, args=(fault,), name=f"fault {fault.number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _carry_out(self, fault: Fault) -> None:
        try:
            with ExitStack() as held:
                for lock in self._locks_of(fault):
                    held.enter_context(lock)
                began, began_ms = time.monotonic(), now_ms()
                self._tell(f"fault {fault.number}: {fault.kind} {fault.target} for {fault.for_s:.1f} s")
                more = getattr(self, "_" + fault.kind.replace("-", "_"))(fault)
                self._journal.add(t=began_ms, number=fault.number, fault=fault.kind, target=fault.target,
                                  lasted_ms=round((time.monotonic() - began) * 1000), **(more or {}))
                (self.skipped if more and "skipped" in more else self.done)[fault.kind] += 1
        except Exception as error:  # told by the main thread, in await_end()
            self._failures.append(error)
        finally:
            self._active.release()

    def _locks_of(self, fault: Fault) -> list[threading.Lock]:
        """Of what it harms. Only one kind of fault takes several, so that none waits for another's in a circle."""
        programs = self._system.programs
        if fault.kind == "blackout":
            return [self._broker_lock, *(program.lock for program in programs.values())]
        if fault.kind == "disk-full":
            return [programs[_FULL_DISKS[fault.target]].lock]
        if fault.target == "kafka":
            return [self._broker_lock]
        return [self._site_locks[fault.target] if fault.target in SITES else programs[fault.target].lock]

    def _last(self, fault: Fault) -> None:
        self._stop.wait(fault.for_s)

    # ---- programs ----

    def _kill(self, fault: Fault) -> None:
        program = self._system.programs[fault.target]
        program.kill()
        self._last(fault)
        program.start()

    def _pause(self, fault: Fault) -> None:
        program = self._system.programs[fault.target]
        program.suspend()
        self._last(fault)
        program.resume()

    def _terminate(self, fault: Fault) -> dict:
        program = self._system.programs[fault.target]
        took_s = program.terminate()
        if took_s is None:
            self.slow_stops.append(program.name)
            self._tell(f"{program.name} did not stop on SIGTERM")
        self._last(fault)
        program.start()
        return {"stopped_ms": round(took_s * 1000) if took_s is not None else None}  # None: it had to be killed

    def _blackout(self, fault: Fault) -> None:
        """All programs and brokers at once. What the brokers had in memory only is in the page cache still."""
        programs, brokers = self._system.programs.values(), self._system.cluster.brokers
        for victim in (*programs, *brokers):
            victim.kill()
        self._last(fault)
        for victim in (*brokers, *programs):
            victim.start()
        for broker in brokers:
            broker.await_ready()

    # ---- brokers ----

    def _broker_kill(self, fault: Fault) -> dict:
        broker = fault.rng.choice(self._system.cluster.brokers)
        broker.kill()
        self._last(fault)
        broker.start()
        broker.await_ready()
        return {"broker": broker.name, **self._await_whole(fault)}

    def _broker_pause(self, fault: Fault) -> dict:
        broker = fault.rng.choice(self._system.cluster.brokers)
        broker.suspend()
        self._last(fault)
        broker.resume()
        return {"broker": broker.name, **self._await_whole(fault)}

    def _await_whole(self, fault: Fault) -> dict:
        """Every second time the next broker's turn comes only when all replicas are in sync again."""
        if fault.rng.random() < 0.5:
            return {"whole": False}
        until("all replicas are in sync again", self._system.cluster.whole, _WHOLE_S, 0.2)
        return {"whole": True}

    # ---- the network ----

    def _cut(self, fault: Fault) -> None:
        self._harm_network(fault, "cut")

    def _hold(self, fault: Fault) -> None:
        self._harm_network(fault, "hold")

    def _half_cut(self, fault: Fault) -> dict:
        up = fault.rng.random() < 0.5
        self._harm_network(fault, fault.rng.choice(("hold", "swallow")), up=up, down=not up)
        return {"lost": "requests" if up else "answers"}

    def _swallow(self, fault: Fault) -> None:
        self._harm_network(fault, "swallow")

    def _delay(self, fault: Fault) -> dict:
        delay_ms = fault.rng.choice((20, 100, 400))
        self._harm_network(fault, "open", delay_ms=delay_ms)
        return {"delay_ms": delay_ms}

    def _harm_network(self, fault: Fault, mode: str, **more) -> None:
        self._system.network.set(fault.target, mode, **more)
        self._last(fault)
        self._system.network.heal(fault.target)

    # ---- disks ----

    def _disk_full(self, fault: Fault) -> dict:
        """Half of the time the program has to start on the full disk: RocksDB takes space for its log in advance."""
        disk = self._system.disks[fault.target]
        if not disk.small:
            return {"skipped": "no tmpfs may be mounted here"}
        program = self._system.programs[_FULL_DISKS[fault.target]]
        killed = fault.rng.random() < 0.5
        disk.fill()
        if killed:
            program.kill()
            program.start()
        self._last(fault)
        disk.free()
        return {"killed": killed}

    def _damage(self, fault: Fault) -> dict:
        program = self._system.programs[fault.target]
        program.kill()
        self._last(fault)
        done = damage(program.directories[0], fault.rng)
        program.start()
        return {"damage": done}


def heal_all(system: System) -> None:
    """Whatever is still harmed, after an interrupted run too."""
    for site in SITES:
        system.network.heal(site)
    for disk in system.disks.values():
        disk.free()
    for program in system.programs.values():
        program.resume()
    for broker in system.cluster.brokers:
        broker.resume()
