#include "tools/replay/stats.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include "platform/json/object.hpp"
#include "tools/replay/history/event_filter.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int64_t spark_width = 60;

struct StatsOptions {
  FilterOptions filter;
  std::vector<std::string> by{"context", "type", "hour"};
  bool json = false;
};

std::string rate_text(double rate) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), rate < 10 ? "%.2f/s" : "%.0f/s", rate);
  return text.data();
}

void merge(Tally& into, const Tally& more) {
  if (into.events == 0) {
    into = more;
    return;
  }
  into.events += more.events;
  into.bytes += more.bytes;
  into.first_ms = std::min(into.first_ms, more.first_ms);
  into.last_ms = std::max(into.last_ms, more.last_ms);
}

// "2026-12-03T09:00Z", "2026-12-03"
std::string hour_of(int64_t ms) { return format_time(ms).substr(0, 13) + ":00Z"; }
std::string day_of(int64_t ms) { return format_time(ms).substr(0, 10); }

std::string context_of(std::string_view type) {
  const std::size_t begin = std::min(type.find('.'), type.size() - 1) + 1;
  return std::string(type.substr(begin, type.find('.', begin) - begin));
}

// "inventory" of 12 characters, right-aligned numbers.
std::string right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

}  // namespace

void Tally::add(const StoredEvent& event) {
  const int64_t ms = event.meta.time_ms;
  first_ms = events == 0 ? ms : std::min(first_ms, ms);
  last_ms = events == 0 ? ms : std::max(last_ms, ms);
  ++events;
  bytes += static_cast<int64_t>(event.bytes.size());
}

double Tally::rate() const {
  return last_ms > first_ms ? static_cast<double>(events) * 1'000 / static_cast<double>(last_ms - first_ms) : 0;
}

void Statistics::add(const StoredEvent& event) {
  all_.add(event);
  if (event.meta.version == 1) ++aggregates_;
  auto type = types_.find(event.meta.type);
  if (type == types_.end()) type = types_.emplace(event.meta.type, Tally{}).first;
  type->second.add(event);
  const int64_t ms = event.meta.time_ms;
  minutes_[(ms - ((ms % minute_ms) + minute_ms) % minute_ms) / minute_ms].add(event);
}

Statistics::Groups Statistics::groups(std::string_view by) const {
  Groups found;
  if (by == "type")
    found = types_;
  else if (by == "context")
    for (const auto& [type, tally] : types_) merge(found[context_of(type)], tally);
  else
    for (const auto& [minute, tally] : minutes_)
      merge(found[by == "hour" ? hour_of(minute * minute_ms) : day_of(minute * minute_ms)], tally);
  return found;
}

std::string Statistics::text(const std::vector<std::string>& by, std::size_t width) const {
  if (all_.events == 0) return "no events\n";
  std::string out = grouped(all_.events) + " events of " + grouped(aggregates_) + " aggregates, " +
                    bytes_text(static_cast<double>(all_.bytes)) + "\n" + format_time(all_.first_ms) + " to " +
                    format_time(all_.last_ms) + ", " + rate_text(all_.rate()) + "\n";
  const int64_t first_minute = minutes_.begin()->first, minutes = minutes_.rbegin()->first - first_minute + 1;
  const int64_t each =
      (minutes + spark_width - 1) / spark_width;  // whole minutes, or bars would differ by how many fall into them
  std::vector<int64_t> spark(static_cast<std::size_t>((minutes + each - 1) / each), 0);
  for (const auto& [minute, tally] : minutes_)
    spark[static_cast<std::size_t>((minute - first_minute) / each)] += tally.events;
  if (spark.size() > 1) out += sparkline(spark) + "  (" + grouped(each) + " min each)\n";
  for (const std::string& what : by) {
    const Groups all = groups(what);
    std::size_t name_width = what.size();
    int64_t most = 0;
    for (const auto& [name, tally] : all) {
      name_width = std::max(name_width, characters(what == "type" ? short_type(name) : std::string_view(name)));
      most = std::max(most, tally.events);
    }
    const std::size_t taken = name_width + 46;
    const std::size_t bar_width = width > taken + 5 ? std::min<std::size_t>(width - taken, 40) : 20;
    std::string title = what;
    std::transform(title.begin(), title.end(), title.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    out += "\n" + padded(title, name_width) + right("EVENTS", 12) + right("SHARE", 8) + right("BYTES", 11) +
           right("EACH", 9) + "\n";
    std::vector<std::pair<std::string, Tally>> rows(all.begin(), all.end());
    if (what == "type" || what == "context")
      std::stable_sort(rows.begin(), rows.end(),
                       [](const auto& a, const auto& b) { return a.second.events > b.second.events; });
    for (const auto& [name, tally] : rows) {
      std::array<char, 16> share;
      std::snprintf(share.data(), share.size(), "%.1f%%",
                    100.0 * static_cast<double>(tally.events) / static_cast<double>(all_.events));
      out += padded(what == "type" ? short_type(name) : std::string_view(name), name_width) +
             right(grouped(tally.events), 12) + right(share.data(), 8) +
             right(bytes_text(static_cast<double>(tally.bytes)), 11) +
             right(bytes_text(static_cast<double>(tally.bytes) / static_cast<double>(tally.events)), 9) + "  " +
             bar(static_cast<double>(tally.events), static_cast<double>(most), bar_width) + "\n";
    }
  }
  return out;
}

std::string Statistics::json(const std::vector<std::string>& by) const {
  const auto figures = [](json::Object& object, const Tally& tally) {
    object.number("events", tally.events).number("bytes", tally.bytes);
    if (tally.events > 0) object.text("first", format_time(tally.first_ms)).text("last", format_time(tally.last_ms));
  };
  json::Object out;
  figures(out, all_);
  out.number("aggregates", aggregates_);
  for (const std::string& what : by) {
    std::string list = "[";
    for (const auto& [name, tally] : groups(what)) {
      if (list.size() > 1) list += ',';
      json::Object group;
      group.text(what, name);
      figures(group, tally);
      list += group.str();
    }
    const std::string title = what == "type"      ? "byType"
                              : what == "context" ? "byContext"
                              : what == "hour"    ? "byHour"
                                                  : "byDay";
    out.json(title, list + ']');
  }
  return out.str();
}

namespace {

int run(const StatsOptions& options, const Tool& tool) {
  History history = tool.history();
  EventFilter filter(options.filter, history);
  Statistics statistics;
  EventJson maker;
  std::string json;
  ProgressLine progress;
  history.read(
      filter.wanted(),
      [&](const LogId& log, const Commit& commit) {
        for (const StoredEvent& event : commit.events)
          if (filter.passes(log, event, maker, json)) statistics.add(event);
        return true;
      },
      tool.stop, &progress);
  if (const std::string left_out = filter.where_note(); !left_out.empty()) note(left_out);
  if (tool.stop.stop_requested()) note("interrupted: the figures are of what was read until then");
  Output out("");
  out.write(options.json ? statistics.json(options.by) + '\n'
                         : statistics.text(options.by, terminal_width(STDOUT_FILENO, 100)));
  out.flush();
  return out.closed() ? exit_closed_pipe : exit_ok;
}

}  // namespace

void add_stats(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<StatsOptions>();
  CLI::App& command = *app.add_subcommand("stats", "Counts, rates and sizes by type, context and hour");
  add_filter_options(command, options->filter);
  command.add_option("--by", options->by, "By which of type, context, hour, day")
      ->delimiter(',')
      ->check(CLI::IsMember({"type", "context", "hour", "day"}))
      ->capture_default_str();
  command.add_flag("--json", options->json, "One JSON object");
  command.callback([options, &tool] { tool.run = [options, &tool] { return run(*options, tool); }; });
}

}  // namespace everfold::replay
