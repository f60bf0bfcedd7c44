// Times in rows and in index keys.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace everfold {

inline void set_time(google::protobuf::Timestamp& timestamp, int64_t ms) {
  timestamp.set_seconds(ms / 1000);
  timestamp.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
}

inline int64_t time_ms(const google::protobuf::Timestamp& timestamp) {
  return timestamp.seconds() * 1000 + timestamp.nanos() / 1'000'000;
}

// 15 digits, so that the order of keys is the order of times.
inline std::string index_time(const google::protobuf::Timestamp& timestamp) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%015lld", static_cast<long long>(time_ms(timestamp)));
  return digits;
}

}  // namespace everfold
