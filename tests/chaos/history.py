"""What the topics say: every accepted event, every command sent by Kafka, and what the log protocol made void."""

import importlib
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

_KNOWN = ("catalog", "inventory", "carts", "orders", "payments", "checkout")
_POLL_S = 0.1
_SILENCE_S = 30  # so long without a record before every log's end means that Kafka is away


@dataclass
class Event:
    context: str
    partition: int
    offset: int
    key: str           # the aggregate's id
    type: str          # "everfold.orders.OrderPlaced.v1"
    id: str
    version: int
    causation: str     # the command's id
    body: object       # the Protobuf message; None: of a type that the schemas do not have, or unreadable
    time: str = ""
    commit: tuple = ()  # (context, partition, term, commit): the same for the events of one commit

    @property
    def name(self) -> str:
        return self.type.split(".")[2] if self.type.count(".") == 3 else self.type

    @property
    def where(self) -> str:
        place = f"{self.context}.{self.partition}:{self.offset}"
        return f"{place} {self.name} {self.id}, version {self.version} of {self.key}"


def told(events: list[Event]) -> str:
    return "; ".join(event.where for event in events) or "no event"


@dataclass
class Command:
    """As it lies in a command topic."""
    context: str
    partition: int
    offset: int
    key: str
    type: str
    id: str
    causation: str  # the event that caused it

    @property
    def where(self) -> str:
        return f"{self.context}.commands.{self.partition}:{self.offset} {self.type} {self.id} to {self.key}"


@dataclass
class History:
    partitions: int
    events: list[Event] = field(default_factory=list)      # of a log in its order; between logs in none
    commands: list[Command] = field(default_factory=list)
    verdicts: Counter = field(default_factory=Counter)     # of all records of all event topics
    terms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # by log
    ends: dict[str, int] = field(default_factory=dict)     # by log: the offset behind its last record
    parked: dict[tuple, bool] = field(default_factory=dict)  # by (consumer, record): is it still?

    def index(self) -> "History":
        self.by_command, self.by_aggregate, self.by_id = defaultdict(list), defaultdict(list), {}
        for event in self.events:
            self.by_command[event.causation].append(event)
            self.by_aggregate[event.context, event.key].append(event)
            self.by_id.setdefault(event.id, event)
        return self

    def aggregates(self, context: str):
        """(id, its events in their order), of every aggregate of the context."""
        return ((key, events) for (of, key), events in self.by_aggregate.items() if of == context)


def message_class(event_type: str):
    """The Protobuf class of "everfold.orders.OrderPlaced.v1"; None when the schemas have none."""
    parts = event_type.split(".")
    if len(parts) != 4 or parts[0] != "everfold":
        return None
    try:
        module = importlib.import_module(f"schemas.{parts[1]}.{parts[3]}.events_pb2")
    except ModuleNotFoundError:
        return None
    return getattr(module, parts[2], None)


def read(brokers: str, prefix: str, partitions: int) -> History:
    """Every record of the installation's topics up to their present ends. schema_classes comes first."""
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "none", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "enable.partition.eof": True, "check.crcs": True})
    topics = _topics(consumer, prefix, partitions)
    everything = [TopicPartition(topic, partition, 0) for topic in topics for partition in range(partitions)]
    for part in everything:
        if not part.topic.endswith(".events"):  # the others may have been cut off at the front
            part.offset = consumer.get_watermark_offsets(part)[0]
    consumer.assign(everything)
    reading = _Reading(History(partitions), prefix)
    unread = {(part.topic, part.partition) for part in everything}
    heard = time.monotonic()
    while unread:
        records = consumer.consume(2000, _POLL_S)
        if records:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_S:
            raise TimeoutError(f"Kafka has not given the rest of {sorted(unread)[:3]} for {_SILENCE_S} s")
        for record in records:
            if error := record.error():
                if error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                unread.discard((record.topic(), record.partition()))
            else:
                reading.take(record)
    consumer.close()
    return reading.history.index()


def _topics(consumer, prefix: str, partitions: int) -> list[str]:
    found = {name: topic for name, topic in consumer.list_topics(timeout=_SILENCE_S).topics.items()
             if name.startswith(prefix + ".") and name.endswith((".events", ".commands", ".parked"))}
    for context in _KNOWN:
        if f"{prefix}.{context}.events" not in found:
            raise LookupError(f"there is no topic {prefix}.{context}.events")
    for name, topic in found.items():
        if len(topic.partitions) != partitions:
            raise LookupError(f"{name} has {len(topic.partitions)} partitions, not {partitions}")
    return sorted(found)


class _Reading:
    def __init__(self, history: History, prefix: str):
        from log_reader import LogReader
        self.history = history
        self._prefix = prefix
        self._readers = defaultdict(LogReader)

    def take(self, record) -> None:
        context, kind = record.topic().removeprefix(self._prefix + ".").rsplit(".", 1)
        if kind == "commands":
            self.history.commands.append(_command(record, context))
        elif kind == "parked":
            self._park(record, context)
        else:
            self._read(record, context)

    def _park(self, record, consumer: str) -> None:
        """The last word on a record counts: a pointer to it is open, a tombstone says that it was handled."""
        key = _text(record.key())
        if key.startswith("parked:"):
            self.history.parked[consumer, key] = record.value() is not None

    def _read(self, record, context: str) -> None:
        log = f"{context}.{record.partition()}"
        reader = self._readers[log]
        verdict = reader.feed(record)
        self.history.verdicts[verdict] += 1
        self.history.ends[log] = record.offset() + 1
        if verdict == "term started":
            self.history.terms[log].append(reader.T)
        elif verdict == "accepted":
            commit = (context, record.partition(), reader.T, reader.N - 1)
            self.history.events += (_event(part, context, commit) for part in reader.commit)


def _headers(record) -> dict[str, str]:
    return {name: (value or b"").decode(errors="replace") for name, value in record.headers() or []}


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


def _event(record, context: str, commit: tuple) -> Event:
    headers = _headers(record)
    event_type, sequence = headers.get("ce_type", ""), headers.get("ce_sequence", "")
    return Event(context, record.partition(), record.offset(), _text(record.key()), type=event_type,
                 id=headers.get("ce_id", ""), version=int(sequence) if sequence.isdecimal() else 0,
                 causation=headers.get("ce_causationid", ""), body=_body(event_type, record.value() or b""),
                 time=headers.get("ce_time", ""), commit=commit)


def _body(event_type: str, value: bytes):
    from google.protobuf.message import DecodeError
    known = message_class(event_type)
    try:
        return known.FromString(value) if known else None
    except DecodeError:
        return None


def _command(record, context: str) -> Command:
    headers = _headers(record)
    return Command(context, record.partition(), record.offset(), _text(record.key()), headers.get("ce_type", ""),
                   headers.get("ce_id", ""), headers.get("ce_causationid", ""))
