// Private to platform/rocksdb.
#pragma once

#include <cstdint>
#include <string>

namespace everfold {

// The number in <view_directory>/live; 0 when there is none.
int64_t read_live_pointer(const std::string& view_directory);

// Atomically, and durable when it returns. Throws ViewUnwritable.
void replace_file(const std::string& directory, const std::string& name, const std::string& text);
std::string text_of_file(const std::string& path);  // "": there is none

// In a checkpoint's folder, written last: what it is of.
inline constexpr const char* about_checkpoint_file = "everfold-checkpoint";

// In a generation's folder: left by a reader, for the writer, that it could not read it.
inline constexpr const char* damage_report = "damage-report";

}  // namespace everfold
