#include "tools/replay/verify.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "platform/json/object.hpp"
#include "tools/replay/history/command_history.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

struct VerifyOptions {
  int64_t most_findings = 1'000;
  bool json = false;
};

class Verify {
 public:
  Verify(const VerifyOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        history_(tool.history()),
        commands_(tool.kafka, history_.logs()),
        out_(""),
        integrity_(history_.partitions(), [this](const Finding& finding) { print(finding); }) {}

  int run() {
    ProgressLine progress;
    const auto each_command = [&](auto act) {
      commands_.read(
          [&](const LogId& log, int64_t offset, const Command& command) {
            act(log, offset, command);
            return true;
          },
          tool_.stop, &progress);
    };
    each_command([this](const LogId&, int64_t, const Command& command) { integrity_.know(command); });
    integrity_.commands_known(!commands_.incomplete());
    history_.watch([this](const LogId& log, const RecordView& record, const TailStep& step) {
      integrity_.see(log, record, step);
    });
    history_.read(
        {}, [this](const LogId& log, const Commit& commit) { return integrity_.see(log, commit), true; }, tool_.stop,
        &progress);
    integrity_.logs_read();
    // What was sent meanwhile may be caused by what happened meanwhile.
    commands_.limit_to_last_ends();
    each_command(
        [this](const LogId& log, int64_t offset, const Command& command) { integrity_.check(log, offset, command); });
    if (tool_.stop.stop_requested()) {
      note("interrupted: not everything was looked at");
      return exit_found;
    }
    const auto figures = integrity_.figures();
    out_.write(options_.json ? figures_json(figures) + '\n' : figures_text(figures));
    out_.flush();
    if (out_.closed()) return exit_closed_pipe;
    return figures.findings == 0 ? exit_ok : exit_found;
  }

 private:
  void print(const Finding& finding) {
    if (printed_++ == options_.most_findings) note("more findings are only counted (--max-findings)");
    if (printed_ > options_.most_findings) return;
    out_.write((options_.json ? finding_json(finding, tool_.kafka) : finding_text(finding, tool_.kafka)) + '\n');
  }

  const VerifyOptions& options_;
  const Tool& tool_;
  History history_;
  CommandHistory commands_;
  Output out_;
  Integrity integrity_;
  int64_t printed_ = 0;
};

std::string topic_of(const Finding& finding, const kafka::KafkaOptions& kafka) {
  return kafka::topic_of(kafka, finding.in_commands ? kafka::Topics::commands : kafka::Topics::events,
                         finding.log.context);
}

}  // namespace

std::string finding_text(const Finding& finding, const kafka::KafkaOptions& kafka) {
  return topic_of(finding, kafka) + " partition " + std::to_string(finding.log.shard) + " offset " +
         std::to_string(finding.offset) + "  " + std::string(finding.kind) + ": " + finding.says;
}

std::string finding_json(const Finding& finding, const kafka::KafkaOptions& kafka) {
  return json::Object()
      .text("finding", finding.kind)
      .text("topic", topic_of(finding, kafka))
      .number("partition", finding.log.shard)
      .number("offset", finding.offset)
      .text("says", finding.says)
      .str();
}

std::string figures_text(const Integrity::Figures& figures) {
  std::string out = grouped(figures.events) + " events in " + grouped(figures.commits) + " commits of " +
                    grouped(figures.aggregates) + " aggregates, " + grouped(figures.terms) + " terms\n";
  out += "void records, which every reader leaves out: ";
  std::string kinds;
  for (const auto& [kind, count] : figures.void_records)
    kinds += (kinds.empty() ? "" : ", ") + grouped(count) + " " + kind;
  out += (kinds.empty() ? "none" : kinds) + "\n";
  if (figures.unfinished > 0) out += grouped(figures.unfinished) + " records of commits that are not whole yet\n";
  out += "commands of events: " + grouped(figures.by_topic) + " from a command topic, " + grouped(figures.by_clients) +
         " from clients, " + grouped(figures.by_deadlines) + " from deadlines" +
         (figures.unknown_origin > 0
              ? ", " + grouped(figures.unknown_origin) + " from where the oldest commands were deleted"
              : "") +
         "\n";
  out += "commands in topics: the cause of " + grouped(figures.caused_commands) + " was looked for; " +
         grouped(figures.resent_commands) + " were sent again\n";
  out += "clocks: " + grouped(figures.backwards) +
         " commits are stamped before one that lies before them in their log" +
         (figures.backwards > 0 ? ", by " + grouped(figures.most_backwards_ms) + " ms at most" : "") + "\n";
  return out + (figures.findings == 0 ? "everything holds\n" : grouped(figures.findings) + " findings\n");
}

std::string figures_json(const Integrity::Figures& figures) {
  json::Object kinds;
  for (const auto& [kind, count] : figures.void_records) kinds.number(kind, count);
  return json::Object()
      .number("findings", figures.findings)
      .number("events", figures.events)
      .number("commits", figures.commits)
      .number("aggregates", figures.aggregates)
      .number("terms", figures.terms)
      .json("voidRecords", kinds.str())
      .number("unfinishedRecords", figures.unfinished)
      .number("eventsByTopic", figures.by_topic)
      .number("eventsByClients", figures.by_clients)
      .number("eventsByDeadlines", figures.by_deadlines)
      .number("eventsOfUnknownOrigin", figures.unknown_origin)
      .number("causedCommands", figures.caused_commands)
      .number("resentCommands", figures.resent_commands)
      .number("backwardsCommits", figures.backwards)
      .number("mostBackwardsMs", figures.most_backwards_ms)
      .number("tableBytes", static_cast<int64_t>(figures.table_bytes))
      .str();
}

void add_verify(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *app.add_subcommand(
      "verify", "The logs' integrity: versions, ids, causation, types, times, shards; void records by kind");
  command.add_option("--max-findings", options->most_findings, "How many are printed")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  command.add_flag("--json", options->json, "Each finding as a JSON object on its line, then one with the figures");
  command.footer("Exit status 1 when something was found. Memory: some 50 MB a million events.");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Verify(*options, tool).run(); }; });
}

}  // namespace everfold::replay
