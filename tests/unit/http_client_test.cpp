#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "platform/http_client/client.hpp"

namespace everfold {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A server of one connection at a time on a free port of loopback, that answers each request with the next text; an
// empty one closes the connection instead.
class Server {
 public:
  explicit Server(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 8) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port to listen on");
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& url() const { return url_; }
  // Read them when the last answer was received.
  const std::vector<std::string>& requests() const { return requests_; }
  int connections() const { return connections_; }

 private:
  void serve() {
    while (requests_.size() < answers_.size()) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      ++connections_;
      while (requests_.size() < answers_.size() && answer(connection)) {
      }
      close(connection);
    }
  }
  bool answer(int connection) {
    std::string request;
    std::array<char, 4096> buffer{};
    while (request.find("\r\n\r\n") == std::string::npos || !request.ends_with(request[0] == 'P' ? "}" : "\n")) {
      const auto got = read(connection, buffer.data(), buffer.size());
      if (got <= 0) return false;
      request.append(buffer.data(), static_cast<std::size_t>(got));
    }
    requests_.push_back(request);
    const auto& text = answers_[requests_.size() - 1];
    return !text.empty() && write(connection, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  std::vector<std::string> answers_;
  std::vector<std::string> requests_;
  int connections_ = 0;
  int listener_ = -1;
  std::string url_;
  std::thread thread_;
};

HttpRequest get(const Server& server, const std::string& path) {
  HttpRequest request;
  request.url = server.url() + path;
  return request;
}

TEST(HttpClient, KeepsItsConnectionAndReadsTheAnswer) {
  Server server({"HTTP/1.1 201 Created\r\nETag: \"7\"\r\nContent-Length: 2\r\n\r\nhi",
                 "HTTP/1.1 204 No Content\r\nEverfold-Position:  a.1:2 \r\n\r\n"});
  HttpClient client;
  HttpRequest post{
      "POST", server.url() + "/x?y=1", {{"Idempotency-Key", "k"}, {"Content-Type", "application/json"}}, "{}"};
  const auto created = client.send(post);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created.value().status, 201);
  EXPECT_EQ(created.value().body, "hi");
  EXPECT_EQ(created.value().header("etag"), "\"7\"");
  EXPECT_FALSE(created.value().header("location"));

  const auto read = client.send(get(server, "/z"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().status, 204);
  EXPECT_EQ(read.value().body, "");
  EXPECT_EQ(read.value().header("everfold-position"), "a.1:2");
  EXPECT_FALSE(read.value().header("etag"));  // of the answer before

  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.requests()[0], StartsWith("POST /x?y=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Idempotency-Key: k\r\n"));
  EXPECT_THAT(server.requests()[0], HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(server.requests()[1], StartsWith("GET /z HTTP/1.1\r\n"));
}

TEST(HttpClient, TellsWhetherTheServerMayHaveActed) {
  std::string gone;
  {
    Server server({""});
    HttpClient client;
    const auto lost = client.send(get(server, "/"));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, TransportError::Kind::in_doubt);
    gone = server.url();
  }
  HttpRequest request;
  request.url = gone;
  const auto refused = HttpClient().send(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, TransportError::Kind::not_sent);
}

TEST(HttpClient, GivesUpAfterItsTimeout) {
  // Promises more than it sends.
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "never asked for"});
  HttpClient client;
  auto request = get(server, "/");
  request.timeout = std::chrono::milliseconds(50);
  const auto late = client.send(request);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, TransportError::Kind::in_doubt);
}

TEST(HttpClient, RefusesWhatItMustNotSendOrTake) {
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"});
  const auto large = HttpClient(5).send(get(server, "/"));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, TransportError::Kind::not_valid);
  auto smuggling = get(server, "/");
  smuggling.headers = {{"X", "1\r\nAuthorization: Bearer x"}};
  EXPECT_EQ(HttpClient().send(smuggling).error().kind, TransportError::Kind::not_valid);
  HttpRequest other;
  other.url = "file:///etc/hostname";
  EXPECT_EQ(HttpClient().send(other).error().kind, TransportError::Kind::not_valid);
}

TEST(PercentEncode, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("BANK CHARGES@2.95/%\xc3\xa9"), "BANK%20CHARGES%402.95%2F%25%C3%A9");
}

}  // namespace
}  // namespace everfold
