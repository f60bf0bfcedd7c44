// The bytes of one client's connection to the command API: framing, routing, headers, bodies, down to the decision. The
// connection gets them whole, and once more in pieces and answered late; the answers must be the same. "Bearer admin"
// and "Bearer ann" stand for tokens of theirs.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "command-side/routes.hpp"
#include "platform/http/connection.hpp"
#include "platform/http/response_writer.hpp"
#include "platform/http/text.hpp"
#include "platform/http/unique_fd.hpp"
#include "tests/fake_writer.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/tokens.hpp"

namespace everfold::fuzz {
namespace {

constexpr int64_t now_ms = 1'800'000'000'000;
const std::string secret(64, '5');

std::string token_of(const std::string& role, const std::string& subject) {
  return testing::signed_token(R"({"alg":"HS256"})",
                               R"({"iss":"ecommerce-auth","aud":"ecommerce-services","exp":1800001000,"sub":")" +
                                   subject + R"(","roles":[")" + role + R"("]})",
                               secret);
}

std::string with_tokens(std::string bytes) {
  static const std::array<std::pair<std::string, std::string>, 2> tokens{
      {{"Bearer admin", "Bearer " + token_of("admin", "a-1")}, {"Bearer ann", "Bearer " + token_of("user", "ann")}}};
  for (const auto& [name, token] : tokens)
    for (auto at = bytes.find(name); at != std::string::npos; at = bytes.find(name, at + token.size()))
      bytes.replace(at, name.size(), token);
  return bytes;
}

// The command API behind one connection.
class Shop final : private http::Mailbox::Receiver {
 public:
  explicit Shop(bool late) : late_(late) {
    add_command_routes(router_, edge_);
    options_.max_header_bytes = 4 << 10;
    options_.max_body_bytes = 4 << 10;
    std::array<int, 2> pair{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) == 0, "there are no more sockets");
    client_ = http::UniqueFd(pair[0]);
    http::Mailbox::set_thread_receiver(mailbox_.get(), this);
    connection_ = std::make_unique<http::Connection>(context_, 1, http::Mailbox::Accepted{pair[1], false});
  }
  ~Shop() { http::Mailbox::set_thread_receiver(nullptr, nullptr); }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  // All that it answers to these bytes, which come in `pieces`.
  std::string answers_to(std::string_view bytes, const std::vector<std::size_t>& pieces) {
    for (const auto size : pieces) {
      const auto piece = bytes.substr(0, size);
      bytes.remove_prefix(piece.size());
      if (connection_->dead()) break;
      check(::send(client_.get(), piece.data(), piece.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(piece.size()),
            "the input is larger than a socket's buffer");
      turn();
    }
    ::shutdown(client_.get(), SHUT_WR);
    turn();
    check(connection_->dead(), "a client that said all and read all is still waited for");
    return std::move(received_);
  }

 private:
  void receive(http::Mailbox::Answer answer) override {
    if (late_)
      waiting_ = std::move(answer.response);
    else
      connection_->accept_answer(answer.response);
  }

  // As often as there is something to do: a socket's buffer and a thread's turn are both limited.
  void turn() {
    for (std::size_t before = SIZE_MAX; before != received_.size() || !mailbox_->collect().resume.empty();) {
      before = received_.size();
      connection_->on_event(false);
      if (const auto answer = std::exchange(waiting_, std::nullopt)) {
        connection_->accept_answer(*answer);
        connection_->advance();
      }
      receive_some();
    }
  }

  void receive_some() {
    std::array<char, 16 << 10> bytes;
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
      if (got > 0) received_.append(bytes.data(), static_cast<std::size_t>(got));
    }
  }

  const bool late_;
  std::optional<http::Response> waiting_;
  testing::FakeWriter writer_;
  auth::TokenVerifier tokens_{secret, {.now_s = [] { return now_ms / 1000; }}};
  int ids_ = 0;
  edge::Edge edge_{
      {writer_, writer_, tokens_, [] { return now_ms; }, [this] { return "random-" + std::to_string(++ids_); },
       [] { return true; }, [](const std::function<void(bool)>& then) { then(true); }}};
  http::Router router_;
  http::ServerOptions options_{.on_error = [](std::string_view what) { fail(what); }};
  std::atomic<bool> stopping_ = false;
  std::shared_ptr<http::Mailbox> mailbox_ = std::make_shared<http::Mailbox>();
  http::ConnectionContext context_{router_.impl(), options_, mailbox_, std::vector<char>(64 << 10), {}, stopping_};
  http::UniqueFd client_;
  std::unique_ptr<http::Connection> connection_;
  std::string received_;
};

// What the framing alone makes of the bytes: the methods of the requests that are answered.
struct Asked {
  std::vector<http::Method> methods;
  bool refused = false;  // one more answer comes, the last
};

Asked asked_by(std::string_view bytes) {
  http::RequestParser parser({4 << 10, 4 << 10});
  Asked asked;
  while (true) {
    bytes.remove_prefix(parser.feed(bytes));
    if (parser.state() == http::RequestParser::State::complete) {
      const auto parsed = parser.take();
      asked.methods.push_back(parsed.request.method);
      check(parsed.request.path.starts_with('/') && http::is_utf8(parsed.request.path), "a path is none");
      check(parsed.request.trace_id.size() == 32 && !parsed.request.correlation_id.empty(), "a request has no trace");
      if (!parsed.keep_alive) return asked;
      continue;
    }
    asked.refused = parser.state() != http::RequestParser::State::between;
    if (asked.refused) asked.methods.push_back(parser.partial_request().method);
    return asked;
  }
}

using Answers = std::vector<std::pair<int, std::size_t>>;  // status, size of the body

std::string_view header_of(std::string_view head, std::string_view name) {
  const auto at = head.find(name);
  check(at != std::string_view::npos, "an answer lacks a header");
  const auto value = head.substr(at + name.size());
  return value.substr(0, value.find('\r'));
}

std::size_t number_of(std::string_view digits) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  check(error == std::errc{} && end == digits.data() + digits.size(), "a number in an answer is none");
  return number;
}

std::pair<int, std::size_t> take_answer(std::string_view& bytes, http::Method method) {
  while (bytes.starts_with(http::continue_response)) bytes.remove_prefix(http::continue_response.size());
  const auto end = bytes.find("\r\n\r\n");
  check(end != std::string_view::npos && bytes.starts_with("HTTP/1.1 "), "an answer is none");
  const auto head = bytes.substr(0, end + 2);
  bytes.remove_prefix(end + 4);
  for (auto rest = head; !rest.empty();) {
    const auto line = take_until(rest, '\n');
    check(line.ends_with('\r') && !http::has_control_characters(line.substr(0, line.size() - 1)),
          "an answer's head is cut by a control character");
  }
  const int status = static_cast<int>(number_of(head.substr(9, 3)));
  check(status != 500, "a client can make a bug happen");
  const auto size = status == 204 || method == http::Method::head ? 0 : number_of(header_of(head, "Content-Length: "));
  check(bytes.size() >= size, "an answer is cut short");
  check(size == 0 || nlohmann::json::accept(bytes.substr(0, size)), "an answer is no JSON");
  bytes.remove_prefix(size);
  return {status, status == 400 ? 0 : size};  // which of several mistakes is told may depend on where the bytes are cut
}

Answers answers_in(std::string_view bytes, const Asked& asked) {
  Answers answers;
  for (const auto method : asked.methods) answers.push_back(take_answer(bytes, method));
  check(bytes.empty(), "there are more answers than requests");
  check(!asked.refused || answers.back().first >= 400, "what is no request is done");
  return answers;
}

}  // namespace

void try_input(std::string_view input) {
  const auto bytes = with_tokens(std::string(input));
  const auto asked = asked_by(bytes);
  const auto whole = answers_in(Shop(false).answers_to(bytes, {bytes.size()}), asked);
  auto random = random_of(input);
  std::vector<std::size_t> pieces;
  const auto largest = random() % 2 == 0 ? 40 : bytes.size();
  for (std::size_t cut = 0; cut < bytes.size(); cut += pieces.back()) pieces.push_back(1 + random() % largest);
  const auto in_pieces = answers_in(Shop(true).answers_to(bytes, pieces), asked);
  check(whole == in_pieces, "the answers depend on how the bytes are cut");
}

}  // namespace everfold::fuzz
