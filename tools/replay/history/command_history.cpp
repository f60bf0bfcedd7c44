#include "tools/replay/history/command_history.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace everfold::replay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int metadata_timeout_ms = 15'000;
constexpr int poll_ms = 100;
constexpr std::chrono::seconds patience{30};

}  // namespace

CommandHistory::CommandHistory(const kafka::KafkaOptions& options, std::vector<LogId> logs)
    : CommandHistory(Ports{[options](const std::vector<LogId>& asked) {
                             return kafka::extents(options, kafka::Topics::commands, asked, metadata_timeout_ms);
                           },
                           [options] {
                             return kafka::make_log_source(options, kafka::Reading::bulk, note,
                                                           kafka::Topics::commands);
                           }},
                     std::move(logs)) {}

void CommandHistory::read(const Sink& sink, const std::stop_token& stop, ProgressLine* progress) {
  if (!limited_) extents_ = ports_.extents(logs_);
  std::vector<std::pair<LogId, int64_t>> from;
  std::vector<int64_t> ends;
  int64_t total = 0;
  incomplete_ = false;
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    incomplete_ = incomplete_ || extents_[i].begin > 0;
    if (extents_[i].begin >= extents_[i].end) continue;
    from.emplace_back(logs_[i], extents_[i].begin);
    ends.push_back(extents_[i].end);
    total += extents_[i].end - extents_[i].begin;
  }
  if (from.empty()) return;
  if (progress) progress->begin("commands", total);
  const auto source = ports_.source();
  source->assign(from);
  struct Taken {
    std::size_t log;
    int64_t offset;
    Command command;
  };
  std::vector<Taken> taken;  // the sink may throw, which nothing inside a source's poll may
  auto heard = Clock::now();
  for (std::size_t open = from.size(); open > 0 && !stop.stop_requested();) {
    int64_t fed = 0;
    source->poll(poll_ms, [&](std::size_t i, const RecordView& record) {
      if (record.offset >= ends[i]) return;  // read ahead
      ++fed;
      if (record.offset + 1 == ends[i]) --open;
      if (auto command = command_of(record, from[i].first.context))
        taken.push_back({i, record.offset, *std::move(command)});
    });
    for (Taken& each : taken)
      if (!sink(from[each.log].first, each.offset, std::move(each.command))) return;
    taken.clear();
    if (progress) fed > 0 ? progress->advance(fed) : progress->look();
    if (fed > 0) heard = Clock::now();
    if (Clock::now() - heard > patience)
      throw std::runtime_error(
          "Kafka has delivered nothing of the command topics for 30 s; is a broker away? Run it again when it is back");
  }
  if (progress) progress->end();
}

}  // namespace everfold::replay
