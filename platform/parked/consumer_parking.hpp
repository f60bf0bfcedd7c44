// The parking of one consumer group with everything real around it: its topic, its log lines, its metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/kafka/log_source.hpp"
#include "runtime/parking/parking.hpp"

namespace everfold::parked {

class ConsumerParking {
 public:
  // `source`: what the group reads, event or command topics of `contexts`. The parking topic must be there
  // (kafka::ensure_topics). `edges.tell` is made here.
  ConsumerParking(const kafka::KafkaOptions& kafka, const std::string& group, kafka::Topics source,
                  std::vector<std::string> contexts, Parking::Edges edges);

  Parking& parking() { return parking_; }
  void publish_metrics() const;

 private:
  std::unique_ptr<LogSource> source_;
  std::unique_ptr<LogAppender> appender_;
  std::unique_ptr<RecordFetcher> fetcher_;
  Parking parking_;
};

}  // namespace everfold::parked
