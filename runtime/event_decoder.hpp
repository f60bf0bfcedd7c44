// Decodes one event after another into the same message objects: parsing into a used object reuses its memory.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>

#include "kernel/codec.hpp"

namespace everfold {

template <class Event>
class EventDecoder;

template <class... Messages>
class EventDecoder<std::variant<Messages...>> {
 public:
  using Event = std::variant<Messages...>;

  // Valid until the next call; nullptr: a type that the variant does not have, or bytes that are not that message.
  const Event* decode(std::string_view type, std::string_view bytes) {
    return decode(type, bytes, std::index_sequence_for<Messages...>{});
  }

 private:
  template <std::size_t... I>
  const Event* decode(std::string_view type, std::string_view bytes, std::index_sequence<I...>) {
    const Event* found = nullptr;
    (void)((type == type_of<Messages>() && (found = parse<I>(bytes), true)) || ...);
    return found;
  }
  template <std::size_t I>
  const Event* parse(std::string_view bytes) {
    const bool ok = std::get<I>(slots_[I]).ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    return ok ? &slots_[I] : nullptr;
  }
  template <std::size_t... I>
  static std::array<Event, sizeof...(Messages)> make_slots(std::index_sequence<I...>) {
    return {Event(std::in_place_index<I>)...};
  }

  std::array<Event, sizeof...(Messages)> slots_ = make_slots(std::index_sequence_for<Messages...>{});
};

}  // namespace everfold
