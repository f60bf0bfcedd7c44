#include "tests/simulator/log_ports.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace everfold::simulator {

void SimLogSource::assign(std::vector<std::pair<LogId, int64_t>> logs) {
  if (!process_.touch()) return;
  places_.clear();
  for (const auto& [log, offset] : logs) places_.push_back({&kafka_.at(topic_, log), offset});
}

void SimLogSource::fetch() {
  if (!kafka_.up || !process_.reaches_kafka()) return;
  Random& random = process_.universe->random;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    Place& place = places_[i];
    int64_t until = place.partition->high_watermark();
    place.known_end = until;
    if (random.permille(kafka_.faults().truncate)) until = random.between(place.next, std::max(place.next, until));
    for (; place.next < until; ++place.next)
      fetched_.push_back({i, place.next, place.partition->records[static_cast<std::size_t>(place.next)]});
  }
}

std::size_t SimLogSource::poll(int, const Sink& sink) {
  if (!process_.touch()) return 0;
  Random& random = process_.universe->random;
  if (random.one_in(2)) fetch();
  std::size_t most = fetched_.size();
  if (most > 0 && random.permille(kafka_.faults().truncate)) most = static_cast<std::size_t>(random.between(1, 3));
  std::size_t records = 0;
  for (; records < most && !fetched_.empty(); ++records) {
    const Fetched next = std::move(fetched_.front());
    fetched_.pop_front();
    sink(next.place, next.record->at(next.offset));
  }
  return records;
}

// As the last fetch said, which may be long ago; a log that was never fetched must be asked for.
int64_t SimLogSource::end_offset(const LogId& log, int) {
  if (!process_.touch()) return 0;
  for (const Place& place : places_)
    if (place.partition->log == log && place.known_end >= 0) return place.known_end;
  if (!kafka_.up || !process_.reaches_kafka()) throw std::runtime_error("the end of log " + to_string(log) + " cannot be learnt");
  return kafka_.at(topic_, log).high_watermark();
}

std::vector<WantedPosition> SimLogSource::end_positions(int) {
  if (!process_.touch()) return {};
  if (!kafka_.up || !process_.reaches_kafka()) throw std::runtime_error("the ends of the logs cannot be learnt");
  std::vector<WantedPosition> ends;
  for (const Place& place : places_) ends.push_back({place.partition->log, place.partition->high_watermark()});
  return ends;
}

bool SimLogSource::at_end() const {
  return fetched_.empty() && std::ranges::all_of(places_, [](const Place& place) {
           return place.next == place.partition->high_watermark();
         });
}

}  // namespace everfold::simulator
