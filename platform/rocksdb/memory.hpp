// Private to platform/rocksdb.
#pragma once

#include <memory>

#include "platform/rocksdb/view_store.hpp"

namespace rocksdb {
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace everfold {

struct RocksMemory::Impl {
  std::shared_ptr<rocksdb::Cache> block_cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
};

}  // namespace everfold
