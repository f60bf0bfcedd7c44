// What libFuzzer calls.
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  everfold::fuzz::try_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
