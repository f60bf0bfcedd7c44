// What lies on the disks must be a fold of the accepted history.
#include <algorithm>

#include "command-side/inventory/decider.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "runtime/views/folded_view.hpp"
#include "tests/simulator/tally.hpp"
#include "tests/simulator/verdict.hpp"

namespace everfold::simulator {
namespace {

bool same(const StoredEvent& a, const StoredEvent& b) {
  return a.meta.id == b.meta.id && a.meta.type == b.meta.type && a.meta.version == b.meta.version && a.bytes == b.bytes &&
         a.meta.causation_id == b.meta.causation_id && a.meta.time_ms == b.meta.time_ms && a.digest == b.digest && a.offset == b.offset;
}

std::vector<StoredEvent> events_of(const std::vector<const AcceptedCommit*>& commits) {
  std::vector<StoredEvent> events;
  for (const AcceptedCommit* commit : commits) events.insert(events.end(), commit->events.begin(), commit->events.end());
  return events;
}

void judge_snapshot(const std::string& whose, const Snapshot& snapshot, const std::vector<StoredEvent>& events) {
  if (snapshot.version > static_cast<int64_t>(events.size())) throw Violation{whose + " has a snapshot of what never was"};
  inventory::Inventory::State state;
  for (std::size_t i = 0; i < static_cast<std::size_t>(snapshot.version); ++i)
    state = inventory::Inventory::evolve(std::move(state), decode<inventory::Event>(events[i].meta.type, events[i].bytes).value());
  if (inventory::Inventory::load(snapshot.bytes) != state)
    throw Violation{whose + ": its snapshot of " + snapshot.aggregate_id + " is not the fold of its events"};
}

void judge_index(const Host& host, const std::vector<std::string>& contexts, const World& world, const AcceptedHistory& history) {
  const EventIndex& index = host.index->store();
  const std::string whose = "the index of " + host.name;
  for (const auto& [id, commits] : history.by_aggregate) {
    if (!std::ranges::count(contexts, id.context)) continue;
    const std::vector<StoredEvent> events = events_of(commits);
    if (!std::ranges::equal(index.events(id.context, id.id, 1, SIZE_MAX), events,
                            [](const StoredEvent& a, const StoredEvent& b) { return same(a, b); }))
      throw Violation{whose + " does not hold the accepted events of " + id.context + " " + id.id};
    if (const auto snapshot = index.snapshot(id.context, id.id)) judge_snapshot(whose, *snapshot, events);
  }
  for (const auto& [id, commit] : history.by_command) {
    if (!std::ranges::count(contexts, commit->log.context)) continue;
    const auto known = index.command(id);
    const EventMeta& first = commit->events.front().meta;
    if (!known || known->context != first.context || known->aggregate_id != first.aggregate_id ||
        known->first_version != first.version || known->last_version != commit->events.back().meta.version ||
        known->digest != commit->events.front().digest)
      throw Violation{whose + " does not know command " + id + " as the log does"};
  }
  for (const Wish& wish : world.ledger().wishes) {
    const CommandMeta& meta = wish.command.meta;
    if (!history.by_command.contains(meta.id) && index.command(meta.id))
      throw Violation{whose + " knows command " + meta.id + ", which was never accepted"};
    if (!history.by_aggregate.contains({meta.context, meta.aggregate_id}) &&
        !index.events(meta.context, meta.aggregate_id, 1, SIZE_MAX).empty())
      throw Violation{whose + " has events of " + meta.aggregate_id + ", which the log has not"};
  }
}

// Folded anew, straight from the view's own functions.
template <Projection V>
void judge_view(const Host& host, const MemoryViewStore& store, const AcceptedHistory& history) {
  typename DecoderOf<V>::type decoder;
  std::map<std::string, typename V::Row> rows;
  for (const auto& commit : history.commits)
    for (const StoredEvent& stored : commit->events) {
      if (V::context != every_context && stored.meta.context != V::context) continue;
      const auto* event = decoder.decode(stored.meta.type, stored.bytes);
      for (const std::string& key : V::keys_of(*event, stored.meta)) {
        const auto at = rows.find(key);
        auto row = V::fold(at == rows.end() ? std::nullopt : std::optional(at->second), *event, stored.meta);
        if (row) rows[key] = std::move(*row);
        else rows.erase(key);
      }
    }
  MemoryViewStore::Sorted expected, index;
  for (const auto& [key, row] : rows) {
    expected[key] = serialize_row(row);
    if constexpr (Indexed<V>)
      for (const std::string& entry : V::index_keys_of(row)) index[entry] = key;
  }
  const std::string whose = "view " + std::string(V::name) + " of " + host.name;
  if (store.all_rows() != expected) throw Violation{whose + " is not the fold of the accepted history"};
  if (store.all_index() != index) throw Violation{whose + " has an index that does not fit its rows"};
}

}  // namespace

void judge_disks(const World& world, const AcceptedHistory& history) {
  for (const Host& host : world.hosts()) {
    switch (host.kind) {
      case Host::Kind::command:
        judge_index(host, world.plan().command_contexts(), world, history);
        break;
      case Host::Kind::saga:
        judge_index(host, {"checkout"}, world, history);
        break;
      case Host::Kind::projector:
        judge_view<inventory::Stock>(host, host.views.at(0).store(), history);
        judge_view<history::History>(host, host.views.at(1).store(), history);
        judge_view<Tally>(host, host.views.at(2).store(), history);
        break;
    }
  }
}

}  // namespace everfold::simulator
