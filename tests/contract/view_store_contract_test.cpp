#include "tests/contract/view_store_contract.hpp"

#include "platform/rocksdb/view_store.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace everfold::testing {
namespace {

struct InMemory {
  ViewShelf& shelf() { return shelf_; }
  static std::string directory() { return "/checkpoint"; }
  MemoryViewShelf shelf_;
};

struct InRocksDb {
  ViewShelf& shelf() { return shelf_; }
  std::string directory() { return folder_.path() + "/checkpoints/first"; }
  TemporaryFolder folder_;
  RocksMemory memory_;
  RocksViewShelf shelf_{folder_.path(), "orders", memory_};
};

using Implementations = ::testing::Types<InMemory, InRocksDb>;
INSTANTIATE_TYPED_TEST_SUITE_P(All, ViewStoreContract, Implementations);

}  // namespace
}  // namespace everfold::testing
