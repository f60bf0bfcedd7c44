// Is everything done that an installation's events ask for? Then whoever goes on from a copy of them need not do any of
// it again: every event has been handled by the translators and the payment gateway, every command that they sent has
// been decided, nothing is parked, and nothing was written meanwhile.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel/log_reader.hpp"
#include "platform/kafka/options.hpp"

namespace everfold::replay {

// What is still open, a sentence each; empty: it is at rest. `read`: every log of the installation, and how far it has
// been read. That is compared last, so that what is said holds of exactly the events before these positions. Throws
// std::runtime_error when Kafka does not tell.
std::vector<std::string> what_is_open(const kafka::KafkaOptions& options,
                                      const std::vector<std::pair<LogId, LogPosition>>& read);

}  // namespace everfold::replay
