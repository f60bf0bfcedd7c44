// everfold-load: sends the purchases of an "Online Retail" file through the HTTP API and checks what came of them.
#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "tools/load/report.hpp"
#include "tools/load/run.hpp"
#include "tools/load/sample.hpp"

namespace everfold::load {
namespace {

constexpr int exit_usage = 2;

Stop stop;

struct Options {
  RunOptions run;
  std::string csv;
  std::string json;
  std::string speed = "max";
  std::string secret_file;
  std::string token_command;
  bool plan_only = false;
};

void listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { stop.ask(signal); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends the program at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::string random_run_id() {
  std::random_device random;
  std::ostringstream text;
  text << "load-" << std::hex << std::setw(8) << std::setfill('0') << random();
  return text.str();
}

void declare(CLI::App& app, Options& options) {
  const char* keys = "derives every Idempotency-Key: a load that was cut off goes on with the id that it printed";
  app.add_option("--csv", options.csv, "the invoices (default: a small shop that is built in)")
      ->check(CLI::ExistingFile);
  app.add_option("--speed", options.speed, "max, or how many times as fast as the file's dates (1: real time)");
  app.add_option("--concurrency", options.run.concurrency, "invoices under way at once")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  app.add_option("--url", options.run.endpoint.url, "the gateway")->envname("EVERFOLD_URL")->capture_default_str();
  app.add_option("--token-secret-file", options.secret_file, "signs the tokens (HS256)")
      ->envname("EVERFOLD_TOKEN_SECRET_FILE");
  app.add_option("--token-command", options.token_command,
                 "prints a token when given --role ROLE --sub ID, such as './dev token'");
  app.add_option("--run-id", options.run.run_id, keys)->check([](const std::string& id) {
    const bool plain =
        id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == std::string::npos;
    return !id.empty() && id.size() <= 32 && plain ? std::string()
                                                   : "a run id has 1 to 32 letters, digits, '-' and '_'";
  });
  app.add_option_function<unsigned>(
      "--patience", [&](unsigned seconds) { options.run.endpoint.patience = std::chrono::seconds(seconds); },
      "seconds for which one request is tried again (default: 120)");
  app.add_option("--json", options.json, "writes the report to this file too");
  app.add_flag("--plan-only", options.plan_only, "says what would be sent, and sends nothing");
}

int fail(const std::string& sentence) {
  std::cerr << "everfold-load: " << sentence << "\n";
  return exit_usage;
}

// 0 for max; nothing: neither that nor a positive number.
std::optional<double> parse_speed(const std::string& text) {
  if (text == "max") return 0;
  std::istringstream in(text);
  double factor = 0;
  if (in >> factor && in.eof() && factor > 0) return factor;
  return std::nullopt;
}

bool write_json(const std::string& path, const nlohmann::json& json) {
  if (path.empty()) return true;
  std::ofstream out(path);
  out << json.dump(2) << "\n";
  out.close();
  return out.good();
}

Decided<SalesFile> read_file(const std::string& path) {
  if (path.empty()) return read_sales(std::string(sample_csv));
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return reject(Code::not_found, "can't read " + path);
  return read_sales(std::move(text).str());
}

Decided<TokenMaker> token_maker(const Options& options) {
  if (!options.token_command.empty()) return asking_command(options.token_command);
  if (!options.secret_file.empty()) return signing_with_file(options.secret_file);
  return reject(Code::unauthenticated, "no way to make tokens: give --token-secret-file or --token-command");
}

int load(Options& options) {
  const auto speed = parse_speed(options.speed);
  if (!speed) return fail("--speed " + options.speed + ": give max or a number above 0");
  options.run.speed = *speed;
  auto file = read_file(options.csv);
  if (!file) return fail((options.csv.empty() ? "the sample" : options.csv) + ": " + file.error().message);
  auto plan = make_plan(file.value());
  if (options.plan_only) {
    std::cout << describe_plan(file.value(), plan);
    return write_json(options.json, plan_as_json(file.value(), plan)) ? 0 : fail("can't write " + options.json);
  }
  auto maker = token_maker(options);
  if (!maker) return fail(maker.error().message);
  while (options.run.endpoint.url.ends_with('/')) options.run.endpoint.url.pop_back();
  if (options.run.run_id.empty()) options.run.run_id = random_run_id();
  std::cout << "run " << options.run.run_id << ": " << plan.invoices.size() << " invoices to "
            << options.run.endpoint.url << "\nIf it is cut off, go on with --run-id " << options.run.run_id
            << std::endl;

  listen_to_signals();
  Tokens tokens(std::move(maker).value());
  Metrics metrics;
  const auto figures = Run(options.run, file.value(), plan, tokens, metrics, stop).run();
  const Report report{file.value(), plan, options.run, figures, metrics};
  std::cout << "\n" << describe_run(report) << std::flush;
  if (!write_json(options.json, run_as_json(report))) return fail("can't write " + options.json);
  return stop.signal() != 0 ? 128 + stop.signal() : exit_code(figures);
}

}  // namespace
}  // namespace everfold::load

int main(int argc, char** argv) {
  CLI::App app("Sends real purchases through Everfold's HTTP API and checks what came of them.");
  everfold::load::Options options;
  options.run.endpoint.url = "http://127.0.0.1:8080";
  everfold::load::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : everfold::load::exit_usage;
  }
  return everfold::load::load(options);
}
