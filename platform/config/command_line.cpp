#include "platform/config/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <utility>

namespace everfold::config {
namespace {

constexpr int wrong_usage = 2;
constexpr int64_t longest_payment_timeout_s = 30 * 24 * 3600;

const std::map<std::string, logging::Level> levels{{"debug", logging::Level::debug},
                                                   {"info", logging::Level::info},
                                                   {"warning", logging::Level::warning},
                                                   {"error", logging::Level::error}};

// --http-port: EVERFOLD_HTTP_PORT
std::string environment_name(const std::string& name) {
  std::string variable = "EVERFOLD_";
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return variable;
}

std::string not_a_topic_prefix(const std::string& text) {
  constexpr std::string_view usable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool fits = !text.empty() && text.size() <= 100 && text.find_first_not_of(usable) == std::string::npos;
  return fits ? "" : "must be 1 to 100 letters, digits, '.', '_' or '-'";
}

std::string not_a_level(const std::string& text) {
  return levels.contains(text) ? "" : "must be debug, info, warning or error";
}

std::string not_given(const std::string& text) { return text.empty() ? "must not be empty" : ""; }

}  // namespace

std::string Options::url_for_peers() const {
  if (!peer_url.empty() || http_port == 0) return peer_url;
  return "http://" + http_address + ":" + std::to_string(http_port);
}

struct CommandLine::Impl {
  Impl(std::string program, const std::string& description, Options& given_options)
      : app(description, std::move(program)), options(given_options) {}

  CLI::Option* named(CLI::Option* option, const std::string& name) {
    names.push_back(name);
    option->envname(environment_name(name));
    return option;
  }

  // CLI11 lets the file win over the environment: so the variables are turned into the flags that were not given.
  std::vector<std::string> with_environment(std::vector<std::string> arguments) {
    const std::size_t given = arguments.size();
    for (const std::string& name : names) {
      const char* value = std::getenv(environment_name(name).c_str());
      if (!value || !*value) continue;
      const std::string flag = "--" + name;
      const bool is_given = std::any_of(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(given),
                                        [&](auto& a) { return a == flag || a.starts_with(flag + "="); });
      if (is_given) continue;
      arguments.push_back(flag + "=" + value);
      from_environment.push_back(name);
    }
    return arguments;
  }

  template <class T>
  CLI::Option* add(const std::string& name, T& value, const std::string& help) {
    return named(app.add_option("--" + name, value, help)->capture_default_str(), name);
  }

  CLI::Option* add_number(const std::string& name, auto& value, int64_t least, int64_t most, const std::string& help) {
    return add(name, value, help)->check(CLI::Range(least, most));
  }

  std::string contradiction() const {
    if (options.min_insync_replicas > options.replication_factor)
      return "--min-insync-replicas cannot be more than --replication-factor";
    return "";
  }

  int refuse(const std::string& sentence) const {
    std::cerr << app.get_name() << ": " << sentence;
    for (const std::string& name : from_environment)
      if (sentence.find("--" + name) != std::string::npos)
        std::cerr << " (it was set by " << environment_name(name) << ")";
    std::cerr << "\nSee " << app.get_name() << " --help.\n";
    return wrong_usage;
  }

  CLI::App app;
  Options& options;
  std::string log_level = "info";
  std::vector<std::string> names;             // of all settings, without dashes
  std::vector<std::string> from_environment;  // of those that a variable set
};

CommandLine::CommandLine(std::string program, std::string description, Options& options)
    : impl_(std::make_unique<Impl>(std::move(program), description, options)) {
  CLI::App& app = impl_->app;
  app.set_version_flag("--version", impl_->app.get_name() + " " EVERFOLD_VERSION, "Print the version and exit");
  app.set_help_flag("--help,-h", "Print this and exit");
  impl_->named(app.set_config("--config", "", "A file of these settings, one a line: http-port = 8081 (TOML or INI)"),
               "config");
  // A misspelt setting must not vanish.
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.footer(
      "Each setting is also an environment variable, such as EVERFOLD_LOG_LEVEL for --log-level.\n"
      "A flag wins over the variable, the variable over the file.");
  app.get_formatter()->column_width(36);
  impl_->add("log-level", impl_->log_level, "The lowest level that is written: debug, info, warning or error")
      ->check(not_a_level);
}

CommandLine::~CommandLine() = default;

CommandLine& CommandLine::kafka() {
  Options& o = impl_->options;
  impl_->add("brokers", o.brokers, "Kafka's addresses, host:port[,host:port…]")->check(not_given);
  impl_->add("prefix", o.prefix, "Of every topic and consumer group of this installation")->check(not_a_topic_prefix);
  impl_->add_number("partitions", o.partitions, 1, 1024, "Of every topic; fixed for ever when the topics are created");
  return *this;
}

CommandLine& CommandLine::topics() {
  Options& o = impl_->options;
  impl_->add_number("replication-factor", o.replication_factor, 1, 100, "Of topics that are created");
  impl_->add_number("min-insync-replicas", o.min_insync_replicas, 1, 100, "Of topics that are created");
  return *this;
}

CommandLine& CommandLine::data(std::string fallback) {
  impl_->options.data_dir = std::move(fallback);
  impl_
      ->add("data-dir", impl_->options.data_dir,
            "This program's own state; it can be deleted and comes back from Kafka")
      ->check(not_given);
  return *this;
}

CommandLine& CommandLine::views(std::string fallback) {
  impl_->options.views_dir = std::move(fallback);
  impl_->add("views-dir", impl_->options.views_dir, "Where the views are; everfold-projector writes them")
      ->check(not_given);
  return *this;
}

CommandLine& CommandLine::cache(int default_mb) {
  impl_->options.cache_mb = default_mb;
  impl_->add_number("cache-mb", impl_->options.cache_mb, 1, 1'000'000, "Memory for what was read from this program's local files, MiB");
  return *this;
}

CommandLine& CommandLine::http(uint16_t default_port) {
  Options& o = impl_->options;
  o.http_port = default_port;
  impl_->add("http-address", o.http_address, "The address to listen on")->check(not_given);
  impl_->add_number("http-port", o.http_port, 0, 65'535, "The port to listen on; 0: any free one");
  impl_->add_number("http-threads", o.http_threads, 1, 256, "Threads that read requests");
  return *this;
}

CommandLine& CommandLine::secret(bool required) {
  impl_->add("secret-file", impl_->options.secret_file, "The key that tokens are signed with: 64 hex digits or more")
      ->required(required);
  return *this;
}

CommandLine& CommandLine::payment_timeout() {
  impl_->add_number("payment-timeout-s", impl_->options.payment_timeout_s, 1, longest_payment_timeout_s,
                    "How long a checkout may take until it is cancelled");
  return *this;
}

CommandLine& CommandLine::peers() {
  Options& o = impl_->options;
  impl_->add("peer-url", o.peer_url, "How other nodes reach this one; unless given, http://<http-address>:<http-port>");
  impl_->add_number("session-timeout-ms", o.session_timeout_ms, 500, 300'000,
                    "Silence after which a node's shards go to others; not below the brokers' group.min.session.timeout.ms");
  return *this;
}

CommandLine& CommandLine::text(const std::string& name, std::string& value, const std::string& help) {
  impl_->add(name, value, help);
  return *this;
}

CommandLine& CommandLine::number(const std::string& name, int64_t& value, int64_t least, int64_t most,
                                 const std::string& help) {
  impl_->add_number(name, value, least, most, help);
  return *this;
}

CommandLine& CommandLine::flag(const std::string& name, bool& value, const std::string& help) {
  impl_->named(impl_->app.add_flag("--" + name, value, help), name);
  return *this;
}

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
  auto arguments = impl_->with_environment({argv + 1, argv + argc});
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    impl_->app.parse(std::move(arguments));
  } catch (const CLI::Success& wish) {
    return impl_->app.exit(wish);
  } catch (const CLI::ParseError& error) {
    return impl_->refuse(error.what());
  }
  impl_->options.log_level = levels.at(impl_->log_level);
  const std::string contradiction = impl_->contradiction();
  return contradiction.empty() ? std::nullopt : std::optional(impl_->refuse(contradiction));
}

void CommandLine::parse_or_exit(int argc, const char* const* argv) {
  if (const auto code = parse(argc, argv)) std::exit(*code);
}

}  // namespace everfold::config
