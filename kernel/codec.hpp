// Protobuf messages to and from what lies in a log: a type name and bytes. A context's events are a std::variant; its
// commands too. Former versions of them are upcast (kernel/upcast.hpp).
//
// Type names are the CloudEvents type: message everfold.orders.v1.OrderPlaced is "everfold.orders.OrderPlaced.v1".
#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "kernel/upcast.hpp"

namespace everfold {

struct Encoded {
  std::string type;
  std::string bytes;
};

std::string type_name(const google::protobuf::Descriptor* descriptor);

template <class Message>
const std::string& type_of() {
  static const std::string name = type_name(Message::descriptor());
  return name;
}

// Maps in the order of their keys: the same message gives the same bytes, so that rows and rebuilds can be compared.
std::string bytes_of(const google::protobuf::MessageLite& message);

template <class Message>
Encoded encode_message(const Message& message) {
  return {type_of<Message>(), bytes_of(message)};
}

template <class... Messages>
Encoded encode(const std::variant<Messages...>& event) {
  return std::visit([](const auto& message) { return encode_message(message); }, event);
}

namespace detail {
template <class Variant, std::size_t I>
bool decode_into(std::string_view type, std::string_view bytes, std::optional<Variant>& out) {
  using Message = std::variant_alternative_t<I, Variant>;
  if (type != type_of<Message>()) return false;
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) out = Variant(std::move(message));
  return true;
}
template <class Variant, class U>
bool upcast_into(std::string_view type, std::string_view bytes, std::optional<Variant>& out) {
  using Message = UpcastFrom<U>;
  if (type != type_of<Message>()) return false;
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    out = upcast<Variant>(std::move(message), UpcastersOf<Variant>());
  return true;
}
template <class Variant, std::size_t... I, Upcaster... Us>
std::optional<Variant> decode(std::string_view type, std::string_view bytes, std::index_sequence<I...>,
                              Upcasters<Us...>) {
  static_assert(upcasters_are_whole<Variant>);
  std::optional<Variant> out;
  (void)((decode_into<Variant, I>(type, bytes, out) || ...) || (upcast_into<Variant, Us>(type, bytes, out) || ...));
  return out;
}
}  // namespace detail

// Nothing: a type that neither the variant nor its upcasters have, or bytes that are not that message.
template <class Variant>
std::optional<Variant> decode(std::string_view type, std::string_view bytes) {
  return detail::decode<Variant>(type, bytes, std::make_index_sequence<std::variant_size_v<Variant>>{},
                                 UpcastersOf<Variant>());
}

}  // namespace everfold
