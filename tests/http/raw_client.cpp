#include "tests/http/raw_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernel/check.hpp"

namespace everfold::http::test {
namespace {

constexpr int deadline_ms = 10'000;

}  // namespace

std::string Reply::header(std::string_view name) const {
  std::string value;
  int times = 0;
  for (const auto& [key, each] : headers) {
    if (key != name) continue;
    value = each;
    ++times;
  }
  EXPECT_LE(times, 1) << name << " is sent twice";
  return value;
}

nlohmann::json Reply::json() const {
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << body;
  return parsed;
}

RawClient::RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "the test can't connect");
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient::~RawClient() {
  if (socket_ >= 0) ::close(socket_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket_);
  socket_ = -1;
}

bool RawClient::fill() {
  pollfd waiting{socket_, POLLIN, 0};
  if (::poll(&waiting, 1, deadline_ms) <= 0) {
    ADD_FAILURE() << "no byte from the server in time";
    return false;
  }
  std::array<char, 65536> piece;
  const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
  if (got < 0) ADD_FAILURE() << "the server reset the connection: " << std::strerror(errno);
  if (got <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<std::string> RawClient::read_line() {
  auto end = buffer_.find("\r\n");
  while (end == std::string::npos) {
    if (!fill()) return std::nullopt;
    end = buffer_.find("\r\n");
  }
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::optional<Reply> RawClient::read(To request) {
  if (buffer_.empty() && !fill()) return std::nullopt;
  Reply reply;
  const auto status_line = read_line();
  if (!status_line || !status_line->starts_with("HTTP/1.1 ") || status_line->size() < 13) {
    ADD_FAILURE() << "not a status line: " << status_line.value_or("(cut off)");
    return std::nullopt;
  }
  std::from_chars(status_line->data() + 9, status_line->data() + 12, reply.status);
  for (auto line = read_line(); !line || !line->empty(); line = read_line()) {
    const auto colon = line ? line->find(": ") : std::string::npos;
    if (colon == std::string::npos) {
      ADD_FAILURE() << "not a header: " << line.value_or("(cut off)");
      return std::nullopt;
    }
    auto name = line->substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers.emplace_back(std::move(name), line->substr(colon + 2));
  }
  if (reply.status == 100) return read(request);
  if (reply.status == 204 || reply.status == 304 || request == To::head) return reply;
  const auto length_text = reply.header("content-length");
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
  EXPECT_TRUE(error == std::errc() && end == length_text.data() + length_text.size())
      << "content-length: " << length_text;
  reply.body = read_raw(length);
  EXPECT_EQ(reply.body.size(), length) << "the body is cut off";
  return reply;
}

Reply RawClient::ask(std::string_view request) {
  EXPECT_TRUE(send(request));
  auto reply = read();
  EXPECT_TRUE(reply.has_value()) << "no answer to " << request.substr(0, 200);
  return reply.value_or(Reply{});
}

std::vector<Reply> RawClient::read_all() {
  std::vector<Reply> replies;
  while (auto reply = read()) replies.push_back(std::move(*reply));
  return replies;
}

std::string RawClient::read_raw(std::size_t bytes) {
  while (buffer_.size() < bytes && fill()) continue;
  auto taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

bool RawClient::at_end() { return buffer_.empty() && !fill(); }

void expect_error(const Reply& reply, int status) {
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_NE(reply.status, 500);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_FALSE(reply.header("x-correlation-id").empty());
  const auto body = reply.json();
  ASSERT_TRUE(body.is_object()) << reply.body;
  EXPECT_TRUE(body.contains("error") && body["error"].is_string()) << reply.body;
  EXPECT_TRUE(body.contains("message") && body["message"].is_string()) << reply.body;
  EXPECT_TRUE(body.contains("details") && body["details"].is_array()) << reply.body;
  ASSERT_TRUE(body.contains("traceId") && body["traceId"].is_string()) << reply.body;
  EXPECT_EQ(body["traceId"].get<std::string>().size(), 32u) << reply.body;
}

void expect_well_formed(const Reply& reply) {
  if (reply.status >= 400) {
    expect_error(reply, reply.status);
  } else {
    EXPECT_GE(reply.status, 200);
    EXPECT_FALSE(reply.header("x-correlation-id").empty());
  }
}

std::vector<int> descriptors() {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    // The directory itself is open while it is read.
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && target.starts_with("socket:")) found.push_back(std::stoi(entry.path().filename()));
  }
  std::ranges::sort(found);
  return found;
}

std::size_t open_descriptors() { return descriptors().size(); }

}  // namespace everfold::http::test
