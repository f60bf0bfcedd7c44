// bench-http-floor: plain Pistache answering a constant. A GET is answered where it is read, a POST from another
// thread, as a command's answer comes from the writer.
#include <pistache/endpoint.h>
#include <pistache/http.h>

#include <condition_variable>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "platform/config/command_line.hpp"
#include "platform/process/program.hpp"

namespace everfold::bench {
namespace {

namespace Http = Pistache::Http;

constexpr std::size_t max_request_bytes = 64 << 10;

struct Settings {
  config::Options common;
  std::string body_file;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("bench-http-floor", "Plain Pistache answering a constant.", settings.common);
  line.http(0).text("body-file", settings.body_file, "What it answers");
  line.parse_or_exit(argc, argv);
  return settings;
}

void answer(Http::ResponseWriter& response, const std::string& body) {
  response.send(Http::Code::Ok, body, MIME(Application, Json));
}

// Answers what it is handed, on a thread of its own.
class Answerer {
 public:
  explicit Answerer(std::string body)
      : body_(std::move(body)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  const std::string& body() const { return body_; }

  void hand_over(Http::ResponseWriter response) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(response));
    handed_over_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    std::vector<Http::ResponseWriter> taken;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        if (!handed_over_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
        taken.swap(waiting_);
      }
      for (Http::ResponseWriter& response : taken) answer(response, body_);
      taken.clear();
    }
  }

  const std::string body_;
  std::mutex mutex_;
  std::condition_variable_any handed_over_;
  std::vector<Http::ResponseWriter> waiting_;
  std::jthread thread_;  // last: it uses the others
};

class Constant final : public Http::Handler {
 public:
  HTTP_PROTOTYPE(Constant)

  explicit Constant(std::shared_ptr<Answerer> answerer) : answerer_(std::move(answerer)) {}

  void onRequest(const Http::Request& request, Http::ResponseWriter response) override {
    if (request.method() == Http::Method::Post)
      answerer_->hand_over(std::move(response));
    else
      answer(response, answerer_->body());
  }

 private:
  std::shared_ptr<Answerer> answerer_;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void run(const Settings& settings) {
  const auto& options = settings.common;
  Http::Endpoint endpoint(Pistache::Address(options.http_address, Pistache::Port(options.http_port)));
  endpoint.init(Http::Endpoint::options()
                    .threads(options.http_threads)
                    .flags(Pistache::Flags<Pistache::Tcp::Options>(Pistache::Tcp::Options::ReuseAddr) |
                           Pistache::Tcp::Options::NoDelay)
                    .backlog(1024)
                    .maxRequestSize(max_request_bytes));
  endpoint.setHandler(std::make_shared<Constant>(std::make_shared<Answerer>(content_of(settings.body_file))));
  endpoint.serveThreaded();
  process::wait_for_stop();
  endpoint.shutdown();
}

}  // namespace
}  // namespace everfold::bench

int main(int argc, char** argv) {
  using namespace everfold;
  process::block_stop_signals();
  const auto settings = bench::settings_of(argc, argv);
  return process::run_program("bench-http-floor", settings.common.log_level, [&] { bench::run(settings); });
}
