#include "tools/replay/folds/states.hpp"

#include <algorithm>

#include "tools/replay/output/row_json.hpp"

namespace everfold::replay {

States::States(std::vector<Ask> asks, std::vector<std::unique_ptr<View>> views)
    : asks_(std::move(asks)), answers_(asks_.size()) {
  for (std::size_t i = 0; i < asks_.size(); ++i) asked_[asks_[i].id].push_back(i);
  for (auto& view : views) {
    views_.push_back({std::move(view), std::make_unique<MemoryViewStore>()});
    views_.back().view->attach(*views_.back().store);
  }
}

void States::take(const LogId& log, const Commit& commit) {
  for (const StoredEvent& event : commit.events) take(log, event);
}

void States::take(const LogId& log, const StoredEvent& event) {
  const auto asked = asked_.find(event.meta.aggregate_id);
  if (asked == asked_.end()) return;
  auto [found, is_new] = aggregates_.try_emplace({event.meta.aggregate_id, log.context});
  Aggregate& aggregate = found->second;
  if (is_new) {
    aggregate.open = asked->second;
    aggregate.shown.resize(views_.size());
  }
  // One before it was left out, because it is later than any time asked for.
  if (event.meta.version != aggregate.version + 1) return;
  std::erase_if(aggregate.open, [&](std::size_t ask) {
    if (asks_[ask].at.admits(event.meta)) return false;
    answer(ask, aggregate);
    return true;
  });
  aggregate.version = event.meta.version;
  if (aggregate.open.empty()) return;
  aggregate.last = event.meta;
  aggregate.log = log;
  aggregate.offset = event.offset;
  fold(aggregate, event);
}

void States::fold(Aggregate& aggregate, const StoredEvent& event) {
  for (std::size_t i = 0; i < views_.size(); ++i) {
    View& view = *views_[i].view;
    Shown& shown = aggregate.shown[i];
    const bool its_context = view.context() == every_context || view.context() == event.meta.context;
    if (shown.parked || !its_context) continue;
    if (!view.fold(event)) {
      shown.parked = true;
      aggregate.unreadable = "view " + std::string(view.name()) + " cannot read event " +
                             std::to_string(event.meta.version) + " (" + event.meta.type + ")";
      continue;
    }
    ViewBatch batch;
    view.take_changes(batch);
    for (const auto& [key, row] : batch.rows) shown.keys.insert(key);
    views_[i].store->write(batch);
  }
}

void States::answer(std::size_t ask, const Aggregate& aggregate) {
  if (aggregate.version == 0) return;  // it had not begun
  State state{aggregate.last.context, aggregate.version, aggregate.last, aggregate.log, aggregate.offset, {},
              aggregate.unreadable};
  for (std::size_t i = 0; i < views_.size(); ++i) {
    const View& view = *views_[i].view;
    if (view.context() == every_context || view.context() == state.context)
      state.views.emplace_back(view.name(), rows_of(views_[i], aggregate.shown[i]));
  }
  answers_[ask].states.push_back(std::move(state));
}

std::string States::rows_of(const Folded& folded, const Shown& shown) const {
  const bool many = folded.view->context() == every_context;
  std::string list;
  for (const std::string& key : shown.keys) {
    const auto row = folded.store->row(key);
    if (!row) continue;
    if (!list.empty()) list += ',';
    list += row_json(*folded.view, key, *row);
  }
  if (many) return "[" + list + "]";
  return list.empty() ? "null" : list;
}

std::vector<Answer> States::finish() {
  for (auto& [name, aggregate] : aggregates_)
    for (const std::size_t ask : std::exchange(aggregate.open, {}))
      if (!asks_[ask].at.version || *asks_[ask].at.version == aggregate.version) answer(ask, aggregate);
  for (std::size_t i = 0; i < asks_.size(); ++i) {
    auto& states = answers_[i].states;
    std::sort(states.begin(), states.end(), [](const State& a, const State& b) { return a.context < b.context; });
    if (states.empty()) answers_[i].problem = problem_of(asks_[i]);
  }
  return std::move(answers_);
}

std::string States::problem_of(const Ask& ask) const {
  std::string contexts;
  int64_t newest = 0;
  for (auto at = aggregates_.lower_bound({ask.id, ""}); at != aggregates_.end() && at->first.first == ask.id; ++at) {
    contexts += (contexts.empty() ? "" : ", ") + at->first.second;
    newest = std::max(newest, at->second.version);
  }
  if (ask.at.time_ms) return ask.id + " is in no context at " + to_string(ask.at) + ", or had not begun yet";
  if (newest == 0) return "no context has an aggregate " + ask.id;
  return ask.id + " (" + contexts + ") has no " + to_string(ask.at) + " yet: its newest is " + std::to_string(newest);
}

}  // namespace everfold::replay
