// A view's rows as JSON, whatever the view.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/views/view.hpp"

namespace everfold::replay {

std::unique_ptr<google::protobuf::Message> empty_row(const View& view);
// As the query API shows it (platform/json). A row of the history has its event as `data`, or its bytes in hex where
// this program's schemas do not know the type. Throws ViewDamaged when the bytes are no row of the view.
std::string row_json(const View& view, std::string_view key, std::string_view bytes);

}  // namespace everfold::replay
