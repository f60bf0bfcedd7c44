#include "query-api/orders/order_head.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "schemas/common/v1/money.pb.h"
#include "schemas/orders/v1/views.pb.h"

namespace everfold::query {
namespace {

using google::protobuf::internal::WireFormatLite;
using orders::v1::OrderRow;

constexpr uint32_t status_tag = OrderRow::kStatusFieldNumber << 3 | WireFormatLite::WIRETYPE_VARINT;
constexpr uint32_t total_tag = OrderRow::kTotalFieldNumber << 3 | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;

}  // namespace

std::optional<OrderHead> order_head(std::string_view row) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(row.data()), static_cast<int>(row.size()));
  OrderHead head;
  common::v1::Money total;  // of all its occurrences: Protobuf merges them
  while (const uint32_t tag = in.ReadTag()) {
    if (tag == status_tag) {
      uint32_t status = 0;
      if (!in.ReadVarint32(&status)) return std::nullopt;
      head.status = static_cast<int>(status);
    } else if (tag == total_tag) {
      if (!WireFormatLite::ReadMessage(&in, &total)) return std::nullopt;
    } else if (!WireFormatLite::SkipField(&in, tag)) {
      return std::nullopt;
    }
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  head.total = total.amount();
  return head;
}

}  // namespace everfold::query
