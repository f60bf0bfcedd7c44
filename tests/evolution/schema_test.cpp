// everfold-replay schema, of a context that has former versions.
#include "tools/replay/schema.hpp"

#include <gtest/gtest.h>

#include "tests/evolution/parcels.hpp"

namespace everfold::replay {
namespace {

const schemas::ContextEvents context = schemas::events_of<parcels::Event>("parcels");

TEST(Schema, ListsTypesWithTheirUpcastersAndGoldenBytes) {
  EXPECT_EQ(
      schema_lines(context, false),
      "everfold.parcels.ParcelDispatched.v3                      tests/golden/parcels/ParcelDispatched.v3.golden\n"
      "everfold.parcels.ParcelDelivered.v1                       tests/golden/parcels/ParcelDelivered.v1.golden\n"
      "everfold.parcels.ParcelSent.v1                            tests/golden/parcels/ParcelSent.v1.golden\n"
      "  → everfold.parcels.ParcelSent.v2                        by parcels.weights-add-up\n"
      "  → everfold.parcels.ParcelDispatched.v3                  by parcels.countries-have-a-field\n"
      "everfold.parcels.ParcelSent.v2                            tests/golden/parcels/ParcelSent.v2.golden\n"
      "  → everfold.parcels.ParcelDispatched.v3                  by parcels.countries-have-a-field\n");
}

TEST(Schema, TellsProgramsTheSame) {
  const std::string lines = schema_lines(context, true);
  EXPECT_EQ(
      lines.substr(0, lines.find('\n')),
      R"({"context":"parcels","type":"everfold.parcels.ParcelDispatched.v3","readAs":"everfold.parcels.ParcelDispatched.v3",)"
      R"("upcasters":[],"golden":"tests/golden/parcels/ParcelDispatched.v3.golden"})");
  EXPECT_NE(lines.find(R"("type":"everfold.parcels.ParcelSent.v1","readAs":"everfold.parcels.ParcelDispatched.v3",)"
                       R"("upcasters":["parcels.weights-add-up","parcels.countries-have-a-field"])"),
            std::string::npos)
      << lines;
}

}  // namespace
}  // namespace everfold::replay
