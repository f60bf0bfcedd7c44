// std::visit with one lambda an alternative: forgetting one stops the build.
#pragma once

namespace everfold {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>  // Clang needs it said until version 17
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace everfold
