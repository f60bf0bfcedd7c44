// A client that sends whatever bytes it is told to, and is strict about what it gets.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace everfold::http::test {

struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string header(std::string_view name) const;  // "" when absent; a test failure when there are two
  nlohmann::json json() const;                      // a test failure and null when it is not JSON
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the server closed while we were sending.
  bool send(std::string_view bytes);
  void finish_sending();  // half-close
  void reset();           // go away at once, with a RST

  // The next answer; nullopt at the end of the connection. What takes longer than 10 s, or is not HTTP, fails the test.
  enum class To { get, head };
  std::optional<Reply> read(To request = To::get);
  Reply ask(std::string_view request);      // send and read one
  std::vector<Reply> read_all();            // until the end
  std::string read_raw(std::size_t bytes);  // shorter at the end of the connection
  bool at_end();                            // waits for the server to close

 private:
  bool fill();
  std::optional<std::string> read_line();

  int socket_;
  std::string buffer_;
};

// An answer in our error body, with the ids; never a 500.
void expect_error(const Reply& reply, int status);
// As above, of any status that is not 500; or a success.
void expect_well_formed(const Reply& reply);

std::size_t open_descriptors();
std::vector<int> descriptors();
// Waits up to 10 s.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace everfold::http::test
