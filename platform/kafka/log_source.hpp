// Kafka's side of the ports in runtime/log/event_log.hpp and runtime/log/group_source.hpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/kafka/options.hpp"
#include "runtime/log/group_source.hpp"
#include "runtime/log/record_fetcher.hpp"

namespace everfold::kafka {

using Warn = std::function<void(std::string_view sentence)>;  // what librdkafka reports and heals by itself

enum class Reading {
  low_latency,  // a writer's or projector's tail
  bulk,         // rebuilds and catching up: queues for more than a second of folding (docs/decisions/0005)
};

// Reads partitions of event topics. Ends the program when a wanted offset is out of range: the log was truncated or recreated.
std::unique_ptr<LogSource> make_log_source(const KafkaOptions& options, Reading reading, Warn warn,
                                           Topics topics = Topics::events);

// One idempotent producer a session, acks=all, no linger, unlimited delivery time: a record is only given up by new_session().
// Of a parking topic: a record without a value is a tombstone.
std::unique_ptr<LogAppender> make_log_appender(const KafkaOptions& options, Warn warn, Topics topics = Topics::events);

// Reads single records of event or command topics again. It connects when it is first asked.
std::unique_ptr<RecordFetcher> make_record_fetcher(const KafkaOptions& options, Topics topics, Warn warn);

// `topics`: the contexts whose event topics (or command topics) the group shares. Eager range assignment: the same partition of every
// topic goes to the same member.
std::unique_ptr<GroupSource> make_group_source(const KafkaOptions& options, const std::string& group, Topics topics,
                                               const std::vector<std::string>& contexts, Warn warn);

// `contexts`: to whose command topics it will send. It asks for their metadata at once, because a first record to a topic that librdkafka
// does not know yet waits for up to a second.
std::unique_ptr<CommandSender> make_command_sender(const KafkaOptions& options, const std::vector<std::string>& contexts,
                                                   Warn warn);

}  // namespace everfold::kafka
