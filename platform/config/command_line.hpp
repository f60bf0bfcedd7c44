// What a program can be told, and where: a flag wins over its environment variable (--http-port: EVERFOLD_HTTP_PORT),
// that over the file named by --config (TOML or INI: http-port = 8081), that over the default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/logging/logging.hpp"

namespace everfold::config {

struct Options {
  std::string brokers = "127.0.0.1:9092";
  std::string prefix = "everfold";
  int partitions = 8;
  int replication_factor = 1;
  int min_insync_replicas = 1;
  std::string data_dir;
  std::string views_dir;
  int cache_mb = 0;
  std::string http_address = "127.0.0.1";
  uint16_t http_port = 0;
  int http_threads = 2;
  std::string secret_file;
  logging::Level log_level = logging::Level::info;
  int64_t payment_timeout_s = 900;
  int session_timeout_ms = 6'000;
  std::string peer_url;

  std::size_t cache_bytes() const { return static_cast<std::size_t>(cache_mb) << 20; }
  std::string url_for_peers() const;  // peer_url, or what follows from the address; "" with any free port
};

// Each program adds what it uses, so that its --help lists nothing else:
//   CommandLine line("everfold-query", "Answers reads from the views.", options);
//   line.views().http(8082).secret();
//   line.parse_or_exit(argc, argv);
// --help, --version, --config and --log-level are always there.
class CommandLine {
 public:
  CommandLine(std::string program, std::string description, Options& options);
  ~CommandLine();

  CommandLine& kafka();                      // --brokers --prefix --partitions
  CommandLine& topics();                     // --replication-factor --min-insync-replicas: programs that create topics
  CommandLine& data(std::string fallback);   // --data-dir: state of its own that can be thrown away
  CommandLine& views(std::string fallback);  // --views-dir
  CommandLine& cache(int default_mb);        // --cache-mb: of RocksDB's
  CommandLine& http(uint16_t default_port);  // --http-address --http-port --http-threads
  CommandLine& secret(bool required = true);  // --secret-file
  CommandLine& payment_timeout();            // --payment-timeout-s
  CommandLine& peers();                      // --peer-url --session-timeout-ms: programs that share shards with others of their kind

  // A program's own: `name` without the dashes; the values must outlive parse().
  CommandLine& text(const std::string& name, std::string& value, const std::string& help);
  CommandLine& number(const std::string& name, int64_t& value, int64_t least, int64_t most, const std::string& help);
  CommandLine& flag(const std::string& name, bool& value, const std::string& help);

  // Nothing: go on. Otherwise the exit code, after --help or --version went to standard output (0) or one sentence on
  // what is wrong to standard error (2).
  std::optional<int> parse(int argc, const char* const* argv);
  void parse_or_exit(int argc, const char* const* argv);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace everfold::config
