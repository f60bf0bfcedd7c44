// What every program does on the side: its command line, its log lines, its metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "platform/config/command_line.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "tests/ask_router.hpp"

namespace everfold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CommandLineTest : public ::testing::Test {
 protected:
  std::optional<int> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "everfold-test");
    config::CommandLine line("everfold-test", "Tests.", options);
    line.kafka().topics().data("state").http(8081).secret().payment_timeout();
    line.number("pages", pages, 1, 9, "Pages").flag("rebuild", rebuild, "Rebuild");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const auto code = line.parse(static_cast<int>(arguments.size()), arguments.data());
    out = ::testing::internal::GetCapturedStdout();
    err = ::testing::internal::GetCapturedStderr();
    return code;
  }

  void set(const char* name, const char* value) {
    ::setenv(name, value, 1);
    variables_.push_back(name);
  }

  std::string file(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }

  void TearDown() override {
    for (const char* name : variables_) ::unsetenv(name);
    std::remove(path_.c_str());
  }

  config::Options options;
  int64_t pages = 3;
  bool rebuild = false;
  std::string out, err;

 private:
  std::vector<const char*> variables_;
  const std::string path_ = ::testing::TempDir() + "everfold-config-" + std::to_string(::getpid()) + ".toml";
};

TEST_F(CommandLineTest, HasDefaults) {
  EXPECT_EQ(parse({"--secret-file", "s"}), std::nullopt) << err;
  EXPECT_EQ(options.brokers, "127.0.0.1:9092");
  EXPECT_EQ(options.http_port, 8081);
  EXPECT_EQ(options.data_dir, "state");
  EXPECT_EQ(options.payment_timeout_s, 900);
  EXPECT_EQ(options.log_level, logging::Level::info);
}

TEST_F(CommandLineTest, AFlagWinsOverTheVariableAndTheVariableOverTheFile) {
  const std::string path =
      file("# ours\nhttp-port = 1\npartitions = 16\nprefix = \"from-file\"\nsecret-file = \"s\"\nrebuild = true\n");
  set("EVERFOLD_HTTP_PORT", "2");
  set("EVERFOLD_PARTITIONS", "32");
  EXPECT_EQ(parse({"--config", path.c_str(), "--http-port", "3"}), std::nullopt) << err;
  EXPECT_EQ(options.http_port, 3);
  EXPECT_EQ(options.partitions, 32);
  EXPECT_EQ(options.prefix, "from-file");
  EXPECT_EQ(options.secret_file, "s");
  EXPECT_TRUE(rebuild);
}

TEST_F(CommandLineTest, TheFileCanBeNamedByAVariable) {
  const std::string path = file("partitions = 4\n");
  set("EVERFOLD_CONFIG", path.c_str());
  EXPECT_EQ(parse({"--secret-file", "s"}), std::nullopt) << err;
  EXPECT_EQ(options.partitions, 4);
}

TEST_F(CommandLineTest, RefusesWithASentenceAndExitCode2) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> table{
      {{}, "--secret-file is required"},
      {{"--secret-file", "s", "--colour", "red"}, "--colour"},
      {{"--secret-file", "s", "red"}, "red"},
      {{"--secret-file", "s", "--http-port", "65536"}, "--http-port"},
      {{"--secret-file", "s", "--http-port", "-1"}, "--http-port"},
      {{"--secret-file", "s", "--http-port", "http"}, "--http-port"},
      {{"--secret-file", "s", "--partitions", "0"}, "--partitions"},
      {{"--secret-file", "s", "--partitions"}, "--partitions"},
      {{"--secret-file", "s", "--prefix", "a b"}, "--prefix"},
      {{"--secret-file", "s", "--log-level", "loud"}, "debug, info, warning or error"},
      {{"--secret-file", "s", "--payment-timeout-s", "0"}, "--payment-timeout-s"},
      {{"--secret-file", "s", "--min-insync-replicas", "2"}, "--min-insync-replicas"},
      {{"--secret-file", "s", "--pages", "10"}, "--pages"},
      {{"--secret-file", "s", "--config", "/not/there"}, "/not/there"}};
  for (const auto& [arguments, sentence] : table) {
    EXPECT_EQ(parse(arguments), 2) << sentence;
    EXPECT_THAT(err, HasSubstr(sentence));
    EXPECT_THAT(err, HasSubstr("everfold-test: "));
    EXPECT_EQ(out, "");
  }
}

TEST_F(CommandLineTest, AMisspeltLineOfTheFileIsRefused) {
  const std::string path = file("secret-file = \"s\"\nhtpp-port = 1\n");
  EXPECT_EQ(parse({"--config", path.c_str()}), 2);
  EXPECT_THAT(err, HasSubstr("htpp-port"));
}

TEST_F(CommandLineTest, AVariableThatDoesNotFitIsRefused) {
  set("EVERFOLD_PARTITIONS", "many");
  EXPECT_EQ(parse({"--secret-file", "s"}), 2);
  EXPECT_THAT(err, HasSubstr("EVERFOLD_PARTITIONS"));
}

TEST_F(CommandLineTest, HelpTellsWhatThisProgramUses) {
  EXPECT_EQ(parse({"--help"}), 0);
  EXPECT_THAT(out, HasSubstr("--http-port"));
  EXPECT_THAT(out, HasSubstr("EVERFOLD_HTTP_PORT"));
  EXPECT_THAT(out, HasSubstr("8081"));
  EXPECT_THAT(out, Not(HasSubstr("--views-dir")));
  EXPECT_EQ(parse({"--version"}), 0);
  EXPECT_THAT(out, HasSubstr("everfold-test 0."));
}

TEST(Logging, ALineIsOneJsonObject) {
  EXPECT_EQ(logging::line("everfold-query", logging::Level::warning, 1769860800123, "slow \"view\"\n",
                          {{"view", "orders"}, {"ms", 12}, {"share", 0.5}, {"late", true}}, {"c-1", "t-1", "u-1"}),
            R"({"timestamp":"2026-01-31T12:00:00.123Z","level":"warning","service":"everfold-query",)"
            R"("message":"slow \"view\"\n","correlationId":"c-1","traceId":"t-1","actor":"u-1",)"
            R"("view":"orders","ms":12,"share":0.5,"late":true})");
}

TEST(Logging, LinesOfTheLevelAndAboveReachStandardOutput) {
  ::testing::internal::CaptureStdout();
  logging::start("everfold-test", logging::Level::info);
  logging::debug("hidden");
  for (int i = 0; i < 100; ++i) logging::info("shown", {{"i", i}});
  logging::error("bad", {}, {"c-1", "", ""});
  logging::stop();
  logging::info("after the end");
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 101);
  EXPECT_THAT(out, HasSubstr(R"("message":"shown","i":99})"));
  EXPECT_THAT(out, HasSubstr(R"("level":"error","service":"everfold-test","message":"bad","correlationId":"c-1"})"));
  EXPECT_THAT(out, Not(HasSubstr("hidden")));
  EXPECT_THAT(out, Not(HasSubstr("after the end")));
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  auto& red = metrics::counter("everfold_test_total", "Tests.", {{"colour", "red"}});
  red.increment();
  metrics::counter("everfold_test_total", "Tests.", {{"colour", "red"}}).increment(2);
  metrics::counter("everfold_test_total", "Tests.", {{"colour", "blue"}}).increment();
  EXPECT_EQ(red.value(), 3);
  metrics::gauge("everfold_test_lag", "Lag.").set(5);
  metrics::gauge("everfold_test_lag", "Lag.").add(-2);
  metrics::histogram("everfold_test_seconds", "Time.", {0.1, 1}).observe(0.5);
  const std::string text = metrics::render();
  EXPECT_THAT(text, HasSubstr("# TYPE everfold_test_total counter\n"));
  EXPECT_THAT(text, HasSubstr("everfold_test_total{colour=\"red\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("everfold_test_total{colour=\"blue\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("everfold_test_lag 3\n"));
  EXPECT_THAT(text, HasSubstr("everfold_test_seconds_bucket{le=\"1\"} 1\n"));
}

TEST(OperationalRoutes, TellWhetherTheProgramLivesIsReadyAndHowItDoes) {
  http::Router router;
  std::optional<std::string> reason = "the views are being opened";
  metrics::add_operational_routes(router, [&] { return reason; });
  const auto get = [&](const char* path) {
    http::Request request;
    request.target = path;
    return testing::ask(router, std::move(request));
  };
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, HasSubstr(R"("message":"the views are being opened")"));
  reason.reset();
  EXPECT_EQ(get("/readyz").status, 200);
  metrics::counter("everfold_routes_total", "Tests.").increment();
  EXPECT_THAT(get("/metrics").body, HasSubstr("everfold_routes_total 1\n"));
}

}  // namespace
}  // namespace everfold
