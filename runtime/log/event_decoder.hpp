// Decodes one event after another into the same message objects: parsing into a used object reuses its memory. Former
// versions are upcast (kernel/upcast.hpp); that costs them an object of their own.
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

  // Valid until the next call; nullptr: a type that neither the variant nor its upcasters have, or bytes that are not
  // that message.
  const Event* decode(std::string_view type, std::string_view bytes) {
    return decode(type, bytes, std::index_sequence_for<Messages...>{}, UpcastersOf<Event>());
  }

 private:
  static_assert(upcasters_are_whole<Event>);

  template <std::size_t... I, Upcaster... Us>
  const Event* decode(std::string_view type, std::string_view bytes, std::index_sequence<I...>, Upcasters<Us...>) {
    const Event* found = nullptr;
    (void)(((type == type_of<Messages>() && (found = parse<I>(bytes), true)) || ...) ||
           ((type == type_of<UpcastFrom<Us>>() && (found = upcast<UpcastFrom<Us>>(bytes), true)) || ...));
    return found;
  }
  template <std::size_t I>
  const Event* parse(std::string_view bytes) {
    const bool ok = std::get<I>(slots_[I]).ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    return ok ? &slots_[I] : nullptr;
  }
  template <class Former>
  const Event* upcast(std::string_view bytes) {
    Former former;
    if (!former.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return nullptr;
    Event event = detail::upcast<Event>(std::move(former), UpcastersOf<Event>());
    Event& slot = slots_[event.index()];
    slot = std::move(event);
    return &slot;
  }
  template <std::size_t... I>
  static std::array<Event, sizeof...(Messages)> make_slots(std::index_sequence<I...>) {
    return {Event(std::in_place_index<I>)...};
  }

  std::array<Event, sizeof...(Messages)> slots_ = make_slots(std::index_sequence_for<Messages...>{});
};

}  // namespace everfold
