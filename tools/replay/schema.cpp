#include "tools/replay/schema.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "platform/json/object.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

using schemas::ContextEvents;
using schemas::UpcastStep;

constexpr std::size_t type_width = 56;

struct SchemaOptions {
  std::string context;
  bool json = false;
};

// From `type` to the newest, one after another. Chains have an end: they would not compile otherwise.
std::vector<const UpcastStep*> chain_from(const ContextEvents& context, std::string_view type) {
  std::vector<const UpcastStep*> chain;
  for (;;) {
    const auto next = std::find_if(context.upcasters.begin(), context.upcasters.end(),
                                   [&](const UpcastStep& step) { return step.from == type; });
    if (next == context.upcasters.end()) return chain;
    chain.push_back(&*next);
    type = next->to;
  }
}

std::string golden_of(std::string_view type) { return "tests/golden/" + schemas::golden_file(type); }

std::string json_line(const ContextEvents& context, const std::string& type) {
  const auto chain = chain_from(context, type);
  std::string names = "[";
  for (const UpcastStep* step : chain) names += (names.size() > 1 ? "," : "") + json::quoted(step->name);
  return json::Object()
             .text("context", context.context)
             .text("type", type)
             .text("readAs", chain.empty() ? type : chain.back()->to)
             .json("upcasters", names + "]")
             .text("golden", golden_of(type))
             .str() +
         "\n";
}

std::string text_lines(const ContextEvents& context, const std::string& type) {
  std::string lines = padded(type, type_width) + "  " + golden_of(type) + "\n";
  for (const UpcastStep* step : chain_from(context, type))
    lines += padded("  → " + step->to, type_width) + "  by " + step->name + "\n";
  return lines;
}

// Newest first, as the context's variant has them; then what it says of former versions.
std::vector<std::string> types_of(const ContextEvents& context) {
  std::vector<std::string> types = context.newest;
  for (const UpcastStep& step : context.upcasters) types.push_back(step.from);
  return types;
}

int run(const SchemaOptions& options) {
  bool found = false;
  Output out("");
  for (const auto& context : schemas::all_events()) {
    if (!options.context.empty() && context.context != options.context) continue;
    found = true;
    out.write(schema_lines(context, options.json));
  }
  if (!found) throw UsageError("--context: this version has no context or process " + options.context);
  out.flush();
  return exit_ok;
}

}  // namespace

std::string schema_lines(const ContextEvents& context, bool as_json) {
  std::string lines;
  for (const auto& type : types_of(context)) lines += as_json ? json_line(context, type) : text_lines(context, type);
  return lines;
}

void add_schema(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<SchemaOptions>();
  CLI::App& command = *app.add_subcommand(
      "schema",
      "The event types that this version reads: former versions, the upcasters that they are read by, golden bytes");
  command.add_option("--context", options->context, "Only of this context or process");
  command.add_flag("--json", options->json,
                   "A JSON object a type and line: {\"context\",\"type\",\"readAs\",\"upcasters\",\"golden\"}");
  command.footer("Asks no Kafka. How to change an event: CONTRIBUTING.md.");
  command.callback([options, &tool] { tool.run = [options] { return run(*options); }; });
}

}  // namespace everfold::replay
