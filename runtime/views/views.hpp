// The port to a view: rows, sorted index entries that lead to rows, and the log positions up to which they are folded, written
// together. One view is one store; the projector writes it, query programs read it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/log_reader.hpp"
#include "runtime/log/event_log.hpp"

namespace everfold {

// Index entries of rows that are parked: this and the row's key (every view's rows are keyed by their aggregate) → why.
// An event of theirs could not be folded; what came later is not folded either, until a version that can folds anew.
inline constexpr std::string_view parked_prefix = "parked/";

class ViewReader {
 public:
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;  // false: enough

  virtual ~ViewReader() = default;
  virtual std::optional<std::string> row(std::string_view key) const = 0;
  // Rows whose key starts with `prefix`, in key order; from `from` on when it is not empty (from ≥ prefix).
  virtual void rows(std::string_view prefix, std::string_view from, const Visit& visit) const = 0;
  virtual void rows_backwards(std::string_view prefix, const Visit& visit) const = 0;
  // Index entries: key → the row's key.
  virtual void index(std::string_view prefix, const Visit& visit) const = 0;
  virtual void index_backwards(std::string_view prefix, const Visit& visit) const = 0;
  virtual LogPosition position(const LogId& log) const = 0;
};

struct ViewBatch {
  std::vector<std::pair<std::string, std::optional<std::string>>> rows;  // nothing: delete
  std::vector<std::pair<std::string, std::string>> index_puts;
  std::vector<std::string> index_deletes;
  std::vector<std::pair<LogId, LogPosition>> positions;
};

// A view as it stood at one moment, while it is written on. Let go of it before its store.
class ViewSnapshot {
 public:
  enum class Part { rows, index };

  virtual ~ViewSnapshot() = default;
  // In key order, from the key `from` on ("": the first).
  virtual void walk(Part part, std::string_view from, const ViewReader::Visit& visit) const = 0;
  virtual LogPosition position(const LogId& log) const = 0;
};

class CheckpointRefused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ViewStore : public ViewReader {
 public:
  // All or nothing, durable against a crash of the process. From any thread.
  virtual void write(const ViewBatch& batch) = 0;
  virtual std::unique_ptr<ViewSnapshot> snapshot() const = 0;
  // A copy of it as it stands, in a directory that is not there yet, with a few words about it for who restores it
  // (ViewShelf::adopt). A directory without them is no finished checkpoint. Throws CheckpointRefused.
  virtual void checkpoint(const std::string& directory, const std::string& about) const = 0;
};

}  // namespace everfold
