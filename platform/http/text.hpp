// The few facts about bytes that HTTP needs: tokens, case, UTF-8, percent-encoding, fresh ids.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kernel/rejection.hpp"

namespace everfold::http {

bool is_token(std::string_view text);  // RFC 9110: a method or a header's name; not empty
bool is_token_char(char c);
bool is_visible_ascii(std::string_view text);        // '!' to '~' only; true for ""
bool has_control_characters(std::string_view text);  // other than the tab
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trimmed(std::string_view text);  // of spaces and tabs
void make_lower_case(std::string& text);          // ASCII

// Length in bytes of the well-formed UTF-8 sequence (RFC 3629) that starts at `at`; 0 when it is not one.
std::size_t utf8_sequence_length(std::string_view text, std::size_t at);
bool is_utf8(std::string_view text);

enum class PlusSign { stays, is_space };
// Refuses (malformed) a '%' without two hex digits, %00, and what is not UTF-8 once decoded.
Decided<std::string> percent_decoded(std::string_view text, PlusSign plus_sign);

// Not secret: for correlating log lines.
std::string random_trace_id();        // 32 hex digits, never all zero
std::string random_correlation_id();  // a version 4 UUID

}  // namespace everfold::http
