#include "tools/replay/history/message_types.hpp"

#include <google/protobuf/descriptor.h>

#include <array>
#include <string>

#include "schemas/carts/v1/commands.pb.h"
#include "schemas/catalog/v1/commands.pb.h"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/inventory/v1/commands.pb.h"
#include "schemas/orders/v1/commands.pb.h"
#include "schemas/payments/v1/commands.pb.h"

namespace everfold::replay {

using google::protobuf::Message;

std::unique_ptr<Message> parse_message(std::string_view type, std::string_view bytes) {
  // One message of each file: a file of which nothing is named would not be linked, and then not be found by name.
  static const std::array linked{carts::v1::CreateCart::descriptor(),       catalog::v1::CreateProduct::descriptor(),
                                 checkout::v1::StartCheckout::descriptor(), inventory::v1::ReserveStock::descriptor(),
                                 orders::v1::PlaceOrder::descriptor(),      payments::v1::RequestPayment::descriptor()};
  const auto* pool = linked.front()->file()->pool();
  // everfold.orders.PlaceOrder.v1 → everfold.orders.v1.PlaceOrder
  const std::size_t version = type.rfind('.');
  const std::size_t name = version == 0 || version == type.npos ? type.npos : type.rfind('.', version - 1);
  if (name == type.npos) return nullptr;
  std::string full(type.substr(0, name));
  full += type.substr(version);
  full += type.substr(name, version - name);
  const auto* descriptor = pool->FindMessageTypeByName(full);
  if (!descriptor) return nullptr;
  std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ? std::move(message) : nullptr;
}

}  // namespace everfold::replay
