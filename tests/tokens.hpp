// Signing tokens as an issuer does, and as an attacker would.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::testing {

inline std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j <= count; ++j) text += digits[(group >> (18 - 6 * j)) & 63];
  }
  return text;
}

inline std::string hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  HMAC(hash, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       mac.data(), &size);
  return {reinterpret_cast<const char*>(mac.data()), size};
}

inline std::string signed_token(const std::string& header, const std::string& claims, std::string_view key,
                                const EVP_MD* hash = EVP_sha256()) {
  const std::string text = base64url(header) + "." + base64url(claims);
  return text + "." + base64url(hmac(hash, key, text));
}

}  // namespace everfold::testing
