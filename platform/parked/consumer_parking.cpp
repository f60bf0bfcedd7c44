#include "platform/parked/consumer_parking.hpp"

#include <utility>

#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"

namespace everfold::parked {
namespace {

void warn(std::string_view sentence) { logging::warn(sentence); }

// The audit: who skipped what and why stays in the log, whatever the topic forgets.
void tell(const std::string& consumer, std::string_view what, const Parked& parked) {
  std::string sentence = "parked record: " + std::string(what);
  if (!parked.message.empty()) sentence += ": " + parked.message;
  if (parked.skipped) sentence += "; skipped by " + parked.skipped->by + ": " + parked.skipped->reason;
  logging::warn(sentence,
                {{"consumer", consumer}, {"record", to_string(parked.at)}, {"aggregate", parked.aggregate_id},
                 {"type", parked.type}, {"id", parked.id}, {"why", to_string(parked.why)}, {"tries", parked.tries}},
                {parked.correlation_id, "", parked.skipped ? parked.skipped->by : ""});
}

Parking::Edges telling(Parking::Edges edges, const std::string& consumer) {
  edges.tell = [consumer](std::string_view what, const Parked& parked) { tell(consumer, what, parked); };
  return edges;
}

}  // namespace

ConsumerParking::ConsumerParking(const kafka::KafkaOptions& kafka, const std::string& group, kafka::Topics source,
                                 std::vector<std::string> contexts, Parking::Edges edges)
    : source_(kafka::make_log_source(kafka, kafka::Reading::low_latency, warn, kafka::Topics::parked)),
      appender_(kafka::make_log_appender(kafka, warn, kafka::Topics::parked)),
      fetcher_(kafka::make_record_fetcher(kafka, source, warn)),
      parking_(group, std::move(contexts), kafka.partitions, {*source_, *appender_, *fetcher_},
               telling(std::move(edges), group)) {}

void ConsumerParking::publish_metrics() const {
  constexpr double ms_per_s = 1000;
  for (const auto& [context, count] : parking_.counts()) {
    const auto publish = [&, of = context](const char* name, const char* help, double value) {
      metrics::gauge(name, help, {{"consumer", parking_.consumer()}, {"context", of}}).set(value);
    };
    publish("everfold_parked", "Records that could not be handled, and those behind them, of this node's shards",
            static_cast<double>(count.records));
    publish("everfold_parked_keys", "Aggregates that are parked, of this node's shards", static_cast<double>(count.keys));
    publish("everfold_parked_oldest_seconds", "How long the oldest has been parked",
            static_cast<double>(count.oldest_ms) / ms_per_s);
    publish("everfold_parked_unlooked_seconds", "How long the oldest has been parked that nobody has looked at",
            static_cast<double>(count.unlooked_ms) / ms_per_s);
  }
}

}  // namespace everfold::parked
