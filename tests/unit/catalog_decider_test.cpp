#include "command-side/catalog/decider.hpp"
#include "tests/given.hpp"

namespace everfold::catalog {
namespace {

using namespace everfold::testing;
using Details = v1::ProductDetails;

const std::string mug = "name: 'Mug' price { amount: 799 currency: 'GBP' }";

Event created(const std::string& details = mug + " status: active") {
  return make<v1::ProductCreated>("sku: 'MUG-1' details { " + details + " }");
}
Event updated(const std::string& details) {
  return make<v1::ProductUpdated>("sku: 'MUG-1' details { " + details + " }");
}
Event archived() { return make<v1::ProductArchived>("sku: 'MUG-1'"); }

v1::CreateProduct create(const std::string& details = mug, const std::string& sku = "MUG-1") {
  v1::CreateProduct command;
  command.set_sku(sku);
  *command.mutable_details() = make<Details>(details);
  return command;
}
v1::UpdateProduct update(const std::vector<std::string>& fields, const std::string& details) {
  v1::UpdateProduct command;
  *command.mutable_details() = make<Details>(details);
  for (const std::string& field : fields) command.add_fields(field);
  return command;
}
const std::vector<std::string> every_field{"name", "description", "price", "category", "brand", "attributes", "status"};

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Catalog, EveryCommandInEveryState) {
  expect_table<Catalog>({{"none", {}},
                         {"draft", {created(mug + " status: draft")}},
                         {"active", {created()}},
                         {"archived", {created(), archived()}}},
                        {{"create", create()},
                         {"rename", update({"name"}, "name: 'Cup'")},
                         {"publish", update({"status"}, "status: active")},
                         {"change-nothing", update({}, "")},
                         {"archive", v1::ArchiveProduct{}}},
                        R"(
                   none            draft            active           archived
    create         ProductCreated  already_exists   already_exists   already_exists
    rename         not_found       ProductUpdated   ProductUpdated   product_archived
    publish        not_found       ProductUpdated   -                product_archived
    change-nothing not_found       -                -                product_archived
    archive        not_found       ProductArchived  ProductArchived  -
  )");
}

TEST(Catalog, AProductThatSaysNoStatusIsForSale) { given<Catalog>({}).when(create()).then({created()}); }

TEST(Catalog, ADraftStaysADraft) {
  given<Catalog>({}).when(create(mug + " status: draft")).then({created(mug + " status: draft")});
}

TEST(Catalog, EverythingAboutAProductIsKept) {
  const std::string all =
      mug +
      " description: 'Line\\nbreak\\tand tab' category: 'Kitchen' brand: 'Everfold'"
      " attributes { key: 'colour' value: 'red' } attributes { key: 'size' value: '' } status: draft";
  given<Catalog>({}).when(create(all)).then({created(all)});
}

TEST(Catalog, EmptyTextsAreNone) {
  given<Catalog>({}).when(create(mug + " description: '' category: '' brand: ''")).then({created()});
}

TEST(Catalog, ASecondProductOfTheSkuIsRefusedAboutTheSku) {
  given<Catalog>({created()}).when(create()).then_rejected(Code::already_exists, "sku");
}

TEST(Catalog, AWrongFieldIsToldBeforeAConflict) {
  given<Catalog>({created()}).when(create("name: 'Mug'")).then_rejected(Code::validation_failed, "price");
}

TEST(Catalog, SkuRule) {
  for (const std::string& good : {std::string("A"), std::string(64, 'x'), std::string("two words ~!@#")})
    EXPECT_EQ(given<Catalog>({}).when(create(mug, good)).events().size(), 1u) << good;
  for (const std::string& bad :
       {std::string(), std::string(65, 'x'), std::string("a/b"), std::string(" a"), std::string("a "),
        std::string("a\tb"), std::string("caf\xc3\xa9"), std::string("\x7f")})
    given<Catalog>({}).when(create(mug, bad)).then_rejected(Code::validation_failed, "sku");
}

TEST(Catalog, NameBounds) {
  const std::string price = " price { amount: 1 currency: 'USD' }";
  EXPECT_EQ(given<Catalog>({}).when(create("name: '" + repeated("é", 200) + "'" + price)).events().size(), 1u);
  for (const std::string& bad : {std::string(), std::string("   "), std::string(201, 'x'), std::string("a\\nb"),
                                 std::string("a\\000b"), std::string("a\\302\\205b")})
    given<Catalog>({}).when(create("name: '" + bad + "'" + price)).then_rejected(Code::validation_failed, "name");
}

TEST(Catalog, TextBounds) {
  const auto with = [](const std::string& field, std::size_t size) {
    return create(mug + " " + field + ": '" + std::string(size, 'x') + "'");
  };
  for (const auto& [field, max] :
       std::vector<std::pair<std::string, std::size_t>>{{"description", 10'000}, {"category", 100}, {"brand", 100}}) {
    EXPECT_EQ(given<Catalog>({}).when(with(field, max)).events().size(), 1u) << field;
    given<Catalog>({}).when(with(field, max + 1)).then_rejected(Code::validation_failed, field);
    given<Catalog>({}).when(create(mug + " " + field + ": 'a\\033b'")).then_rejected(Code::validation_failed, field);
  }
  given<Catalog>({}).when(create(mug + " brand: 'a\\nb'")).then_rejected(Code::validation_failed, "brand");
}

TEST(Catalog, PriceBounds) {
  const auto priced = [](const std::string& amount, const std::string& currency) {
    return create("name: 'Mug' price { amount: " + amount + " currency: '" + currency + "' }");
  };
  for (const char* good : {"0", "1", "1000000000000000"})
    EXPECT_EQ(given<Catalog>({}).when(priced(good, "JPY")).events().size(), 1u) << good;
  for (const char* bad : {"-1", "1000000000000001", "9223372036854775807", "-9223372036854775808"})
    given<Catalog>({}).when(priced(bad, "JPY")).then_rejected(Code::validation_failed, "price.amount");
  for (const char* bad : {"", "usd", "XXQ", "US", "USDX", "XAU"})
    given<Catalog>({}).when(priced("1", bad)).then_rejected(Code::validation_failed, "price.currency");
}

TEST(Catalog, AttributeBounds) {
  const auto attributes = [](int count) {
    std::string text = mug;
    for (int i = 0; i < count; ++i) text += " attributes { key: 'k" + std::to_string(i) + "' value: 'v' }";
    return create(text);
  };
  const auto attribute = [](const std::string& key, const std::string& value) {
    return create(mug + " attributes { key: '" + key + "' value: '" + value + "' }");
  };
  EXPECT_EQ(given<Catalog>({}).when(attributes(100)).events().size(), 1u);
  given<Catalog>({}).when(attributes(101)).then_rejected(Code::validation_failed, "attributes");
  EXPECT_EQ(given<Catalog>({}).when(attribute(std::string(64, 'k'), std::string(1'000, 'v'))).events().size(), 1u);
  given<Catalog>({}).when(attribute("", "v")).then_rejected(Code::validation_failed, "attributes");
  given<Catalog>({}).when(attribute(std::string(65, 'k'), "v")).then_rejected(Code::validation_failed, "attributes");
  given<Catalog>({})
      .when(attribute("k", std::string(1'001, 'v')))
      .then_rejected(Code::validation_failed, "attributes.k");
}

TEST(Catalog, OnlyDeletingArchives) {
  given<Catalog>({}).when(create(mug + " status: archived")).then_rejected(Code::validation_failed, "status");
  given<Catalog>({created()})
      .when(update({"status"}, "status: archived"))
      .then_rejected(Code::validation_failed, "status");
}

TEST(Catalog, EverythingThatIsWrongIsToldAtOnce) {
  given<Catalog>({})
      .when(create("price { amount: -1 currency: 'X' } attributes { key: 'b' value: '\\001' } attributes { key: 'a' "
                   "value: '\\001' }",
                   ""))
      .then_rejected(Code::validation_failed, std::vector<std::string>{"sku", "name", "price.amount", "price.currency",
                                                                       "attributes.a", "attributes.b"});
}

TEST(Catalog, PatchTakesTheNamedFieldsOnly) {
  given<Catalog>({created(mug + " brand: 'Old' category: 'Kitchen' status: draft")})
      .when(update({"brand", "price"}, "name: 'not named' brand: 'New' price { amount: 5 currency: 'USD' }"))
      .then(
          {updated("name: 'Mug' price { amount: 5 currency: 'USD' } brand: 'New' category: 'Kitchen' status: draft")});
}

TEST(Catalog, ANamedFieldThatIsNotGivenIsCleared) {
  given<Catalog>({created(mug + " description: 'd' brand: 'b' attributes { key: 'k' value: 'v' } status: active")})
      .when(update({"description", "attributes"}, ""))
      .then({updated(mug + " brand: 'b' status: active")});
  given<Catalog>({created()}).when(update({"name"}, "")).then_rejected(Code::validation_failed, "name");
  given<Catalog>({created()}).when(update({"price"}, "")).then_rejected(Code::validation_failed, "price");
}

TEST(Catalog, PutReplacesTheWhole) {
  given<Catalog>({created(mug + " description: 'd' brand: 'b' status: draft")})
      .when(update(every_field, "name: 'Cup' price { amount: 5 currency: 'USD' } category: 'Kitchen'"))
      .then({updated("name: 'Cup' price { amount: 5 currency: 'USD' } category: 'Kitchen' status: active")});
}

TEST(Catalog, AFieldThatProductsDoNotHaveIsRefused) {
  given<Catalog>({created()}).when(update({"sku"}, "")).then_rejected(Code::validation_failed, "sku");
  given<Catalog>({created()})
      .when(update({"name", "colour"}, "name: 'Cup'"))
      .then_rejected(Code::validation_failed, "colour");
}

TEST(Catalog, ChangesShowInTheNextDecision) {
  const std::string red = " attributes { key: 'colour' value: 'red' } status: active";
  given<Catalog>({created(), updated(mug + red)})
      .when(update({"attributes"}, "attributes { key: 'colour' value: 'red' }"))
      .then_nothing();
  given<Catalog>({created(), updated(mug + red)})
      .when(update({"brand"}, "brand: 'b'"))
      .then({updated(mug + " brand: 'b'" + red)});
}

TEST(Catalog, Laws) {
  const auto any_command = [](std::mt19937_64& random) -> Catalog::Command {
    static const std::vector<std::string> details{mug,
                                                  mug + " brand: 'b'",
                                                  mug + " status: draft",
                                                  "name: ''",
                                                  mug + " attributes { key: 'k' value: 'v' }",
                                                  "name: 'Cup' price { amount: 0 currency: 'VND' } description: 'd'"};
    const std::string& any = details[random() % details.size()];
    switch (random() % 8) {
      case 0:
        return create(any);
      case 1:
        return random() % 4 == 0 ? Catalog::Command(v1::ArchiveProduct{}) : create(any);
      case 2:
        return update(every_field, any);
      default:
        return update({every_field[random() % every_field.size()]}, any);
    }
  };
  const auto invariant = [](const Catalog::State& state) -> std::string {
    if (state.sku.empty()) return "";
    if (state.details.name().empty() || !state.details.has_price()) return "a product without name or price\n";
    if (state.details.status() == Details::unspecified) return "a product without status\n";
    if (state.details.has_brand() && state.details.brand().empty()) return "an empty brand\n";
    return "";
  };
  const auto same_state = [](const Catalog::State& a, const Catalog::State& b) {
    return a.sku == b.sku && same(a.details, b.details);
  };
  auto seen = expect_laws<Catalog>({any_command, invariant, [](const Catalog::Command&) { return false; }, same_state});
  for (const char* event : {"ProductCreated", "ProductUpdated", "ProductArchived", "product_archived"})
    EXPECT_GT(seen[event], 20) << event;
}

}  // namespace
}  // namespace everfold::catalog
