// everfold-schemas: holds the schemas to what has been published. The build runs it (tools/schemas/CMakeLists.txt).
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tools/schemas/golden.hpp"
#include "tools/schemas/published.hpp"
#include "tools/schemas/schema_set.hpp"

namespace everfold::schemas {
namespace {

constexpr const char* usage =
    "everfold-schemas: holds the schemas of events, commands and whatever else is kept to what has been published.\n"
    "\n"
    "  everfold-schemas check SCHEMAS PUBLISHED            says what was published and would not be read any more\n"
    "  everfold-schemas publish SCHEMAS PUBLISHED GOLDEN   adds what is new to PUBLISHED, and the golden bytes that "
    "are missing to the\n"
    "                                                      folder GOLDEN; refuses when `check` finds something\n"
    "\n"
    "  SCHEMAS     what protoc --include_imports --descriptor_set_out has made of schemas/**/*.proto\n"
    "  PUBLISHED   schemas/published.txt\n"
    "  GOLDEN      tests/golden\n"
    "\n"
    "The build does both: every build checks, `./dev build publish_schemas` publishes. How to change an event: "
    "CONTRIBUTING.md.\n"
    "Exit status: 0 well; 1 something was found or failed; 2 wrong usage.\n";

int check(const Published& published, const Published& now) {
  const auto found = breaches(published, now);
  for (const auto& breach : found) std::cerr << "everfold-schemas: " << breach << '\n';
  return found.empty() ? 0 : 1;
}

int publish(const SchemaSet& schemas, const std::string& file, const std::string& golden) {
  const Published now = today(schemas);
  const bool first = !std::ifstream(file);
  const Published published = first ? Published() : parse_published(read_file(file));
  if (const int status = check(published, now); status != 0) return status;
  if (now != published || first) {
    std::ofstream out(file, std::ios::binary);
    out << to_text(now);
    if (!out.flush()) throw std::runtime_error(file + " cannot be written");
    std::cout << file << '\n';
  }
  for (const auto& path : write_missing(schemas, golden)) std::cout << path << '\n';
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) return std::cout << usage, 0;
  if (words.size() == 3 && words[0] == "check")
    return check(parse_published(read_file(words[2])), today(SchemaSet(words[1])));
  if (words.size() == 4 && words[0] == "publish") return publish(SchemaSet(words[1]), words[2], words[3]);
  std::cerr << usage;
  return 2;
}

}  // namespace
}  // namespace everfold::schemas

int main(int argc, char** argv) {
  try {
    return everfold::schemas::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "everfold-schemas: " << error.what() << '\n';
    return 1;
  }
}
