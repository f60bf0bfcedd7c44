#include "tools/replay/output/dump_state.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "tools/replay/history/event_filter.hpp"

namespace everfold::replay {
namespace {

std::string state_file(const std::string& file) { return file + ".part.state"; }

}  // namespace

std::string DumpState::text() const {
  nlohmann::json json{
      {"command", command}, {"length", length}, {"events", events}, {"offsets", nlohmann::json::object()}};
  for (const auto& [log, offset] : offsets) json["offsets"][to_string(log)] = offset;
  return json.dump() + '\n';
}

std::optional<DumpState> DumpState::parse(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.value("command", nlohmann::json()).is_string() ||
      !json.value("length", nlohmann::json()).is_number_integer() ||
      !json.value("events", nlohmann::json()).is_number_integer() ||
      !json.value("offsets", nlohmann::json()).is_object())
    return std::nullopt;
  DumpState state{json["command"], json["length"], json["events"], {}};
  for (const auto& [name, offset] : json["offsets"].items()) {
    const auto log = parse_log_id(name);
    if (!log || !offset.is_number_integer()) return std::nullopt;
    state.offsets[*log] = offset;
  }
  return state;
}

std::optional<DumpState> load_dump_state(const std::string& file) {
  std::ifstream in(state_file(file), std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  auto state = DumpState::parse(text.str());
  std::error_code error;
  const auto size = std::filesystem::file_size(file + ".part", error);
  // The part may be longer than what was noted, never shorter.
  if (!state || error || static_cast<int64_t>(size) < state->length) return std::nullopt;
  return state;
}

void save_dump_state(const std::string& file, const DumpState& state) {
  const std::string name = state_file(file), fresh = name + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << state.text();
  out.close();
  std::error_code error;
  if (out.good()) std::filesystem::rename(fresh, name, error);
  if (!out.good() || error) throw std::runtime_error("can't write " + name);
}

void remove_dump_state(const std::string& file) {
  std::error_code error;  // one that stays is of another command, or of the same that begins anew
  std::filesystem::remove(state_file(file), error);
}

}  // namespace everfold::replay
