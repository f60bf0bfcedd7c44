// everfold-replay verify: does everything hold that must hold of the logs? The exit status says.
#pragma once

#include "tools/replay/integrity.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_verify(CLI::App& app, Tool& tool);

std::string finding_text(const Finding& finding, const kafka::KafkaOptions& kafka);
std::string finding_json(const Finding& finding, const kafka::KafkaOptions& kafka);
std::string figures_text(const Integrity::Figures& figures);
std::string figures_json(const Integrity::Figures& figures);

}  // namespace everfold::replay
