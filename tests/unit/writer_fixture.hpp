// Nodes on logs in memory that do to a writer what Kafka can: linger, lose, orphan, hand over.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command-side/inventory/decider.hpp"
#include "kernel/shard.hpp"
#include "runtime/log/memory_log.hpp"
#include "runtime/writer/memory_event_index.hpp"
#include "runtime/writer/writer.hpp"
#include "saga/checkout/decider.hpp"

namespace everfold::writer_tests {

using inventory::Inventory;

inline constexpr int partitions = 2;

// One node: a writer with its own producer, reader and index, on logs that it may share with others.
struct Node {
  explicit Node(std::shared_ptr<MemoryLogs> shared, std::shared_ptr<MemoryEventIndex> kept = std::make_shared<MemoryEventIndex>())
      : logs(std::move(shared)), source(logs), appender(logs), index(std::move(kept)) {
    std::vector<std::unique_ptr<HostedContext>> contexts;
    contexts.push_back(host<Inventory>());
    contexts.push_back(host<checkout::Checkout>());
    WriterOptions options;
    options.owner = "node";
    options.url = url();
    options.partitions = partitions;
    options.max_queued = 8;
    options.max_in_flight = 2;
    options.snapshot_every = 3;
    writer = std::make_unique<Writer>(options, std::move(contexts), source, appender, *index,
                                      Writer::Edges{[this] { return now_ms; },
                                                    [this] { return now_ms + wall_set_by_ms; },
                                                    [this] { return "nonce-" + std::to_string(++random) + "-" + std::to_string(reinterpret_cast<uintptr_t>(this)); },
                                                    [](std::string_view) {},
                                                    [this](QueuedCommand queued, const std::string& owner_url) {
                                                      elsewhere.emplace_back(std::move(queued), owner_url);
                                                    }});
  }

  void own_all() {
    std::vector<LogId> all;
    for (const char* context : {"inventory", "checkout"})
      for (int shard = 0; shard < partitions; ++shard) all.push_back({context, shard});
    writer->own(all);
    settle();
  }
  void disown_all() {
    writer->own({});
    settle();
  }
  std::string url() const { return "http://" + std::to_string(reinterpret_cast<uintptr_t>(this)); }
  void settle() {
    for (int i = 0; i < 6; ++i) writer->step(0);
  }

  std::shared_ptr<MemoryLogs> logs;
  MemoryLogSource source;
  MemoryLogAppender appender;
  std::shared_ptr<MemoryEventIndex> index;
  int64_t now_ms = 1'000'000;
  int64_t wall_set_by_ms = 0;
  int random = 0;
  std::vector<std::pair<QueuedCommand, std::string>> elsewhere;
  std::unique_ptr<Writer> writer;
};

inline Command command(const std::string& id, const std::string& sku, const Inventory::Command& body) {
  Encoded encoded = encode(body);
  Command made{{}, std::move(encoded.type), std::move(encoded.bytes)};
  made.meta.context = "inventory";
  made.meta.aggregate_id = sku;
  made.meta.id = id;
  made.meta.digest = "digest of " + id;
  return made;
}
inline Inventory::Command receive(int64_t quantity) {
  inventory::v1::ReceiveStock body;
  body.set_quantity(quantity);
  return body;
}
inline Inventory::Command adjust(int64_t delta) {
  inventory::v1::AdjustStock body;
  body.set_delta(delta);
  body.set_reason("counted");
  return body;
}

// What callers heard, in order.
struct Answers {
  std::vector<Outcome> heard;
  Reply next() {
    return [this](Outcome outcome) { heard.push_back(std::move(outcome)); };
  }
  bool done(std::size_t i, int64_t version) const { return i < heard.size() && heard[i] && heard[i].value().version == version; }
  bool refused(std::size_t i, Code code) const { return i < heard.size() && !heard[i] && heard[i].error().code == code; }
};

// The accepted history of a SKU, as a reader that knows nothing but the log sees it.
inline std::vector<StoredEvent> accepted(const std::shared_ptr<MemoryLogs>& logs, const std::string& sku) {
  std::vector<StoredEvent> events;
  for (int shard = 0; shard < partitions; ++shard) {
    MemoryLogSource source(logs);
    LogTail tail({"inventory", shard}, {});
    source.assign({{{"inventory", shard}, 0}});
    source.poll(0, [&](std::size_t, const RecordView& record) {
      if (auto step = tail.feed(record); step.commit)
        for (StoredEvent& event : step.commit->events)
          if (event.meta.aggregate_id == sku) events.push_back(std::move(event));
    });
  }
  return events;
}

class WriterTest : public testing::Test {
 protected:
  std::shared_ptr<MemoryLogs> logs = std::make_shared<MemoryLogs>();
  Node node{logs};
  Answers answers;

  void send(Node& to, const Command& what) { to.writer->submit(what, answers.next()); }
  void send(const Command& what) { send(node, what); }
};

}  // namespace everfold::writer_tests
