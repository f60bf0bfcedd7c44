// view_digest VIEWS-DIR VIEW: one line about the view's live generation, whoever writes it meanwhile: how many rows and index
// entries it has and a SHA-256 over all of them. Equal lines: equal to the byte.
#include <openssl/evp.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "kernel/check.hpp"
#include "platform/rocksdb/view_store.hpp"

namespace everfold {
namespace {

class Digest {
 public:
  Digest() { check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "SHA-256 is not available"); }

  // With its length, so that no two sequences of texts give the same bytes.
  void add(std::string_view text) {
    const uint64_t size = text.size();
    update(&size, sizeof size);
    update(text.data(), text.size());
  }
  std::string hex() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    check(EVP_DigestFinal_ex(context_.get(), bytes, &size) == 1, "SHA-256 failed");
    std::string text;
    for (unsigned int i = 0; i < size; ++i)
      for (const int digit : {bytes[i] >> 4, bytes[i] & 15}) text += "0123456789abcdef"[digit];
    return text;
  }

 private:
  void update(const void* data, std::size_t size) {
    check(EVP_DigestUpdate(context_.get(), data, size) == 1, "SHA-256 failed");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

void print_digest(const std::string& views_directory, const std::string& view, const std::string& scratch) {
  const RocksMemory memory;
  RocksViewReader reader(views_directory, view, scratch, memory);
  check(reader.catch_up(), reader.problem());
  Digest digest;
  std::size_t rows = 0, entries = 0;
  const auto into = [&digest](std::size_t& count) {
    return [&digest, &count](std::string_view key, std::string_view value) {
      ++count;
      digest.add(key);
      digest.add(value);
      return true;
    };
  };
  reader.rows({}, {}, into(rows));
  digest.add("index");
  reader.index({}, into(entries));
  std::cout << rows << " rows, " << entries << " index entries, " << digest.hex() << '\n';
}

}  // namespace
}  // namespace everfold

int main(int argc, char** argv) {
  everfold::check(argc == 3, "usage: view_digest VIEWS-DIR VIEW");
  std::string scratch = "/tmp/everfold-digest-XXXXXX";
  everfold::check(mkdtemp(scratch.data()) != nullptr, "no temporary directory can be made");
  everfold::print_digest(argv[1], argv[2], scratch);
  std::filesystem::remove_all(scratch);
}
