#include "platform/http/target.hpp"

#include "platform/http/text.hpp"

namespace everfold::http {
namespace {

// "http://host:80/a" → "/a"
std::string_view without_authority(std::string_view target) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.size() > scheme.size() && equals_ignoring_case(target.substr(0, scheme.size()), scheme)) {
      const auto rest = target.substr(scheme.size());
      const auto end = rest.find_first_of("/?");
      return end == std::string_view::npos ? std::string_view("/") : rest.substr(end);
    }
  }
  return target;
}

// Calls `visit` with each piece between separators, empty ones too; stops at the first refusal.
template <class Visit>
Decided<bool> for_each_piece(std::string_view text, char separator, Visit visit) {
  for (;;) {
    const auto end = text.find(separator);
    auto visited = visit(text.substr(0, end));
    if (!visited || end == std::string_view::npos) return visited;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Decided<Target> parse_target(std::string_view raw) {
  if (!is_visible_ascii(raw)) return reject(Code::malformed, "The URL has characters that must be percent-encoded.");
  if (raw.find('#') != std::string_view::npos) return reject(Code::malformed, "The URL has a fragment ('#').");
  const auto origin = without_authority(raw);
  const auto question_mark = origin.find('?');
  auto path = origin.substr(0, question_mark);
  if (path.empty() && origin.size() < raw.size()) path = "/";  // "http://host?x=1"
  if (!path.starts_with('/')) return reject(Code::malformed, "The URL's path must start with '/'.");

  Target target;
  auto split = for_each_piece(path.substr(1), '/', [&](std::string_view piece) -> Decided<bool> {
    auto segment = percent_decoded(piece, PlusSign::stays);
    if (!segment) return std::move(segment).error();
    target.path.append("/").append(segment.value());
    target.segments.push_back(std::move(segment).value());
    return true;
  });
  if (!split) return std::move(split).error();
  if (question_mark == std::string_view::npos) return target;

  split = for_each_piece(origin.substr(question_mark + 1), '&', [&](std::string_view piece) -> Decided<bool> {
    if (piece.empty()) return true;
    const auto equals = piece.find('=');
    auto name = percent_decoded(piece.substr(0, equals), PlusSign::is_space);
    if (!name) return std::move(name).error();
    auto value = percent_decoded(equals == std::string_view::npos ? "" : piece.substr(equals + 1), PlusSign::is_space);
    if (!value) return std::move(value).error();
    target.query.emplace_back(std::move(name).value(), std::move(value).value());
    return true;
  });
  if (!split) return std::move(split).error();
  return target;
}

}  // namespace everfold::http
