#include "platform/http/request_parser.hpp"

#include <http_parser.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "kernel/check.hpp"
#include "platform/http/router.hpp"
#include "platform/http/target.hpp"
#include "platform/http/text.hpp"

namespace everfold::http {
namespace {

constexpr std::size_t longest_method = 32;
constexpr std::string_view line_ends = "\r\n";

// "00-<32 hex>-<16 hex>-<2 hex>", lower case, neither id all zero (W3C Trace Context). Later versions may go on after a
// '-'.
std::optional<std::string_view> trace_id_of(std::string_view traceparent) {
  constexpr std::string_view shape = "00-00000000000000000000000000000000-0000000000000000-00";
  if (traceparent.size() < shape.size() || traceparent.substr(0, 2) == "ff") return std::nullopt;
  if (traceparent.size() > shape.size() && (traceparent.substr(0, 2) == "00" || traceparent[shape.size()] != '-')) {
    return std::nullopt;
  }
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '-' ? traceparent[i] != '-' : !is_hex(traceparent[i])) return std::nullopt;
  }
  const auto trace_id = traceparent.substr(3, 32);
  const auto parent_id = traceparent.substr(36, 16);
  const auto is_zero = [](std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; };
  if (is_zero(trace_id) || is_zero(parent_id)) return std::nullopt;
  return trace_id;
}

// host[:port], loosely: what can't be part of an authority is refused.
bool is_host(std::string_view host) {
  return is_visible_ascii(host) && host.find_first_of("/\\?#@\"<>^`{|}") == std::string_view::npos;
}

bool is_decimal(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

struct RequestParser::Impl {
  explicit Impl(Limits given_limits) : limits(given_limits) {
    settings.on_url = [](http_parser* p, const char* at, std::size_t n) { return self(p).url({at, n}); };
    settings.on_header_field = [](http_parser* p, const char* at, std::size_t n) { return self(p).name({at, n}); };
    settings.on_header_value = [](http_parser* p, const char* at, std::size_t n) { return self(p).value({at, n}); };
    settings.on_headers_complete = [](http_parser* p) { return self(p).headers_complete(); };
    settings.on_body = [](http_parser* p, const char* at, std::size_t n) { return self(p).body({at, n}); };
    settings.on_message_complete = [](http_parser* p) { return self(p).message_complete(); };
    restart();
  }

  static Impl& self(http_parser* p) { return *static_cast<Impl*>(p->data); }

  void restart() {
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = this;
    state = State::between;
    parsed = {};
    method_known = in_value = expects_continue = false;
    in_headers = true;
    header_bytes = wire_bytes = value_end = 0;
  }

  std::size_t feed(std::string_view bytes) {
    std::size_t taken = 0;
    if (!method_known) {
      taken = skip_empty_lines(bytes);
      if (state == State::refused || !accept_method(bytes.substr(taken))) return taken;
    }
    while (taken < bytes.size() && state == State::reading) {
      auto piece = bytes.substr(taken);
      if (in_headers) piece = piece.substr(0, limits.header_bytes - header_bytes);
      if (piece.empty()) {
        refuse(Code::headers_too_large, "The request's headers are too large.");
        break;
      }
      taken += execute(piece);
    }
    return taken;
  }

  // RFC 9112 2.2: empty lines before a request line are ignored.
  std::size_t skip_empty_lines(std::string_view bytes) {
    const auto first = std::min(bytes.find_first_not_of(line_ends), bytes.size());
    header_bytes += first;
    if (header_bytes >= limits.header_bytes) refuse(Code::malformed, "Expected a request.");
    return first;
  }

  // http_parser stops in the middle of an unknown method. So that those get an answer of their own, and garbage a 400
  // at its first wrong byte, the method is read here before http_parser sees it.
  bool accept_method(std::string_view bytes) {
    if (bytes.empty()) return false;
    state = State::reading;
    const auto end = std::min(bytes.find_first_of(' '), bytes.size());
    const auto method = bytes.substr(0, end);
    const auto* known = method_of(method);
    if (end == bytes.size()) {
      if (!is_token(method) || method.size() > longest_method) refuse_line();
      return false;
    }
    if (!is_token(method) || method.size() > longest_method || method == "PRI") {
      refuse_line();  // "PRI" opens HTTP/2
    } else if (!known) {
      refuse(Code::method_not_allowed, "This method is not known here.");
    } else {
      parsed.request.method = *known;
      method_known = true;
    }
    return method_known;
  }

  std::size_t execute(std::string_view piece) {
    piece_start = piece.data();
    const auto taken = http_parser_execute(&parser, &settings, piece.data(), piece.size());
    if (in_headers) header_bytes += taken;
    // The framing of chunks is not in the body's limit, and must not be without one.
    wire_bytes += taken;
    if (state != State::reading) return taken;
    const auto error = HTTP_PARSER_ERRNO(&parser);
    if (error == HPE_HEADER_OVERFLOW) {
      refuse(Code::headers_too_large, "The request's headers are too large.");
    } else if (error != HPE_OK) {
      refuse(Code::malformed, std::string("The request can't be read: ") + http_errno_description(error) + ".");
    } else if (parser.http_minor == 9) {
      refuse_line();  // HTTP/0.9: no version in the request line
    } else if (wire_bytes > limits.header_bytes + 16 * limits.body_bytes) {
      refuse(Code::body_too_large, "The request's chunks are too many.");
    }
    return taken;
  }

  // All callbacks return 0 to go on, -1 to stop.
  int refuse(Code code, std::string message) {
    state = State::refused;
    refusal = reject(code, std::move(message));
    return -1;
  }
  int refuse_line() { return refuse(Code::malformed, "The request line is not one of HTTP/1.1."); }

  int url(std::string_view piece) {
    parsed.request.target += piece;
    return 0;
  }

  int name(std::string_view piece) {
    if (!in_headers) return 0;  // trailers are read and dropped
    if (in_value || parsed.request.headers.empty()) parsed.request.headers.emplace_back();
    in_value = false;
    if (!std::all_of(piece.begin(), piece.end(), is_token_char))
      return refuse(Code::malformed, "A header's name is not a token.");
    parsed.request.headers.back().first += piece;
    return 0;
  }

  int value(std::string_view piece) {
    if (!in_headers) return 0;
    const auto at = wire_bytes + static_cast<std::size_t>(piece.data() - piece_start);
    if (in_value && at != value_end) return refuse(Code::malformed, "A header is folded over several lines.");
    in_value = true;
    value_end = at + piece.size();
    parsed.request.headers.back().second += piece;
    return 0;
  }

  int headers_complete() {
    adopt_headers();
    parsed.keep_alive = http_should_keep_alive(&parser) != 0;
    in_headers = in_value = false;
    for (const auto& [name, value] : parsed.request.headers) {
      if (has_control_characters(value)) return refuse(Code::malformed, "A header has control characters.");
    }
    if (int stop = check_version_and_host()) return stop;
    if (int stop = check_framing()) return stop;
    auto target = parse_target(parsed.request.target);
    if (!target) return refuse(target.error().code, target.error().message);
    parsed.request.path = std::move(target.value().path);
    parsed.request.query = std::move(target.value().query);
    parsed.segments = std::move(target.value().segments);
    parser.upgrade = 0;  // no other protocol is spoken here, and ignoring the offer is allowed
    return 0;
  }

  void adopt_headers() {
    auto& request = parsed.request;
    for (auto& [name, value] : request.headers) {
      make_lower_case(name);
      if (const auto inner = trimmed(value); inner.size() < value.size()) value = std::string(inner);
    }
    const auto correlation_id = request.header("x-correlation-id");
    const bool usable = !correlation_id.empty() && correlation_id.size() <= 128 && is_visible_ascii(correlation_id);
    request.correlation_id = usable ? std::string(correlation_id) : random_correlation_id();
    const auto traceparent = request.header("traceparent");
    if (const auto trace_id = trace_id_of(traceparent)) {
      request.traceparent = traceparent;
      request.trace_id = *trace_id;
    } else {
      request.trace_id = random_trace_id();
    }
  }

  int check_version_and_host() {
    if (parser.http_major != 1 || parser.http_minor > 1) return refuse_line();
    const auto hosts = count("host");
    if (hosts > 1 || (hosts == 0 && parser.http_minor == 1)) {
      return refuse(Code::malformed, "The request needs one Host header.");
    }
    if (!is_host(parsed.request.header("host"))) return refuse(Code::malformed, "The Host header is not host:port.");
    return 0;
  }

  int check_framing() {
    const auto lengths = count("content-length");
    const auto codings = count("transfer-encoding");
    if (codings > 0) {
      if (lengths > 0) return refuse(Code::malformed, "Content-Length and Transfer-Encoding contradict each other.");
      const bool chunked = equals_ignoring_case(parsed.request.header("transfer-encoding"), "chunked");
      if (codings > 1 || !chunked || parser.http_minor == 0) {
        return refuse(Code::malformed, "Transfer-Encoding must be \"chunked\".");
      }
    }
    if (lengths > 1 || (lengths == 1 && !is_decimal(parsed.request.header("content-length")))) {
      return refuse(Code::malformed, "Content-Length must be one number.");
    }
    if (lengths == 1 && parser.content_length > limits.body_bytes) return refuse_body();
    const bool has_body = codings > 0 || (lengths == 1 && parser.content_length > 0);
    expects_continue =
        has_body && parser.http_minor == 1 && equals_ignoring_case(parsed.request.header("expect"), "100-continue");
    return 0;
  }

  int refuse_body() {
    return refuse(Code::body_too_large, "The body is larger than " + std::to_string(limits.body_bytes) + " bytes.");
  }

  int body(std::string_view piece) {
    expects_continue = false;  // it did not wait
    auto& so_far = parsed.request.body;
    if (piece.size() > limits.body_bytes - so_far.size()) return refuse_body();
    so_far += piece;
    return 0;
  }

  int message_complete() {
    state = State::complete;
    http_parser_pause(&parser, 1);  // what follows is the next request
    return 0;
  }

  std::ptrdiff_t count(std::string_view header) const {
    return std::ranges::count(parsed.request.headers, header, &std::pair<std::string, std::string>::first);
  }

  Limits limits;
  http_parser parser{};
  http_parser_settings settings{};
  State state = State::between;
  Rejection refusal{};
  ParsedRequest parsed;
  bool method_known = false;
  bool in_headers = true;
  bool in_value = false;      // the last callback was for a header's value
  std::size_t value_end = 0;  // counted as wire_bytes
  const char* piece_start = nullptr;
  bool expects_continue = false;
  std::size_t header_bytes = 0;  // with the request line
  std::size_t wire_bytes = 0;    // all that http_parser has seen of this request
};

RequestParser::RequestParser(Limits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
RequestParser::State RequestParser::state() const { return impl_->state; }
const Rejection& RequestParser::refusal() const { return impl_->refusal; }

const Request& RequestParser::partial_request() {
  if (impl_->parsed.request.correlation_id.empty()) impl_->adopt_headers();
  return impl_->parsed.request;
}

bool RequestParser::take_expects_continue() {
  return impl_->state == State::reading && std::exchange(impl_->expects_continue, false);
}

ParsedRequest RequestParser::take() {
  check(impl_->state == State::complete, "a request is taken before it is complete");
  auto parsed = std::move(impl_->parsed);
  impl_->restart();
  return parsed;
}

}  // namespace everfold::http
