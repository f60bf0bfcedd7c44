// What holds for every view, whatever the events: they are filled in at random, sense or not, because a fold is total.
#include <gtest/gtest.h>

#include <random>

#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/checkout/checkouts.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "runtime/views/view_fold.hpp"
#include "tests/written_log.hpp"

namespace everfold {
namespace {

using Random = std::mt19937;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

int pick(Random& random, int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); }

void fill(Message& message, Random& random);

void fill(Message& message, const FieldDescriptor& field, Random& random) {
  const auto& reflection = *message.GetReflection();
  if (field.is_map()) return;
  const int times = field.is_repeated() ? pick(random, 3) : 1;
  for (int i = 0; i < times; ++i) {
    const bool many = field.is_repeated();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      const std::string text(1, static_cast<char>('a' + pick(random, 3)));
      many ? reflection.AddString(&message, &field, text) : reflection.SetString(&message, &field, text);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      reflection.SetInt64(&message, &field, pick(random, 100) - 10);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      reflection.SetBool(&message, &field, pick(random, 2) == 1);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      reflection.SetEnumValue(&message, &field, pick(random, field.enum_type()->value_count()));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      fill(many ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field), random);
    }
  }
}

void fill(Message& message, Random& random) {
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i)
    if (pick(random, 5) > 0) fill(message, *descriptor.field(i), random);
}

template <class Event, std::size_t I = 0>
Event random_event(std::size_t alternative, Random& random) {
  if constexpr (I + 1 < std::variant_size_v<Event>)
    if (alternative != I) return random_event<Event, I + 1>(alternative, random);
  std::variant_alternative_t<I, Event> message;
  fill(message, random);
  return message;
}

// The events that a view's log holds; the history's may be anybody's.
template <class V>
struct EventsOf {
  using type = typename V::Event;
};
template <>
struct EventsOf<history::History> {
  using type = inventory::Event;
};

template <class V>
class ViewLaws : public ::testing::Test {
 protected:
  using Event = typename EventsOf<V>::type;

  void SetUp() override {
    const std::string context = V::context == every_context ? "inventory" : std::string(V::context);
    for (int shard = 0; shard < 2; ++shard) logs_.push_back({context, shard});
    for (const LogId& log : logs_) {
      testing::WrittenLog writer(memory_, log);
      for (int i = 0; i < 150; ++i) {
        const std::string aggregate = std::to_string(log.shard) + "-" + std::to_string(pick(random_, 6));
        std::vector<Event> events;
        for (int n = pick(random_, 3); n >= 0; --n)
          events.push_back(
              random_event<Event>(static_cast<std::size_t>(pick(random_, std::variant_size_v<Event>)), random_));
        writer.commit(aggregate, events);
        if (pick(random_, 20) == 0) writer.start_term(1000 + i);
      }
    }
  }

  // Feeds records one by one; `write` says when a batch ends, `crash` when everything since the last write is lost.
  void fold_into(MemoryViewStore& store, const std::function<bool()>& write, const std::function<bool()>& crash,
                 std::size_t cache_bytes = 1 << 20) {
    FoldedView<V> view(cache_bytes);
    auto fold = std::make_unique<ViewFold>(view, store, logs_);
    std::vector<int64_t> next = offsets(*fold);
    while (!fold->reached(ends())) {
      for (std::size_t log = 0; log < logs_.size(); ++log) {
        const auto record = memory_->at(logs_[log], next[log]);
        if (!record) continue;
        const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
        fold->take(log, {next[log]++, record->key, record->value, headers});
      }
      fold->fold();
      if (write()) fold->write();
      if (!crash()) continue;
      fold = std::make_unique<ViewFold>(view, store, logs_);
      next = offsets(*fold);
    }
    fold->write();
  }

  static std::vector<int64_t> offsets(const ViewFold& fold) {
    std::vector<int64_t> offsets;
    for (const auto& [log, offset] : fold.positions()) offsets.push_back(offset);
    return offsets;
  }
  std::vector<int64_t> ends() {
    std::vector<int64_t> ends;
    for (const LogId& log : logs_) ends.push_back(memory_->end(log));
    return ends;
  }
  std::function<bool()> one_in(int n) {
    return [this, n] { return pick(random_, n) == 0; };
  }
  static void expect_same(const MemoryViewStore& a, const MemoryViewStore& b) {
    EXPECT_FALSE(a.all_rows().empty());
    EXPECT_EQ(a.all_rows(), b.all_rows());
    EXPECT_EQ(a.all_index(), b.all_index());
  }

  Random random_{4711};
  std::shared_ptr<MemoryLogs> memory_ = std::make_shared<MemoryLogs>();
  std::vector<LogId> logs_;
};

using AllViews = ::testing::Types<catalog::Products, inventory::Stock, carts::Carts, orders::Orders, payments::Payments,
                                  checkout::Checkouts, history::History>;
TYPED_TEST_SUITE(ViewLaws, AllViews);

bool never() { return false; }
bool always() { return true; }

TYPED_TEST(ViewLaws, RowsDoNotDependOnWhereBatchesEnd) {
  MemoryViewStore whole, single, some;
  this->fold_into(whole, never, never);
  this->fold_into(single, always, never);
  this->fold_into(some, this->one_in(7), never);
  this->expect_same(whole, single);
  this->expect_same(whole, some);
}

TYPED_TEST(ViewLaws, RowsDoNotDependOnCrashesBetweenBatches) {
  MemoryViewStore whole, crashed;
  this->fold_into(whole, never, never);
  this->fold_into(crashed, this->one_in(3), this->one_in(10));
  this->expect_same(whole, crashed);
}

TYPED_TEST(ViewLaws, RowsDoNotDependOnWhatTheCacheKeeps) {
  MemoryViewStore cached, uncached;
  this->fold_into(cached, this->one_in(3), never);
  this->fold_into(uncached, this->one_in(3), never, 0);
  this->expect_same(cached, uncached);
}

// The store has the batch, and the reader is given the same records again: the positions say so.
TYPED_TEST(ViewLaws, ABatchDeliveredTwiceLeavesTheSameRows) {
  MemoryViewStore once, twice;
  this->fold_into(once, always, never);
  this->fold_into(twice, this->one_in(2), never);
  this->fold_into(twice, always, never);
  this->expect_same(once, twice);
}

// Every index entry leads to a row that has it, and every row has all of its entries.
TYPED_TEST(ViewLaws, TheIndexIsWhatTheRowsSay) {
  MemoryViewStore store;
  this->fold_into(store, this->one_in(3), this->one_in(10), 0);
  MemoryViewStore::Sorted expected;
  if constexpr (Indexed<TypeParam>) {
    for (const auto& [key, bytes] : store.all_rows()) {
      typename TypeParam::Row row;
      ASSERT_TRUE(row.ParseFromString(bytes));
      for (const auto& index_key : TypeParam::index_keys_of(row)) expected[index_key] = key;
    }
    EXPECT_FALSE(expected.empty());
  }
  EXPECT_EQ(store.all_index(), expected);
}

}  // namespace
}  // namespace everfold
