// std::visit with one lambda an alternative: forgetting one stops the build.
#pragma once

namespace everfold {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace everfold
