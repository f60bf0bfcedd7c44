#include "tools/replay/copy.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "platform/json/object.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "tools/replay/copying/copy_target.hpp"
#include "tools/replay/copying/event_map.hpp"
#include "tools/replay/history/at_rest.hpp"
#include "tools/replay/history/event_types.hpp"
#include "tools/replay/history/merged_history.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kafka_timeout_ms = 30'000;
constexpr std::size_t most_open = 20'000;  // commits on their way
constexpr int commits_between_reads = 1'000;
constexpr std::chrono::seconds time_to_rest{10};
constexpr std::chrono::milliseconds look_again_after{200};

struct CopyOptions {
  std::string to, to_brokers;
  int to_partitions = 0;
  int replication_factor = 1, min_insync_replicas = 1;
  std::vector<std::string> contexts;
  std::string since, until;  // see parse_when
  std::string speed = "max";
  std::string map;
};

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
}
int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string random_nonce() {
  constexpr std::string_view hex = "0123456789abcdef";
  std::random_device random;
  std::string nonce;
  for (int i = 0; i < 32; ++i) nonce += hex[random() & 15];
  return nonce;
}

// 0: max.
double parse_speed(const std::string& text) {
  if (text == "max") return 0;
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error != std::errc{} || end != text.data() + text.size() || !(speed > 0))
    throw UsageError("--speed " + text + ": give max, 1 for the original pace, or how many times as fast");
  return speed;
}

// When what is due: the first commit that is copied is due at once.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed) {}
  bool is_max() const { return speed_ == 0; }
  int64_t wait_ms(int64_t time_ms) {
    if (is_max()) return 0;
    if (!began_) began_.emplace(steady_ms(), time_ms);
    return began_->first + static_cast<int64_t>(static_cast<double>(time_ms - began_->second) / speed_) - steady_ms();
  }

 private:
  const double speed_;
  std::optional<std::pair<int64_t, int64_t>> began_;  // now, and the first commit's time
};

class Copy {
 public:
  Copy(const CopyOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        pace_(parse_speed(options.speed)),
        since_(parse_when_given(options.since, "--since")),
        until_(parse_when_given(options.until, "--until")) {
    if (!options.map.empty()) map_.emplace(options.map);
    target_kafka_ = tool.kafka;
    target_kafka_.prefix = options.to;
    if (!options.to_brokers.empty()) target_kafka_.brokers = options.to_brokers;
    target_kafka_.replication_factor = options.replication_factor;
    target_kafka_.min_insync_replicas = options.min_insync_replicas;
    if (options.to == tool.kafka.prefix && target_kafka_.brokers == tool.kafka.brokers)
      throw UsageError("--to " + options.to +
                       " is the source itself: give another prefix, or --to-brokers of another cluster");
  }

  int run() {
    choose_logs();
    if (const auto refusal = kafka::ensure_topics(target_kafka_, contexts_, kafka_timeout_ms))
      throw std::runtime_error("the target: " + *refusal);
    const auto target_source = kafka::make_log_source(target_kafka_, kafka::Reading::low_latency, note);
    const auto appender = kafka::make_log_appender(target_kafka_, note);
    CopyTarget target({contexts_, target_kafka_.partitions, rules()}, *target_source, *appender,
                      {wall_ms, steady_ms, random_nonce});
    if (!target.look(tool_.stop)) return interrupted(target);
    if (!target.take_over(tool_.stop)) return interrupted(target);

    const auto source =
        kafka::make_log_source(tool_.kafka, pace_.is_max() ? kafka::Reading::bulk : kafka::Reading::low_latency, note);
    MergedHistory history(logs_, *source,
                          pace_.is_max() ? MergedHistory::Order::as_it_comes : MergedHistory::Order::by_time);
    for (const auto deadline = Clock::now() + time_to_rest;; history.go_on()) {
      if (!copy(history, target)) return interrupted(target);
      if (!is_whole()) break;
      open_ = what_is_open(tool_.kafka, history.positions());
      if (open_.empty() || tool_.stop.stop_requested() || Clock::now() > deadline) break;
      std::this_thread::sleep_for(look_again_after);
    }
    const bool may_begin = is_whole() && open_.empty();
    say_how_it_ended(target, may_begin);
    return may_begin || !is_whole() ? exit_ok : exit_found;
  }

 private:
  void choose_logs() {
    const auto partitions = kafka::event_partitions(tool_.kafka, event_contexts(), kafka_timeout_ms);
    if (partitions.empty())
      throw std::runtime_error("there are no event topics " + kafka::event_topic(tool_.kafka, "…") + " in Kafka at " +
                               tool_.kafka.brokers);
    for (const std::string& context : options_.contexts)
      if (!partitions.contains(context))
        throw std::runtime_error("there is no context " + context + " here: it has no event topic");
    all_contexts_ = options_.contexts.empty() || options_.contexts.size() == partitions.size();
    for (const auto& [context, count] : partitions) {
      if (!options_.contexts.empty() && std::ranges::find(options_.contexts, context) == options_.contexts.end())
        continue;
      contexts_.push_back(context);
      for (int shard = 0; shard < count; ++shard) logs_.push_back({context, shard});
      target_kafka_.partitions = options_.to_partitions > 0 ? options_.to_partitions : count;
    }
  }

  // What a later run must share to go on with this one.
  std::string rules() const {
    json::Object rules;
    if (since_) rules.text("since", format_time(*since_));
    if (until_) rules.text("until", format_time(*until_));
    if (map_) rules.text("map", options_.map);
    return rules.str();
  }

  bool is_whole() const { return all_contexts_ && !since_ && !until_; }

  // To the ends that the source's logs had. False: stopped before.
  bool copy(MergedHistory& history, CopyTarget& target) {
    progress_.begin("copy", history.records_total() - history.records_read());
    int since_read = 0;
    for (int64_t read = history.records_read(); auto next = history.next(tool_.stop); read = history.records_read()) {
      progress_.advance(history.records_read() - read);
      const int64_t time_ms = next->commit.events.front().meta.time_ms;
      if ((since_ && time_ms < *since_) || (until_ && time_ms >= *until_)) continue;
      if (!target.lacks(next->log, next->origin, next->commit)) continue;
      if (!wait_for(time_ms, target)) return false;
      if (map_)
        for (StoredEvent& event : next->commit.events) map_->apply(next->log, event);
      target.append(next->log, next->origin, next->commit);
      copied_ += static_cast<int64_t>(next->commit.events.size());
      if (++since_read < commits_between_reads) continue;
      since_read = 0;
      if (!target.read_back(most_open, tool_.stop)) return false;
    }
    const bool whole = !tool_.stop.stop_requested() && target.read_back(0, tool_.stop);
    progress_.end();
    return whole;
  }

  bool wait_for(int64_t time_ms, CopyTarget& target) {
    constexpr int64_t glance_ms = 200;
    for (int64_t left = pace_.wait_ms(time_ms); left > 0; left = pace_.wait_ms(time_ms)) {
      if (tool_.stop.stop_requested()) return false;
      target.read_for(std::min(left, glance_ms));
      progress_.look();
    }
    return true;
  }

  int interrupted(const CopyTarget& target) {
    progress_.end();
    note("interrupted: " + grouped(target.events_there()) +
         " events are in the target. Run the same copy again: it goes on where this one stopped");
    return exit_found;
  }

  void say_how_it_ended(const CopyTarget& target, bool may_begin) const {
    json::Object said;
    said.number("copied", copied_).number("inTarget", target.events_there()).boolean("mayBeStarted", may_begin);
    std::string open;
    for (const std::string& sentence : open_) open += (open.empty() ? "" : ",") + json::quoted(sentence);
    std::cout << said.json("open", "[" + open + "]").str() << std::endl;
    note(grouped(copied_) + " events were copied, " + grouped(target.events_there()) + " are in " +
         target_kafka_.prefix);
    if (may_begin)
      return note("an Everfold may be started on it: --prefix " + target_kafka_.prefix + " --partitions " +
                  std::to_string(target_kafka_.partitions));
    if (!is_whole()) return note("it is a part of the history: start views and queries on it, and no everfold-saga");
    note(
        "do not start an Everfold on it yet: what the source has not done by now would never be done there. Stop its "
        "clients, leave its programs running, and run the same copy again:");
    for (const std::string& sentence : open_) note("  " + sentence);
  }

  const CopyOptions& options_;
  const Tool& tool_;
  Pace pace_;
  const std::optional<int64_t> since_, until_;
  std::optional<EventMap> map_;
  kafka::KafkaOptions target_kafka_;
  bool all_contexts_ = true;
  std::vector<std::string> contexts_;
  std::vector<LogId> logs_;
  ProgressLine progress_;
  int64_t copied_ = 0;
  std::vector<std::string> open_;
};

}  // namespace

void add_copy(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<CopyOptions>();
  CLI::App& command =
      *app.add_subcommand("copy", "The accepted history into other topics, another cluster, or more partitions");
  command.footer(
      "The copy is clean: one term a run and log, no void records; ids, times and versions stay. It goes on where it "
      "was\n"
      "interrupted, without duplicates; the target alone says how far it has come. A target that is no copy of this\n"
      "source is refused. When the source is at rest (nothing parked, nothing on its way) an Everfold may be started "
      "on\n"
      "the copy; exit status 1 says that it was not. docs/replay.md");
  command.add_option("--to", options->to, "The prefix of the target's topics, which are made")
      ->required()
      ->check([](const std::string& text) {
        constexpr std::string_view usable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        return !text.empty() && text.size() <= 100 && text.find_first_not_of(usable) == std::string::npos
                   ? std::string()
                   : "must be 1 to 100 letters, digits, '.', '_' or '-'";
      });
  command.add_option("--to-brokers", options->to_brokers, "Of another cluster; unless given, the source's");
  command
      .add_option("--to-partitions", options->to_partitions,
                  "Of the target's topics; unless given, as many as the source has")
      ->check(CLI::Range(1, 1024));
  command.add_option("--to-replication-factor", options->replication_factor, "Of the target's topics")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--to-min-insync-replicas", options->min_insync_replicas, "Of the target's topics")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_option("--context", options->contexts, "Only these contexts")
      ->delimiter(',')
      ->check(CLI::IsMember(event_contexts()));
  command.add_option("--since", options->since, "Only from this time on: 2026-12-03T09:30:00Z, or 2026-12-03");
  command.add_option("--until", options->until, "Only before this time");
  command.add_option("--speed", options->speed, "max, 1 (the original pace), or how many times as fast")
      ->capture_default_str();
  command.add_option("--map", options->map,
                     "A jq expression that makes another .data of each event: '.data.customerId |= \"somebody\"'");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Copy(*options, tool).run(); }; });
}

}  // namespace everfold::replay
