// What /admin/views answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/views/projector.hpp"

namespace everfold::projections {

// `ends`: of the logs; what is not known is missing.
std::string view_json(const Projector& projector, const std::string& row_type, const std::map<LogId, int64_t>& ends,
                      int64_t now_ms);
// By the descriptor of its type; null when there is none.
std::string row_json(const std::string& type, const std::optional<std::string>& bytes);
// {"operations": [{"id", "at", "type", "view", "actor", "correlationId", "data"}]}
std::string operations_json(const std::vector<StoredEvent>& operations);
// {"rows", "added", "lost", "changed", "index": {…}, "differences": [...]}
std::string differences_json(const Comparison& comparison, const std::string& row_type);

}  // namespace everfold::projections
