#pragma once

#include <cstdint>
#include <string>

namespace everfold {

// Opening a database writes a little, and Debian's RocksDB ends the program by an assertion when the disk does not take it. So one looks
// first. Returns what is wrong, with figures; empty: there is room, or no such folder.
inline constexpr std::uintmax_t room_to_open_bytes = 1u << 20;
std::string lack_of_room(const std::string& directory, std::uintmax_t needed_bytes = room_to_open_bytes);

}  // namespace everfold
