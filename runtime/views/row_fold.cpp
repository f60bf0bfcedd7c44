#include "runtime/views/row_fold.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "kernel/shard.hpp"

namespace everfold {
namespace {

constexpr int poll_ms = 50;
constexpr std::size_t version_digits = 12;

bool is_version(std::string_view text) {
  return text.size() == version_digits && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<RowOwner> owner_of_row(const View& view, std::string_view key, const std::vector<LogId>& logs) {
  RowOwner owner{{std::string(view.context()), 0}, std::string(key), ""};
  if (view.context() == every_context) {
    const std::size_t context = key.find('/');
    if (context == key.npos) return std::nullopt;
    owner.log.context = key.substr(0, context);
    std::string_view id = key.substr(context + 1);
    if (const std::size_t version = id.rfind('/'); version != id.npos && is_version(id.substr(version + 1)))
      id = id.substr(0, version);
    owner.aggregate_id = id;
    owner.prefix = owner.log.context + "/" + owner.aggregate_id + "/";
  }
  const auto partitions =
      std::ranges::count_if(logs, [&](const LogId& log) { return log.context == owner.log.context; });
  if (partitions == 0 || owner.aggregate_id.empty()) return std::nullopt;
  owner.log.shard = shard_of(owner.aggregate_id, static_cast<int>(partitions));
  return owner;
}

RowFold::RowFold(std::unique_ptr<View> view, RowOwner owner, std::unique_ptr<LogSource> source)
    : view_(std::move(view)), owner_(std::move(owner)), source_(std::move(source)), tail_(owner_.log, {}) {
  view_->attach(store_);
  source_->assign({{owner_.log, 0}});
}

bool RowFold::fold_to(int64_t offset, const std::function<bool()>& go_on) {
  while (tail_.reader().next_offset() < offset) {
    if (!go_on()) return false;
    std::vector<Commit> commits;
    source_->poll(poll_ms, [&](std::size_t, const RecordView& record) {
      if (record.offset >= offset) return;  // read again below
      TailStep step = tail_.feed(record);
      if (step.commit && step.commit->events.front().meta.aggregate_id == owner_.aggregate_id)
        commits.push_back(std::move(*step.commit));
    });
    for (const Commit& commit : commits)
      for (const StoredEvent& event : commit.events)
        if (!unreadable_ && !view_->fold(event))
          unreadable_ = "event " + std::to_string(event.meta.version) + " of " + owner_.aggregate_id + " (" +
                        event.meta.type + ")";
    ViewBatch batch;
    view_->take_changes(batch);
    store_.write(batch);
  }
  source_->assign({{owner_.log, tail_.reader().next_offset()}});
  return true;
}

std::vector<RowFold::Row> RowFold::rows(const ViewReader& store) const {
  std::map<std::string, Row> rows;
  const auto add = [&](const std::string& key) { rows.try_emplace(key, Row{key, store.row(key), store_.row(key)}); };
  for (const auto& [key, row] : store_.all_rows()) add(key);
  if (owner_.prefix.empty()) {
    add(owner_.aggregate_id);
  } else {
    std::vector<std::string> stored;
    store.rows(owner_.prefix, "", [&](std::string_view key, std::string_view) {
      stored.emplace_back(key);
      return true;
    });
    for (const std::string& key : stored) add(key);
  }
  std::vector<Row> all;
  for (auto& [key, row] : rows) all.push_back(std::move(row));
  return all;
}

ViewBatch RowFold::correction(const ViewReader& store) const {
  ViewBatch batch;
  std::set<std::string, std::less<>> keys;
  for (Row& row : rows(store)) {
    keys.insert(row.key);
    if (row.stored != row.rebuilt) batch.rows.emplace_back(row.key, std::move(row.rebuilt));
  }
  // All that leads to them, also what the rows that stand there would not account for.
  std::map<std::string, std::string, std::less<>> stored;
  const std::string parked = std::string(parked_prefix) + owner_.aggregate_id;
  store.index("", [&](std::string_view key, std::string_view row) {
    if (keys.contains(row) || key == parked) stored.emplace(key, row);
    return true;
  });
  const auto& rebuilt = store_.all_index();
  for (const auto& [key, row] : stored)
    if (!rebuilt.contains(key)) batch.index_deletes.push_back(key);
  for (const auto& [key, row] : rebuilt)
    if (const auto found = stored.find(key); found == stored.end() || found->second != row)
      batch.index_puts.emplace_back(key, row);
  return batch;
}

}  // namespace everfold
