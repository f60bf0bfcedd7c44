// One aggregate's rows of a view, folded anew into memory from its events, which lie in one log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/log/log_tail.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "runtime/views/view.hpp"

namespace everfold {

// Where the events of a row lie. A row's key is the id of an aggregate; in a view over every context
// "<context>/<aggregate id>", with or without "/<version in 12 digits>".
struct RowOwner {
  LogId log;
  std::string aggregate_id;
  std::string prefix;  // of the keys of its rows; empty: the key is the aggregate's id and no other
};
// `logs`: of the view. Nothing: no such row can be.
std::optional<RowOwner> owner_of_row(const View& view, std::string_view key, const std::vector<LogId>& logs);

class RowFold {
 public:
  RowFold(std::unique_ptr<View> view, RowOwner owner, std::unique_ptr<LogSource> source);

  const RowOwner& owner() const { return owner_; }
  // Folds every record before `offset`; goes on from where the last call stopped. False: `go_on` said no before.
  bool fold_to(int64_t offset, const std::function<bool()>& go_on);
  // Why an event of it cannot be folded; nothing: all could.
  const std::optional<std::string>& unreadable() const { return unreadable_; }

  // What is to be written into `store`, folded as far, to be the same there. No rows and no index entries: it is the
  // same.
  ViewBatch correction(const ViewReader& store) const;
  // Its rows as they are here and there: key → here, there; those that are the same too.
  struct Row {
    std::string key;
    std::optional<std::string> stored, rebuilt;
  };
  std::vector<Row> rows(const ViewReader& store) const;

 private:
  std::unique_ptr<View> view_;
  const RowOwner owner_;
  const std::unique_ptr<LogSource> source_;
  LogTail tail_;
  MemoryViewStore store_;
  std::optional<std::string> unreadable_;
};

}  // namespace everfold
