// bench-orders-log: writes the past orders (order_history.hpp) into the orders' event topic, as everfold-command would
// have; lists them; or checks that a view which was folded from that topic has them all, to the field.
#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/figures.hpp"
#include "bench/order_history.hpp"
#include "kernel/shard.hpp"
#include "platform/config/command_line.hpp"
#include "platform/json/object.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "schemas/orders/v1/views.pb.h"

namespace everfold::bench {
namespace {

constexpr int topics_timeout_ms = 30'000;
constexpr std::size_t most_in_flight = 50'000;
constexpr int64_t orders_at_a_time = 1'000;  // whose events lie between each other's in the log
constexpr const char* context = "orders";

struct Settings {
  config::Options common;
  int64_t orders = 75'000;
  bool list = false, check = false;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("bench-orders-log", "Writes past orders into the orders' event topic.", settings.common);
  line.kafka().topics().views("");
  line.number("orders", settings.orders, 1, 100'000'000, "How many")
      .flag("list", settings.list, "Print them instead, one JSON object a line")
      .flag("check", settings.check, "Check the view in --views-dir against them instead");
  line.parse_or_exit(argc, argv);
  return settings;
}

void warn(std::string_view sentence) { std::cerr << "bench-orders-log: " << sentence << '\n'; }

class OrdersLog {
 public:
  explicit OrdersLog(const kafka::KafkaOptions& options)
      : partitions_(options.partitions),
        next_commit_(static_cast<std::size_t>(options.partitions), 1),
        appender_(kafka::make_log_appender(options, warn)) {
    for (int shard = 0; shard < partitions_; ++shard)
      append({context, shard}, term_record({context, shard}, 1, "bench", "", "bench", 0));
  }

  void append(const StoredEvent& event) {
    const int shard = shard_of(event.meta.aggregate_id, partitions_);
    append({context, shard}, event_record(event, {1, next_commit_[static_cast<std::size_t>(shard)]++, 1, 1}));
  }

  void await_fewer_in_flight(std::size_t count) {
    do {
      if (appender_->in_doubt()) throw std::runtime_error("Kafka did not take every record");
    } while (appender_->in_flight() > count);
  }

 private:
  void append(const LogId& log, OutgoingRecord record) {
    if (appender_->in_flight() > most_in_flight) await_fewer_in_flight(most_in_flight / 2);
    appender_->append(log, std::move(record));
  }

  const int partitions_;
  std::vector<int64_t> next_commit_;
  std::unique_ptr<LogAppender> appender_;
};

void write(const Settings& settings) {
  const config::Options& o = settings.common;
  const kafka::KafkaOptions options{o.brokers, o.prefix, o.partitions, o.replication_factor, o.min_insync_replicas};
  if (const auto refusal = kafka::ensure_topics(options, {context}, topics_timeout_ms))
    throw std::runtime_error(*refusal);
  OrdersLog log(options);
  std::mt19937_64 random(1);  // the same log every time
  for (int64_t first = 0; first < settings.orders; first += orders_at_a_time) {
    std::vector<PastOrder> open;
    for (int64_t place = first; place < std::min(first + orders_at_a_time, settings.orders); ++place)
      open.push_back(past_order(place));
    for (int version = 1; version <= events_of_an_order; ++version) {
      std::shuffle(open.begin(), open.end(), random);
      for (const PastOrder& order : open) log.append(past_event(order, version));
    }
  }
  log.await_fewer_in_flight(0);
  std::cout << "{\"events\": " << settings.orders * events_of_an_order << "}\n";
}

void list(const Settings& settings) {
  for (int64_t place = 0; place < settings.orders; ++place) {
    const PastOrder order = past_order(place);
    json::Object object;
    object.text("id", order.id)
        .text("orderNumber", order.number)
        .number("lines", static_cast<int64_t>(order.lines.size()))
        .number("total", order.total);
    if (order.customer_id) object.text("customerId", *order.customer_id);
    std::cout << object.str() << '\n';
  }
}

// Empty: the row says what happened.
std::string difference(const orders::v1::OrderRow& row, const PastOrder& order) {
  using Row = orders::v1::OrderRow;
  if (row.id() != order.id || row.order_number() != order.number) return "its id or number";
  if (row.has_customer_id() != order.customer_id.has_value() || row.customer_id() != order.customer_id.value_or(""))
    return "its customer";
  if (row.cart_id() != order.cart_id) return "its cart";
  if (row.status() != Row::CONFIRMED || row.version() != events_of_an_order) return "its status or version";
  if (row.total().amount() != order.total || row.total().currency() != currency) return "its total";
  if (row.payment().status() != orders::v1::OrderPayment::CAPTURED) return "its payment";
  if (row.placed_at().seconds() != order.placed_ms / 1'000 ||
      row.updated_at().seconds() != time_of(order, events_of_an_order) / 1'000)
    return "its times";
  const bool same_lines = std::equal(row.lines().begin(), row.lines().end(), order.lines.begin(), order.lines.end(),
                                     [](const orders::v1::OrderLine& shown, const OrderLine& line) {
                                       return shown.sku() == line.sku && shown.name() == line.name &&
                                              shown.quantity() == line.quantity &&
                                              shown.line_total().amount() == line.quantity * line.unit_price;
                                     });
  return same_lines ? "" : "its lines";
}

void check_view(const Settings& settings) {
  const RocksMemory memory;
  RocksViewShelf shelf(settings.common.views_dir, context, memory);
  const auto opened = shelf.open(shelf.live());
  for (int64_t place = 0; place < settings.orders; ++place) {
    const PastOrder order = past_order(place);
    const auto bytes = opened.store->row(order.id);
    orders::v1::OrderRow row;
    if (!bytes || !row.ParseFromString(*bytes)) throw std::runtime_error("the view has no order " + order.id);
    if (const auto wrong = difference(row, order); !wrong.empty())
      throw std::runtime_error("the view is wrong about order " + order.id + ": " + wrong);
  }
  int64_t rows = 0;
  opened.store->rows("", "", [&](std::string_view, std::string_view) { return ++rows, true; });
  if (rows != settings.orders) throw std::runtime_error("the view has " + std::to_string(rows) + " rows");
  std::cout << "{\"rows\": " << rows << "}\n";
}

}  // namespace
}  // namespace everfold::bench

int main(int argc, char** argv) {
  using namespace everfold::bench;
  const auto settings = settings_of(argc, argv);
  return run("bench-orders-log", [&] {
    if (settings.list)
      list(settings);
    else if (settings.check)
      check_view(settings);
    else
      write(settings);
  });
}
