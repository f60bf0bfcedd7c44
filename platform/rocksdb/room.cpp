#include "platform/rocksdb/room.hpp"

#include <filesystem>

namespace everfold {

std::string lack_of_room(const std::string& directory, std::uintmax_t needed_bytes) {
  if (!std::filesystem::exists(directory)) return "";  // whoever opens it says so
  const std::uintmax_t free_bytes = std::filesystem::space(directory).available;
  if (free_bytes >= needed_bytes) return "";
  return "the disk has " + std::to_string(free_bytes) + " bytes left, and opening a database takes up to " + std::to_string(needed_bytes);
}

}  // namespace everfold
