#!/usr/bin/env python3
"""Bugs that the simulator must find, as edits of the production sources that only their own simulator is built from.

mutants.py OUT_DIR FILE...    writes OUT_DIR/<FILE with _ for />, every mutant in it behind a switch, and OUT_DIR/mutants.cpp.

An edit replaces `old`, which its file must hold exactly once, by `new`, in which MUTANT is true when this mutant is in force.
Did a change of the sources bring you here? Make `old` what the line is now; if what it did is done elsewhere, move the edit there.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str


READER = "kernel/log_reader.cpp"
TAIL = "runtime/log/log_tail.cpp"
OWNED = "runtime/writer/owned_log.cpp"
WRITER = "runtime/writer/writer.cpp"
QUEUE = "runtime/writer/forward_queue.cpp"
INTAKE = "runtime/writer/command_intake.cpp"
TRANSLATOR = "runtime/translator.cpp"
TO_INVENTORY = "saga/translators/checkout_to_inventory.cpp"
PARKING = "runtime/parking/parking.cpp"
FOLD = "runtime/views/view_fold.cpp"

MUTANTS = [
    # The reading rules.
    Mutant("term-not-checked", READER, "mark.term != position_.term", "!MUTANT && mark.term != position_.term"),
    Mutant("second-term-of-a-number-counts", READER, "if (term <= position_.term)",
           "if (MUTANT ? term < position_.term : term <= position_.term)"),
    Mutant("commit-number-not-checked", READER, "mark.commit > position_.next_commit ||",
           "(!MUTANT && mark.commit > position_.next_commit) ||"),
    Mutant("duplicate-commit-counts", READER, "if (mark.commit < position_.next_commit)",
           "if (!MUTANT && mark.commit < position_.next_commit)"),
    Mutant("part-not-checked", READER, "mark.part != collected_ + 1", "(!MUTANT && mark.part != collected_ + 1)"),
    Mutant("gap-does-not-end-the-term", READER, "position_ = {next_offset_, position_.term, 0, position_.origin};",
           "position_ = {next_offset_, position_.term, MUTANT ? position_.next_commit : 0, position_.origin};"),
    Mutant("position-within-a-commit", READER, "if (collected_ == 0) position_.offset",
           "if (MUTANT || collected_ == 0) position_.offset"),
    Mutant("void-parts-kept", TAIL, "if (mark->part == 1) count_ = 0;", "if (!MUTANT && mark->part == 1) count_ = 0;"),

    # The writer.
    Mutant("answer-before-read-back", WRITER, "  ++in_flight_;\n",
           "  ++in_flight_;\n"
           "  if (QueuedCommand& first = log.pending.back().callers.front(); MUTANT && first.reply)\n"
           "    std::exchange(first.reply, nullptr)(CommandDone{{}, cached.version, log.id(), 0});\n"),
    Mutant("refusal-not-held", WRITER, "log.held.emplace(cached.last_commit,", "log.held.emplace(MUTANT ? 0 : cached.last_commit,"),
    Mutant("reused-key-on-what-is-not-confirmed", WRITER, "log.held.emplace(pending.commit,",
           "log.held.emplace(MUTANT ? 0 : pending.commit,"),
    Mutant("zombie-refuses", WRITER, "!done_before && !may_refuse(log)", "!MUTANT && !done_before && !may_refuse(log)"),
    Mutant("command-id-forgotten", WRITER, "const auto known = index_.command(meta.id);",
           "const auto known = MUTANT ? std::nullopt : index_.command(meta.id);"),
    Mutant("command-id-in-flight-forgotten", WRITER, "log.pending_ids.emplace(meta.id, commit);",
           "if (!MUTANT) log.pending_ids.emplace(meta.id, commit);"),
    Mutant("fresh-id-after-an-attempt", WRITER, "queued.command.meta.fresh_id = false;",
           "if (!MUTANT) queued.command.meta.fresh_id = false;"),
    Mutant("speculative-state-kept", WRITER, "log.states.clear();", "if (!MUTANT) log.states.clear();"),
    Mutant("confirmed-count-kept", WRITER, "  log.confirmed_commit = 0;", "  if (!MUTANT) log.confirmed_commit = 0;"),
    Mutant("unknown-told-as-not-done", WRITER, "answers_.emplace_back(std::move(queued.reply), queued.in_doubt ?",
           "answers_.emplace_back(std::move(queued.reply), !MUTANT && queued.in_doubt ?"),
    Mutant("owner-before-the-index-is-written", WRITER, "  flush();  // timers and commands",
           "  if (!MUTANT) flush();  // timers and commands"),
    Mutant("position-before-its-events", WRITER, "  read_logs(timeout_ms);\n  flush();",
           "  read_logs(timeout_ms);\n  if (MUTANT) save_positions();\n  flush();"),
    Mutant("doubt-ignored", WRITER, "if (appender_.in_doubt())", "if (!MUTANT && appender_.in_doubt())"),
    Mutant("old-producer-kept-after-a-doubt", WRITER, "  appender_.new_session();", "  if (!MUTANT) appender_.new_session();"),
    Mutant("timers-not-loaded", WRITER, "log.timers.emplace(at_ms, std::move(aggregate_id));",
           "if (!MUTANT) log.timers.emplace(at_ms, std::move(aggregate_id));"),
    Mutant("snapshot-of-speculation", WRITER, "if (!cached || cached->last_commit > log.confirmed_commit) return;",
           "if (!cached || (!MUTANT && cached->last_commit > log.confirmed_commit)) return;"),
    Mutant("state-in-flight-given-up", OWNED, "if (at->second.last_commit > confirmed_commit) continue;",
           "if (!MUTANT && at->second.last_commit > confirmed_commit) continue;"),

    # Commands on their way to another node.
    Mutant("forwarded-id-taken-for-fresh", QUEUE, "  queued.command.meta.fresh_id = false;",
           "  if (!MUTANT) queued.command.meta.fresh_id = false;"),
    Mutant("forwarding-doubt-forgotten", QUEUE, "queued.in_doubt |= answer.may_have_acted;",
           "queued.in_doubt |= !MUTANT && answer.may_have_acted;"),
    Mutant("another-nodes-503-passed-on", QUEUE, "outcome->error().code != Code::unavailable",
           "MUTANT || outcome->error().code != Code::unavailable"),
    Mutant("no-while-a-copy-is-out", QUEUE, "if (!answer.outcome && answer.may_have_acted)",
           "if (!MUTANT && !answer.outcome && answer.may_have_acted)"),
    Mutant("done-before-it-is-read-here", QUEUE, "  const WantedPosition wanted{",
           "  if (MUTANT) return done_with(std::move(queued), std::move(outcome));\n  const WantedPosition wanted{"),

    # Commands from topics, and the translators that send them.
    Mutant("offset-before-the-answer", INTAKE, "open.offsets.emplace(record.offset, false);",
           "open.offsets.emplace(record.offset, MUTANT);"),
    Mutant("translator-position-before-the-ack", TRANSLATOR, "if (backlog.empty()) partition.safe",
           "if (MUTANT || backlog.empty()) partition.safe"),
    Mutant("unacknowledged-taken-for-sent", TRANSLATOR, "if (!sender_.send(commands, options_.send_timeout_ms)) return false;",
           "if (!sender_.send(commands, options_.send_timeout_ms) && !MUTANT) return false;"),

    Mutant("stock-asked-for-again-by-another-command", TO_INVENTORY, "return translation.once(line.sku(),",
           "if (MUTANT) return translation.to(line.sku(), command_with_quantity<inventory::v1::ReserveStock>(order_id, line));\n"
           "                     return translation.once(line.sku(),"),

    # What is parked.
    Mutant("position-before-the-parking", TRANSLATOR, "const auto unconfirmed = parking_.unconfirmed(log);",
           "const auto unconfirmed = MUTANT ? std::nullopt : parking_.unconfirmed(log);"),
    Mutant("parked-taken-for-handled", TRANSLATOR, "    if (sent) parking_.handled(id);", "    if (MUTANT || sent) parking_.handled(id);"),
    Mutant("later-overtakes-what-is-parked", PARKING, "return table_.closed(key) || parking_keys_.contains(key);",
           "return !MUTANT && (table_.closed(key) || parking_keys_.contains(key));"),
    Mutant("what-did-not-come-back-is-forgotten", PARKING, "    append_again(/*all=*/true);", "    MUTANT ? unconfirmed_.clear() : append_again(/*all=*/true);"),

    # The fold.
    Mutant("position-apart-from-rows", FOLD, "if (!batch.positions.empty()) store_.write(batch);",
           "if (MUTANT) {\n"
           "    ViewBatch apart;\n"
           "    apart.positions.swap(batch.positions);\n"
           "    if (!apart.positions.empty()) store_.write(apart);\n"
           "    store_.write(batch);\n"
           "  } else if (!batch.positions.empty()) store_.write(batch);"),
    Mutant("rows-written-twice", FOLD, "    batch.positions.emplace_back(tails_[i].log(), tails_[i].position());",
           "    if (!MUTANT || batch.rows.empty()) batch.positions.emplace_back(tails_[i].log(), tails_[i].position());"),
]


def mutated(file: str, text: str) -> str:
    for number, mutant in enumerate(MUTANTS, 1):
        if mutant.file != file:
            continue
        found = text.count(mutant.old)
        if found != 1:
            raise SystemExit(f"mutants.py: {mutant.name}: {file} holds {found} times, not once:\n  {mutant.old}\n"
                             f"See the head of {Path(__file__).relative_to(ROOT)} for what to do.")
        switch = f"(::everfold::simulator::mutant == {number})"
        text = text.replace(mutant.old, re.sub(r"\bMUTANT\b", switch, mutant.new))
    return f'#include "tests/simulator/mutant.hpp"\n#line 1 "mutated/{file}"\n{text}'


def names() -> str:
    listed = "".join(f'    "{mutant.name}",\n' for mutant in MUTANTS)
    return ('#include "tests/simulator/mutant.hpp"\n\nnamespace everfold::simulator {\n\nint mutant = 0;\n'
            f"const std::vector<std::string> mutant_names{{\n{listed}}};\n\n}}  // namespace everfold::simulator\n")


def main() -> None:
    out, files = Path(sys.argv[1]), sys.argv[2:]
    if strays := {mutant.file for mutant in MUTANTS} ^ set(files):
        raise SystemExit(f"mutants.py: tests/simulator/CMakeLists.txt and MUTANTS disagree about {', '.join(sorted(strays))}")
    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        (out / file.replace("/", "_")).write_text(mutated(file, (ROOT / file).read_text()))
    (out / "mutants.cpp").write_text(names())


main()
