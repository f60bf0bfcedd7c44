// The vocabulary of view tests, event by event:
//
//   folding<Orders>("o1").after(placed()).shows("id: 'o1' status: PENDING …").after(reserved()).changes("status:
//   STOCK_RESERVED");
//
// Event n has version n and happens n seconds after 1970; every row is compared whole.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <source_location>
#include <string>
#include <utility>

#include "kernel/projection.hpp"
#include "tests/messages.hpp"

namespace everfold::testing {

template <Projection V>
class Folding {
 public:
  using Row = typename V::Row;

  explicit Folding(std::string aggregate_id) {
    meta_.context = std::string(V::context);
    meta_.aggregate_id = std::move(aggregate_id);
  }

  Folding& after(const typename V::Event& event) {
    meta_.version++;
    meta_.time_ms += 1000;
    row_ = V::fold(std::move(row_), event, meta_);
    return *this;
  }

  Folding& shows(const std::string& text, std::source_location where = std::source_location::current()) {
    expected_ = make<Row>(text);
    return compare(where);
  }

  // What differs from the row shown before; its version and updated_at are taken for granted.
  Folding& changes(const std::string& text, std::source_location where = std::source_location::current()) {
    expected_.MergeFrom(make<Row>(text));
    expected_.set_version(meta_.version);
    if constexpr (requires { expected_.mutable_updated_at(); })
      expected_.mutable_updated_at()->set_seconds(meta_.version);
    return compare(where);
  }

  Folding& shows_nothing(std::source_location where = std::source_location::current()) {
    ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "here");
    EXPECT_FALSE(row_) << "there is { " << row_->ShortDebugString() << " }";
    return *this;
  }

  const Row& row() const { return *row_; }

 private:
  Folding& compare(std::source_location where) {
    ::testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "here");
    EXPECT_TRUE(row_ && same(*row_, expected_)) << "expected { " << expected_.ShortDebugString() << " }\n   folded { "
                                                << (row_ ? row_->ShortDebugString() : "no row") << " }";
    return *this;
  }

  EventMeta meta_;
  std::optional<Row> row_;
  Row expected_;
};

template <Projection V>
Folding<V> folding(std::string aggregate_id) {
  return Folding<V>(std::move(aggregate_id));
}

}  // namespace everfold::testing
