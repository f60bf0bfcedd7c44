#include "platform/logging/logging.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "kernel/overloaded.hpp"
#include "platform/json/write.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::logging {
namespace {

constexpr std::size_t queue_lines = 8192;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

int64_t now_ms() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_value(std::string& out, const decltype(Field::value)& value) {
  std::visit(
      overloaded{[&](std::string_view text) { json::append_quoted(out, text); },
                 [&](int64_t number) { append_number(out, number); },
                 [&](double number) { std::isfinite(number) ? append_number(out, number) : void(out += "null"); },
                 [&](bool truth) { out += truth ? "true" : "false"; }},
      value);
}

void append_member(std::string& out, std::string_view name, const decltype(Field::value)& value) {
  out += out.empty() ? '{' : ',';
  json::append_quoted(out, name);
  out += ':';
  append_value(out, value);
}

// Started once and stopped once in a program's life; lines come from every thread in between.
class Output {
 public:
  void start(std::string_view service, Level level) {
    const std::unique_lock lock(mutex_);
    service_ = service;
    level_ = level;
    open();
  }

  void stop() {
    const std::unique_lock lock(mutex_);
    if (!logger_) return;
    if (const auto dropped = pool_->overrun_counter(); dropped > 0)
      logger_->info(line(service_, Level::warning, now_ms(), "log lines were dropped", {{"lines", dropped}}, {}));
    logger_.reset();
    pool_.reset();  // its thread ends when the queue is written
    stopped_ = true;
  }

  void write(Level level, std::string_view message, Fields fields, const Origin& origin) {
    std::shared_lock lock(mutex_);
    if (level < level_ || stopped_) return;
    if (!logger_) {
      lock.unlock();
      open_if_closed();
      lock.lock();
      if (stopped_) return;
    }
    logger_->info(line(service_, level, now_ms(), message, fields, origin));
  }

  ~Output() { stop(); }

 private:
  void open_if_closed() {
    const std::unique_lock lock(mutex_);
    if (!logger_ && !stopped_) open();
  }

  void open() {
    if (!pool_) pool_ = std::make_shared<spdlog::details::thread_pool>(queue_lines, 1);
    logger_ = std::make_shared<spdlog::async_logger>("everfold", std::make_shared<spdlog::sinks::stdout_sink_mt>(),
                                                     pool_, spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_pattern("%v");  // the lines are whole already
    logger_->flush_on(spdlog::level::trace);
    stopped_ = false;
  }

  std::shared_mutex mutex_;
  std::string service_ = "everfold";
  Level level_ = Level::info;
  bool stopped_ = false;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

Output& output() {
  static Output instance;
  return instance;
}

}  // namespace

void start(std::string_view service, Level level) { output().start(service, level); }
void stop() { output().stop(); }

void debug(std::string_view message, Fields fields, const Origin& origin) {
  output().write(Level::debug, message, fields, origin);
}
void info(std::string_view message, Fields fields, const Origin& origin) {
  output().write(Level::info, message, fields, origin);
}
void warn(std::string_view message, Fields fields, const Origin& origin) {
  output().write(Level::warning, message, fields, origin);
}
void error(std::string_view message, Fields fields, const Origin& origin) {
  output().write(Level::error, message, fields, origin);
}

std::string line(std::string_view service, Level level, int64_t time_ms, std::string_view message, Fields fields,
                 const Origin& origin) {
  std::string out;
  out.reserve(256);
  const std::string timestamp = format_time(time_ms);
  append_member(out, "timestamp", std::string_view(timestamp));
  append_member(out, "level", name_of(level));
  append_member(out, "service", service);
  append_member(out, "message", message);
  if (!origin.correlation_id.empty()) append_member(out, "correlationId", origin.correlation_id);
  if (!origin.trace_id.empty()) append_member(out, "traceId", origin.trace_id);
  if (!origin.actor.empty()) append_member(out, "actor", origin.actor);
  for (const Field& field : fields) append_member(out, field.name, field.value);
  out += '}';
  return out;
}

}  // namespace everfold::logging
