"""What must hold of the log by itself, whatever the shop sells."""

from collections import Counter

from history import History, told
from ids import caused_command_id, command_id_of, derive_id, partition_of
from verdicts import Verdicts


def check_log(history: History, http_commands: set[str], verdicts: Verdicts) -> None:
    """`http_commands`: the ids of all that clients ever asked for."""
    check_records(history, verdicts)
    check_versions(history, verdicts)
    check_commits(history, verdicts)
    check_causes(history, http_commands, verdicts)
    check_parked(history, verdicts)
    count(history, verdicts)


def check_records(history: History, verdicts: Verdicts) -> None:
    readable = verdicts.rule("every event can be read by its schema")
    placed = verdicts.rule("every event and command lies in its aggregate's partition")
    for event in history.events:
        readable.check(event.body is not None, lambda: event.where)
    for record in (*history.events, *history.commands):
        placed.check(record.partition == partition_of(record.key, history.partitions), lambda: record.where)


def check_versions(history: History, verdicts: Verdicts) -> None:
    unique = verdicts.rule("no two accepted events have the same id")
    contiguous = verdicts.rule("an aggregate's versions are 1, 2, 3 … in the log's order")
    for ce_id, times in Counter(event.id for event in history.events).items():
        unique.check(times == 1 and ce_id != "", lambda: f"{times} events are called {ce_id!r}")
    for (context, key), events in history.by_aggregate.items():
        versions = [event.version for event in events]
        contiguous.check(versions == list(range(1, len(events) + 1)),
                         lambda: f"{context} {key}: {_first_wrong(versions)}")


def _first_wrong(versions: list[int]) -> str:
    expected, found = next((place, version) for place, version in enumerate(versions, 1) if place != version)
    return f"version {found} where {expected} should be, of {len(versions)} events"


def check_commits(history: History, verdicts: Verdicts) -> None:
    whole = verdicts.rule("a command's events are one commit, whole and in order")
    alone = verdicts.rule("a commit is the events of one command to one aggregate")
    for command, events in history.by_command.items():
        ids = [event.id for event in events]
        in_one = len({event.commit for event in events}) == 1
        whole.check(in_one and ids == [f"{command}.{place}" for place in range(1, len(ids) + 1)],
                    lambda: f"{command}: {told(events)}; commits {sorted({event.commit for event in events})}")
    owners: dict[tuple, set] = {}
    for event in history.events:
        owners.setdefault(event.commit, set()).add((event.causation, event.key))
    for commit, of in owners.items():
        alone.check(len(of) == 1, lambda: f"commit {commit} is of {sorted(of)}")


def check_causes(history: History, http_commands: set[str], verdicts: Verdicts) -> None:
    """Every event was asked for, by a client or by an accepted event; what a fenced writer wrote caused nothing."""
    caused = verdicts.rule("every command in a command topic is caused by an accepted event, and named after it")
    asked = verdicts.rule("every event's command was sent by somebody")
    known = set(http_commands)
    for command in history.commands:
        cause = history.by_id.get(command.causation)
        caused.check(cause is not None and command.id == command_id_of(cause, command.type, command.key),
                     lambda: f"{command.where}, because of {command.causation or 'nothing'}")
        known.add(command.id)
    for event in history.events:
        if event.name == "CartCheckedOut" and event.body:  # the edge sends the translator's command itself
            known.add(caused_command_id(event.id, "everfold.orders.PlaceOrder.v1", event.body.order_id))
        elif event.name == "TimeoutScheduled" and event.body:
            at_ms = event.body.at.seconds * 1000 + event.body.at.nanos // 1_000_000
            known.add(derive_id("expire", event.context, event.key, str(at_ms)))
    for event in history.events:
        asked.check(event.causation in known, lambda: f"{event.where}, of command {event.causation or 'none'}")


def check_parked(history: History, verdicts: Verdicts) -> None:
    rule = verdicts.rule("nothing stays parked: what could not be handled for a while was handled later")
    rule.check(not any(history.parked.values()),
               lambda: ", ".join(f"{key} of {consumer}" for (consumer, key), is_open in history.parked.items() if is_open))
    verdicts.count("records that were parked for a while", len(history.parked))


def count(history: History, verdicts: Verdicts) -> None:
    verdicts.count("events accepted", len(history.events))
    verdicts.count("commands sent by Kafka", len(history.commands))
    verdicts.count("logs", len(history.ends))
    verdicts.count("terms", sum(map(len, history.terms.values())))
    verdicts.count("takeovers", sum(max(0, len(terms) - 1) for terms in history.terms.values()))
    for verdict in ("fenced", "duplicate", "gap", "ignored", "nobody's"):
        verdicts.count(f"void records, {verdict}", history.verdicts[verdict])
    parts = history.verdicts["collecting"] + history.verdicts["accepted"] - len(history.events)
    verdicts.count("records of commits that were never finished", parts)
