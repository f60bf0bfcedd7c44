"""One or three Kafka brokers of the chaos test's own: KRaft, every node broker and controller, all on loopback.

Each broker has a direct listener (for its peers and the checker) and one a site, which it advertises at the proxy.
"""

import signal
import socket
import struct
import subprocess
from pathlib import Path

import everfold_dev  # noqa: F401  for the imports below
import kafka
from waiting import until

_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=DIRECT
listener.security.protocol.map={protocols}
listeners={listeners}
advertised.listeners={advertised}
log.dirs={data}

default.replication.factor={replicas}
offsets.topic.replication.factor={replicas}
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={min_isr}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={min_isr}
min.insync.replicas={min_isr}
auto.create.topics.enable=false
log.retention.ms=-1
log.retention.bytes=-1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4

# Sessions short enough for a test that takes minutes: of group members, and of brokers with the controller.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=5000

# Many brokers on few cores.
num.network.threads=2
num.io.threads=4
background.threads=2
"""
_START_S = 60


class Broker:
    """One node."""

    def __init__(self, node: int, directory: Path, properties: str, direct_port: int, log: Path):
        self.name = f"kafka-{node}"
        self.direct_port = direct_port
        self.log = log
        self.process = None
        self.starts = 0
        self._directory = directory
        self._properties_file = directory / "server.properties"
        directory.mkdir(parents=True)
        self._properties_file.write_text(properties)

    def format(self, cluster_id: str) -> None:
        kafka.format_storage(self._directory, self._properties_file, cluster_id)

    def start(self) -> None:
        command = kafka.java("-Xmx384m", "-XX:+UseSerialGC", "kafka.Kafka", str(self._properties_file))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            cwd=self._directory, start_new_session=True)  # Ctrl-C is not for it
        self.starts += 1

    def await_ready(self) -> None:
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}; its log: {self.log}")
            return kafka.unreachable(f"127.0.0.1:{self.direct_port}") is None
        until(f"{self.name} is up; its log: {self.log}", ready, _START_S)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def suspend(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.kill()  # a stopped process dies of it too


class Cluster:
    def __init__(self, directory: Path, logs: Path, count: int, sites: tuple[str, ...], take_port):
        self.replicas = count
        self.min_isr = 2 if count >= 3 else 1
        nodes = range(1, count + 1)
        controllers = {node: take_port() for node in nodes}
        direct = {node: take_port() for node in nodes}
        behind = {(site, node): take_port() for site in sites for node in nodes}
        in_front = {(site, node): take_port() for site in sites for node in nodes}
        self.routes = [f"{in_front[key]}:{behind[key]}:{key[0]}" for key in behind]  # what the proxy is told
        self.direct = ",".join(f"127.0.0.1:{direct[node]}" for node in nodes)
        self.through_proxy = {site: ",".join(f"127.0.0.1:{in_front[site, node]}" for node in nodes) for site in sites}
        self.brokers = []
        for node in nodes:
            own = {"DIRECT": direct[node], **{f"SITE_{site}": behind[site, node] for site in sites}}
            shown = {"DIRECT": direct[node], **{f"SITE_{site}": in_front[site, node] for site in sites}}
            properties = _PROPERTIES.format(
                node=node, voters=",".join(f"{n}@127.0.0.1:{port}" for n, port in controllers.items()),
                protocols=",".join(f"{name}:PLAINTEXT" for name in (*own, "CONTROLLER")),
                listeners=_addresses({**own, "CONTROLLER": controllers[node]}), advertised=_addresses(shown),
                data=directory / f"kafka-{node}/data", replicas=count, min_isr=self.min_isr)
            self.brokers.append(Broker(node, directory / f"kafka-{node}", properties, direct[node],
                                       logs / f"kafka-{node}.log"))

    def start(self) -> None:
        cluster_id = kafka.new_cluster_id()
        for broker in self.brokers:
            broker.format(cluster_id)
        for broker in self.brokers:
            broker.start()
        for broker in self.brokers:
            broker.await_ready()

    def stop(self) -> None:
        for broker in self.brokers:
            broker.stop()

    def whole(self) -> bool:
        """Every partition has a leader and all of its replicas in sync."""
        for broker in self.brokers:
            try:
                partitions = _partitions(broker.direct_port)
            except (OSError, struct.error):
                return False
            if any(leader < 0 or len(isr) < self.replicas for leader, isr in partitions):
                return False
        return True


def _addresses(ports: dict[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())


class _Bytes:
    """What a Kafka answer is made of."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def number(self, format_: str) -> int:
        (value,) = struct.unpack_from(">" + format_, self.data, self.at)
        self.at += struct.calcsize(">" + format_)
        return value

    def text(self) -> None:
        size = self.number("h")
        self.at += max(size, 0)

    def array(self, read) -> list:
        return [read() for _ in range(max(self.number("i"), 0))]


def _partitions(port: int) -> list[tuple[int, list[int]]]:
    """Leader (-1: none) and in-sync replicas of every partition, as this broker knows them. Metadata, version 4."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        client = b"everfold-chaos"
        request = struct.pack(f">hhih{len(client)}si?", 3, 4, 1, len(client), client, -1, False)
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _received(connection, 4))
        answer = _Bytes(_received(connection, size))
    answer.number("i"), answer.number("i")  # correlation id, throttle time
    answer.array(lambda: (answer.number("i"), answer.text(), answer.number("i"), answer.text()))  # brokers
    answer.text(), answer.number("i")  # cluster id, controller
    found = []

    def partition():
        answer.number("h"), answer.number("i")
        leader = answer.number("i")
        answer.array(lambda: answer.number("i"))
        found.append((leader, answer.array(lambda: answer.number("i"))))
    answer.array(lambda: (answer.number("h"), answer.text(), answer.number("b"), answer.array(partition)))
    return found


def _received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise OSError("closed the connection")
        data += more
    return data
