// Rows of a view as the messages that they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/views/view_shelf.hpp"
#include "runtime/views/views.hpp"

namespace everfold::query {

// Throws ViewDamaged when the bytes are no Row: the projector wrote them, so the files are bad.
template <class Row>
Row parsed_row(std::string_view key, std::string_view bytes) {
  Row row;
  if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw ViewDamaged("the row " + std::string(key) + " is no " + Row::descriptor()->full_name());
  return row;
}

template <class Row>
std::optional<Row> stored_row(const ViewReader& view, std::string_view key) {
  const auto bytes = view.row(key);
  if (!bytes) return std::nullopt;
  return parsed_row<Row>(key, *bytes);
}

}  // namespace everfold::query
