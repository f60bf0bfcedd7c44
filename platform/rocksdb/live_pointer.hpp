// Private to platform/rocksdb.
#pragma once

#include <cstdint>
#include <string>

namespace everfold {

// The number in <view_directory>/live; 0 when there is none.
int64_t read_live_pointer(const std::string& view_directory);

// In a generation's folder: left by a reader, for the writer, that it could not read it.
inline constexpr const char* damage_report = "damage-report";

}  // namespace everfold
