// Records of a topic, whoever wrote them: the reading rules, the headers, the Protobuf of every event and command. The
// input is a log: records with the byte 1e between them, which no Protobuf tag is, as 1f, which begins a value.
//   T <term>                                             TermStarted
//   E <ce_log>,<ce_type>,<header>=<text>,… <1f> <value>  an event
//   X <header>=<text>,… <1f> <value>                     a record with these headers and no others
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <charconv>
#include <list>
#include <vector>

#include "command-side/contexts.hpp"
#include "command-side/inventory/decider.hpp"
#include "runtime/log/event_decoder.hpp"
#include "runtime/log/log_tail.hpp"
#include "runtime/writer/command.hpp"
#include "saga/checkout/decider.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/catalog/events.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/inventory/events.hpp"
#include "schemas/orders/events.hpp"
#include "schemas/payments/events.hpp"
#include "tests/evolution/parcels.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace everfold::fuzz {
namespace {

constexpr char between_records = 0x1e, before_value = 0x1f;

OutgoingRecord record_of(std::string_view text) {
  auto head = take_until(text, before_value);  // what is left of the text is the value
  const auto kind = take_until(head, ' ');
  if (kind == "T") {
    int64_t term = 0;
    std::from_chars(head.data(), head.data() + head.size(), term);
    return term_record({"orders", 0}, term, "owner", "url", "nonce", 0);
  }
  OutgoingRecord record{"a-1", std::string(text), {}};
  if (kind == "E") {
    record.headers.emplace_back("ce_log", take_until(head, ','));
    record.headers.emplace_back("ce_type", take_until(head, ','));
  }
  while (!head.empty()) {
    auto header = take_until(head, ',');
    const auto name = take_until(header, '=');
    record.headers.emplace_back(name, header);
  }
  return record;
}

// What the records hold, wherever they are found.
template <class Event>
void try_event(std::string_view type, std::string_view bytes) {
  static EventDecoder<Event> decoder;
  const auto decoded = decode<Event>(type, bytes);
  const auto* reused = decoder.decode(type, bytes);
  check(decoded.has_value() == (reused != nullptr), "an event is decoded in one way and not in the other");
  if (!decoded) return;
  const auto written = decode<AsWritten<Event>>(type, bytes);
  check(written && encode(*written).type == type, "an event is another when it is encoded");
  const auto encoded = encode(*decoded);
  check(encode(*reused).bytes == encoded.bytes, "a decoder's used message keeps something of the one before");
  const auto again = decode<Event>(encoded.type, encoded.bytes);
  check(again && encode(*again).bytes == encoded.bytes, "an event is another when it is encoded");
}

void try_snapshot(std::string_view bytes) {
  const auto state = inventory::Inventory::load(bytes);
  if (!state) return;
  const auto again = inventory::Inventory::load(inventory::Inventory::save(*state));
  check(again && *again == *state, "a snapshot is another when it is saved");
}

// A command as it comes from a command topic, to an aggregate that has no history.
void try_command(std::string_view type, std::string_view bytes) {
  static const auto contexts = [] {
    auto all = command_contexts();
    all.push_back(host<checkout::Checkout>());
    return all;
  }();
  for (const auto& context : contexts) {
    const auto state = context->fresh();
    const auto decided = context->decide(*state, type, bytes, 900'000);
    if (!decided) continue;
    for (const auto& event : decided.value()) context->timer_of(event.type, event.bytes);
  }
}

void try_value(std::string_view type, std::string_view bytes) {
  try_event<carts::Event>(type, bytes);
  try_event<catalog::Event>(type, bytes);
  try_event<checkout::Event>(type, bytes);
  try_event<inventory::Event>(type, bytes);
  try_event<orders::Event>(type, bytes);
  try_event<payments::Event>(type, bytes);
  try_event<parcels::Event>(type, bytes);
  try_snapshot(bytes);
  try_command(type, bytes);
}

struct Record {
  explicit Record(std::string_view text) : record(record_of(text)) {
    for (const auto& [name, value] : record.headers) headers.emplace_back(name, value);
  }
  RecordView at(int64_t offset) const { return {offset, record.key, record.value, headers}; }

  OutgoingRecord record;
  std::vector<HeaderView> headers;
};

void try_record(const RecordView& record) {
  try_value(record.header("ce_type"), record.value);
  const auto event = event_of(record, "orders");
  const auto written = event_record(event, {1, 1, 1, 1});
  const std::vector<HeaderView> headers(written.headers.begin(), written.headers.end());
  const auto again = event_of({record.offset, written.key, written.value, headers}, "orders");
  check(again.meta.id == event.meta.id && again.meta.time_ms == event.meta.time_ms &&
            again.meta.version == event.meta.version && again.bytes == event.bytes && again.digest == event.digest,
        "an event's headers are others when they are written");
  if (const auto command = command_of(record, "orders"))
    check(!command->meta.id.empty() && !command->type.empty(), "a command is none");
}

struct Accepted {
  LogMark mark;
  std::vector<int64_t> offsets;
  bool operator==(const Accepted&) const = default;
};

struct Reading {
  std::vector<Accepted> commits;
  std::vector<std::size_t> accepted;   // how many were, behind each record
  std::vector<LogPosition> positions;  // what could be saved there
};

Reading read(const std::list<Record>& log, const LogPosition& from, bool recycle) {
  LogTail tail({"orders", 0}, from);
  Reading reading;
  int64_t offset = 0;
  for (const auto& record : log) {
    if (offset < from.offset) {
      ++offset;
      continue;
    }
    auto step = tail.feed(record.at(offset++));
    check(step.commit.has_value() == (step.verdict == Verdict::accepted), "a commit comes without being accepted");
    if (step.commit) {
      Accepted commit{step.commit->mark, {}};
      for (const auto& event : step.commit->events) commit.offsets.push_back(event.offset);
      check(commit.offsets.size() == static_cast<std::size_t>(commit.mark.parts), "a commit is not whole");
      reading.commits.push_back(std::move(commit));
      if (recycle) tail.recycle(std::move(*step.commit));
    }
    reading.accepted.push_back(reading.commits.size());
    reading.positions.push_back(tail.position());
  }
  return reading;
}

// Each term's commits are 1, 2, 3 …, terms only grow, and no record is in two commits.
void check_history(const std::vector<Accepted>& commits) {
  int64_t term = 0, number = 0, offset = -1;
  for (const auto& commit : commits) {
    check(commit.mark.term >= term, "an old term is accepted");
    number = commit.mark.term == term ? number + 1 : 1;
    term = commit.mark.term;
    check(commit.mark.commit == number, "commits are missing");
    for (const auto each : commit.offsets) {
      check(each > offset, "records are accepted out of their order");
      offset = each;
    }
  }
}

}  // namespace

void try_input(std::string_view input) {
  const google::protobuf::LogSilencer silence;  // of each text that is not UTF-8
  std::list<Record> log;                        // a record's views point into it
  while (!input.empty()) log.emplace_back(take_until(input, between_records));
  int64_t offset = 0;
  for (const auto& record : log) try_record(record.at(offset++));

  const auto whole = read(log, {}, false);
  check_history(whole.commits);
  check(read(log, {}, true).commits == whole.commits, "used memory changes the history");
  for (std::size_t cut = 0; cut < log.size() && cut < 16; ++cut) {
    const auto rest = read(log, whole.positions[cut], true);
    const std::vector<Accepted> expected(whole.commits.begin() + static_cast<std::ptrdiff_t>(whole.accepted[cut]),
                                         whole.commits.end());
    check(rest.commits == expected, "a restart changes the history");
  }
}

}  // namespace everfold::fuzz
