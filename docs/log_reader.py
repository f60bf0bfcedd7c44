"""Reads a log as docs/log-format.md says: Kafka's records in, accepted commits out. An example for every language.

It needs PyPI's confluent-kafka and protobuf, and `protoc --python_out=. schemas/log/v1/log.proto`.
"""
import re
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf.message import DecodeError
from schemas.log.v1.log_pb2 import TermStarted

class LogReader:
    """The table of "Reading", a record at a time. On "accepted", `commit` is the list of the commit's records."""
    def __init__(self, T=0, N=1):
        self.T, self.N, self.collected, self.parts, self.commit = T, N, [], 0, None

    def feed(self, record):
        if (mark := mark_of(record)) is None:
            if (term := term_of(record)) < 1: return "nobody's"
            if term <= self.T: return "ignored"
            self.T, self.N, self.collected = term, 1, []
            return "term started"
        t, c, i, n = mark
        if t != self.T: return "fenced"
        if c < self.N: return "duplicate"
        if c > self.N or i != len(self.collected) + 1 or (i > 1 and n != self.parts):
            self.N, self.collected = 0, []  # N = 0: every commit is beyond it, so the rest of this term is void
            return "gap"
        self.collected.append(record)
        self.parts = n
        if i < n: return "collecting"
        self.commit, self.collected, self.N = self.collected, [], c + 1
        return "accepted"

def mark_of(record):
    """(term, commit, part, parts) of ce_log, which is an event's first header; None: there is none, or no valid one."""
    name, text = (record.headers() or [("", b"")])[0]
    found = re.fullmatch(rb"([1-9]\d{0,18})\.([1-9]\d{0,18})\.([1-9]\d{0,9})/([1-9]\d{0,9})", text or b"")
    t, c, i, n = map(int, found.groups()) if found and name == "ce_log" else (0, 0, 0, 0)
    return (t, c, i, n) if 0 < t < 2**63 and c < 2**63 and i <= n < 2**31 else None

def term_of(record):
    """The term that a TermStarted starts; 0: the record is none, or cannot be read."""
    if dict(reversed(record.headers() or [])).get("ce_type") != b"everfold.log.TermStarted.v1": return 0
    try: return TermStarted.FromString(record.value() or b"").term
    except DecodeError: return 0

def read_log(brokers, topic, partition, position=(0, 0, 1), follow=True):
    """Yields each commit and the position behind it, where to go on; for ever, or up to the log's present end."""
    offset, T, N = position
    reader = LogReader(T, N)
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "none", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "enable.partition.eof": True, "check.crcs": True})
    consumer.assign([TopicPartition(topic, partition, offset)])
    while True:
        record = consumer.poll()
        if error := record.error():
            if error.code() != KafkaError._PARTITION_EOF: raise KafkaException(error)
            if not follow: return
        elif reader.feed(record) == "accepted":
            yield reader.commit, (record.offset() + 1, reader.T, reader.N)
