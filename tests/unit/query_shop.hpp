// everfold-query without Kafka, RocksDB and network: events are folded into views in memory, requests go straight to
// the routes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/projection.hpp"
#include "platform/http/exchange.hpp"
#include "platform/http/server.hpp"
#include "projections/history/history.hpp"
#include "query-api/http/read_routes.hpp"
#include "runtime/views/memory_view_store.hpp"

namespace everfold::query {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answered {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string text;

  nlohmann::json json() const { return nlohmann::json::parse(text); }
  std::vector<std::string> ids(const std::string& field = "id") const;  // of a list's items, in order
};

// A view that one thread may write and others read.
class GuardedView final : public ViewReader {
 public:
  void write(const ViewBatch& batch);
  void damage() { damaged_ = true; }
  std::optional<std::string> row(std::string_view key) const override;
  void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override;
  void rows_backwards(std::string_view prefix, const Visit& visit) const override;
  void index(std::string_view prefix, const Visit& visit) const override;
  void index_backwards(std::string_view prefix, const Visit& visit) const override;
  LogPosition position(const LogId& log) const override;

 private:
  std::unique_lock<std::recursive_mutex> readable() const;

  std::atomic<bool> damaged_ = false;
  mutable std::recursive_mutex mutex_;  // a visitor may look at other rows
  MemoryViewStore store_;
};

class QueryShop {
 public:
  explicit QueryShop(Pace pace = {.busy = std::chrono::milliseconds(1), .idle = std::chrono::milliseconds(1)});
  ~QueryShop();

  // The event happens: its row, index entries and history are there, and the context's log 0 is one longer.
  template <Projection View>
  void record(const std::string& id, const typename View::Event& event, int64_t at_ms, const std::string& actor = "");

  // An event of the row cannot be folded.
  void park(std::string_view view, const std::string& key, const std::string& why) {
    ViewBatch batch;
    batch.index_puts.emplace_back(std::string(parked_prefix) + key, why);
    stores_.find(view)->second->write(batch);
  }

  Answered get(const std::string& target, Headers headers = {});
  // Without waiting; the answer comes by await_answer().
  void send(const std::string& target, Headers headers = {});
  Answered await_answer();
  bool answered_already();

  Headers as(const std::string& subject, const std::string& role = "user") const;
  Headers as_staff() const { return as("sam", "seller"); }
  std::string order_token(const std::string& order_id) const { return tokens_.make_order_token(order_id); }
  std::string position(const std::string& context, int64_t events_more = 0) const;  // of log 0
  void take_away_views() { there_ = false; }
  void damage_views();                       // from now on their rows cannot be read
  std::vector<std::string> take_warnings();  // those that no test takes are failures
  const LiveViews& views() const { return views_; }
  const http::Router& router() const { return router_; }

 private:
  std::vector<FollowedView> followed();

  std::atomic<bool> there_ = true;
  std::mutex warnings_mutex_;
  std::vector<std::string> warnings_;
  std::map<std::string, std::shared_ptr<GuardedView>, std::less<>> stores_;
  std::map<std::string, int64_t> versions_;              // by "context/id"
  std::map<std::string, int64_t, std::less<>> offsets_;  // of log 0, by context
  auth::TokenVerifier tokens_;
  LiveViews views_;
  WorkerPool pool_{1, 16};
  http::Router router_;
  std::shared_ptr<http::Mailbox> mailbox_ = std::make_shared<http::Mailbox>();
  std::vector<http::Mailbox::Answer> answers_;
};

template <Projection View>
void QueryShop::record(const std::string& id, const typename View::Event& event, int64_t at_ms,
                       const std::string& actor) {
  const std::string context(View::context);
  const auto encoded = encode(event);
  EventMeta meta;
  meta.id = id + "-command.1";
  meta.type = encoded.type;
  meta.context = context;
  meta.aggregate_id = id;
  meta.version = ++versions_[context + "/" + id];
  meta.time_ms = at_ms;
  meta.correlation_id = "correlation-of-" + id;
  meta.actor = actor;
  const ViewBatch position{{}, {}, {}, {{LogId{context, 0}, LogPosition{++offsets_[context], 1, 1}}}};

  auto& view = *stores_.at(std::string(View::name));
  ViewBatch batch = position;
  std::optional<typename View::Row> row;
  if (const auto bytes = view.row(id)) row.emplace().ParseFromString(*bytes);
  row = View::fold(std::move(row), event, meta);
  batch.rows.emplace_back(id, row ? std::optional(row->SerializeAsString()) : std::nullopt);
  if constexpr (Indexed<View>)
    for (const auto& key : View::index_keys_of(*row)) batch.index_puts.emplace_back(key, id);
  view.write(batch);

  batch = position;
  const auto entry = history::History::fold({}, {encoded.bytes}, meta);
  batch.rows.emplace_back(history::history_key(context, id, meta.version), entry->SerializeAsString());
  stores_.at(std::string(history::History::name))->write(batch);
}

}  // namespace everfold::query
