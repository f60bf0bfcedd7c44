// Any message of the schemas by its type name, commands too.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string_view>

namespace everfold::replay {

// "everfold.inventory.ReserveStock.v1"; nullptr: no message of this version's, or bytes that are not that message.
std::unique_ptr<google::protobuf::Message> parse_message(std::string_view type, std::string_view bytes);

}  // namespace everfold::replay
