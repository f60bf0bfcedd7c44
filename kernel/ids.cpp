#include "kernel/ids.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "kernel/check.hpp"

namespace everfold {

std::string derive_id(std::initializer_list<std::string_view> parts) {
  std::string input;
  for (const std::string_view part : parts) {
    input += std::to_string(part.size());
    input += ':';
    input += part;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  check(EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1,
        "SHA-256 is not available in this OpenSSL");
  constexpr std::string_view hex = "0123456789abcdef";
  std::string id;
  id.reserve(32);
  for (std::size_t i = 0; i < 16; ++i) {
    id += hex[digest[i] >> 4];
    id += hex[digest[i] & 15];
  }
  return id;
}

std::string event_id(std::string_view command_id, std::size_t place) {
  std::string id(command_id);
  id += '.';
  id += std::to_string(place);
  return id;
}

std::string product_id(std::string_view sku) { return derive_id({"product", sku}); }
std::string order_id_of_cart(std::string_view cart_id) { return derive_id({"order", cart_id}); }
std::string payment_id_of_order(std::string_view order_id) { return derive_id({"payment", order_id}); }

std::string order_number(std::string_view order_id) {
  constexpr std::string_view base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const std::string hashed = derive_id({"order number", order_id});
  uint64_t bits = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const char c = hashed[i];
    bits = (bits << 4) | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  std::string number = "EF-";
  for (int i = 0; i < 10; ++i, bits <<= 5) number += base32[bits >> 59];
  return number;
}

}  // namespace everfold
