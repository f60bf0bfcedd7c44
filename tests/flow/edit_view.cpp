// edit_view VIEWS-DIR change ID AMOUNT | delete ID | copy ID NEW-ID: damages the orders view as no event would have, in its
// live generation, while no projector has it: a total of AMOUNT, a row that is gone, a row that nobody ordered.
#include <optional>
#include <string>

#include "kernel/check.hpp"
#include "kernel/codec.hpp"
#include "platform/rocksdb/directory_lock.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "schemas/orders/v1/views.pb.h"

namespace everfold {
namespace {

void edit(const std::string& views_directory, const std::string& what, const std::string& id, const std::string& with) {
  const DirectoryLock lock(views_directory);
  const RocksMemory memory;
  RocksViewShelf shelf(views_directory, "orders", memory);
  const auto opened = shelf.open(shelf.live());
  orders::v1::OrderRow row;
  check(row.ParseFromString(opened.store->row(id).value()), "the row is not to be read");
  ViewBatch batch;
  if (what == "delete") {
    batch.rows.emplace_back(id, std::nullopt);
  } else if (what == "copy") {
    row.set_id(with);
    batch.rows.emplace_back(with, bytes_of(row));
  } else {
    check(what == "change", "it can be change, delete or copy");
    row.mutable_total()->set_amount(std::stoll(with));
    batch.rows.emplace_back(id, bytes_of(row));
  }
  opened.store->write(batch);
}

}  // namespace
}  // namespace everfold

int main(int argc, char** argv) {
  everfold::check(argc >= 4, "usage: edit_view VIEWS-DIR change ID AMOUNT | delete ID | copy ID NEW-ID");
  everfold::edit(argv[1], argv[2], argv[3], argc > 4 ? argv[4] : "");
}
