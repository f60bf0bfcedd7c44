"""A Kafka of our own: one KRaft node, broker and controller, on loopback, from the jars of deploy/kafka/pom.xml."""

import base64
import hashlib
import shutil
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from processes import Service
from settings import ROOT
from terminal import Failure, Step

_POM = ROOT / "deploy/kafka/pom.xml"
_LOG4J = ROOT / "deploy/kafka/log4j2.xml"
_JARS = ROOT / "build/kafka"

_PROPERTIES = """\
# Written by ./dev; deploy/dev/kafka.py says why.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}

# One node: nothing can be replicated.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# A shop's log is its truth: a topic exists because somebody made it, and nothing in it expires.
auto.create.topics.enable=false
log.retention.ms=-1
log.retention.bytes=-1

# Few groups and few members: small internal topics load at once, and nobody else is about to join.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
# Programs are given 2 s (SESSION_TIMEOUT_MS): a node that was killed is replaced the sooner.
group.min.session.timeout.ms=500
"""


# What our own broker allows and a cluster with default settings would not.
SESSION_TIMEOUT_MS = "2000"


def install() -> None:
    """Copies Kafka's jars out of Maven Central, once for each state of the pom."""
    stamp = _JARS / "installed-from"
    wanted = hashlib.sha256(_POM.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    log = ROOT / "build/kafka-install.log"
    log.parent.mkdir(exist_ok=True)
    with Step("kafka jars") as step:
        shutil.rmtree(_JARS, ignore_errors=True)
        command = ["mvn", "--batch-mode", "--file", _POM, "dependency:copy-dependencies", "-DincludeScope=runtime",
                   f"-DoutputDirectory={_JARS}"]
        with log.open("w") as output:
            if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT).returncode:
                raise Failure("Maven could not fetch Kafka's jars", log)
        stamp.write_text(wanted)
        step.done(f"{len(list(_JARS.glob('*.jar')))} jars in build/kafka")


def service(directory: Path, port: int, controller_port: int) -> Service:
    """The broker that keeps its data in `directory`; formats the directory the first time."""
    properties = _PROPERTIES.format(port=port, controller_port=controller_port, data=directory / "data")
    properties_file = directory / "server.properties"
    directory.mkdir(parents=True, exist_ok=True)
    properties_file.write_text(properties)
    if not (directory / "data/meta.properties").exists():
        format_storage(directory, properties_file, new_cluster_id())
    # Both of the JVM's compilers: 10 to 20 % faster under load than TieredStopAtLevel=1, and as quick to start.
    argv = java("-Xmx512m", "-XX:+UseSerialGC", "kafka.Kafka", str(properties_file))
    return Service("kafka", argv, port, f"kafka://127.0.0.1:{port}", lambda: unreachable(f"127.0.0.1:{port}"),
                   configuration=properties)


def unreachable(brokers: str) -> str | None:
    """None when one of the brokers (host:port, comma-separated) answers a metadata request with a live cluster."""
    reason = "no broker named"
    for broker in brokers.split(","):
        host, _, port = broker.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=3) as connection:
                if _brokers_alive(connection) > 0:
                    return None
                reason = f"{broker} knows of no live broker yet"
        except (OSError, ValueError, struct.error) as error:
            reason = f"{broker}: {error}"
    return reason


def _brokers_alive(connection: socket.socket) -> int:
    """Metadata request, version 4, for no topics; answered by size, correlation id, throttle time, brokers…"""
    client = b"everfold-dev"
    request = struct.pack(f">hhih{len(client)}si?", 3, 4, 1, len(client), client, 0, False)
    connection.sendall(struct.pack(">i", len(request)) + request)
    answer = b""
    while len(answer) < 16:
        received = connection.recv(4096)
        if not received:
            raise OSError("closed the connection")
        answer += received
    return struct.unpack(">iiii", answer[:16])[3]


def new_cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")


def format_storage(directory: Path, properties_file: Path, cluster_id: str) -> None:
    log = directory / "format.log"
    command = java("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties_file))
    with log.open("w") as output:
        if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT).returncode:
            raise Failure(f"Kafka's data directory {directory / 'data'} could not be formatted", log)


def java(*arguments: str) -> list[str]:
    java = shutil.which("java")
    if not java:
        raise Failure("There is no java on the PATH, and Kafka needs one")
    return [java, f"-Dlog4j2.configurationFile={_LOG4J}", "-cp", f"{_JARS}/*", *arguments]
