// 5,000 damaged requests against a live server: it survives, and whatever it answers is HTTP and our body.
#include <gtest/gtest.h>

#include "tests/http/live_server.hpp"
#include "tests/http/mutations.hpp"
#include "tests/http/raw_client.hpp"

namespace everfold::http::test {
namespace {

TEST(HttpFuzz, DamagedRequestsAreAnsweredWell) {
  constexpr unsigned seed = 3;
  LiveServer server;
  std::mt19937 random(seed);
  for (int i = 0; i < 5'000 && !testing::Test::HasFailure(); ++i) {
    const auto bytes = mutated(random);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", request " + std::to_string(i) + ": " +
                 testing::PrintToString(bytes.substr(0, 500)));
    RawClient client(server.port());
    const auto cut = random() % 2 == 0 ? bytes.size() : random() % (bytes.size() + 1);
    client.send(std::string_view(bytes).substr(0, cut));
    client.send(std::string_view(bytes).substr(cut));
    client.finish_sending();
    for (const auto& reply : client.read_all()) expect_well_formed(reply);
  }
  EXPECT_EQ(RawClient(server.port()).ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

}  // namespace
}  // namespace everfold::http::test
