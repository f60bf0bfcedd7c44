// Private to platform/rocksdb: what a RocksDB status means for local state that can be folded again.
#pragma once

#include <rocksdb/status.h>

namespace everfold {

// The files are not what was written: folding anew cures it. The rest (no room, no permission, held by another process, an ailing disk)
// is for somebody to mend.
inline bool is_damage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsNotFound() || status.IsInvalidArgument() || status.IsPathNotFound();
}

// RocksDB drops what follows a zeroed header in a MANIFEST up to the end of the 32 KiB block, and says nothing. In a manifest that fits
// into a block that is a cut, and a cut is an earlier state or an error; in a longer one it is a hole.
inline constexpr unsigned manifest_bytes = 16u << 10;

}  // namespace everfold
