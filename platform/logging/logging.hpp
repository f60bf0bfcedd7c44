// JSON lines on standard output: timestamp, level, service, message, then correlationId, traceId and actor when they
// are known, then the fields given. Whoever calls sees to it that no secret and no personal data is in a field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace everfold::logging {

enum class Level { debug, info, warning, error };

// Of the request or event that a line is about; empty ones are left out.
struct Origin {
  std::string_view correlation_id;
  std::string_view trace_id;
  std::string_view actor;
};

struct Field {
  std::string_view name;
  std::variant<std::string_view, int64_t, double, bool> value;

  template <class T>
  Field(std::string_view field_name, const T& field_value) : name(field_name) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double>)
      value = field_value;
    else if constexpr (std::is_integral_v<T>)
      value = static_cast<int64_t>(field_value);
    else
      value = std::string_view(field_value);
  }
};
using Fields = std::initializer_list<Field>;

// Once, before the first line; `level` is the lowest that is written. Lines before it go out under the service
// "everfold". Lines are handed over a bounded queue to a background thread, which flushes each; when it is full the
// oldest are dropped and counted, because a slow reader of our output must not stop a writer.
void start(std::string_view service, Level level);
// Writes what is queued. Afterwards nothing is logged any more.
void stop();

void debug(std::string_view message, Fields fields = {}, const Origin& origin = {});
void info(std::string_view message, Fields fields = {}, const Origin& origin = {});
void warn(std::string_view message, Fields fields = {}, const Origin& origin = {});
void error(std::string_view message, Fields fields = {}, const Origin& origin = {});

// The line without its line break, as start()'s service writes it: for tests and for those with an output of their own.
std::string line(std::string_view service, Level level, int64_t time_ms, std::string_view message, Fields fields,
                 const Origin& origin);

}  // namespace everfold::logging
