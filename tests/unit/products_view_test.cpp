#include "projections/catalog/products.hpp"
#include "tests/folding.hpp"

namespace everfold::catalog {
namespace {

using testing::folding;
using testing::make;

TEST(ProductsView, FollowsAProductFromCreationToTheArchive) {
  folding<Products>("p1")
      .after(make<v1::ProductCreated>(R"(sku: "MUG" details { name: "Mug" description: "Blue" category: "Kitchen"
        price { amount: 499 currency: "GBP" } attributes { key: "size" value: "L" } status: draft })"))
      .shows(
          R"(id: "p1" sku: "MUG" name: "Mug" description: "Blue" category: "Kitchen" price { amount: 499 currency: "GBP" }
        attributes { key: "size" value: "L" } status: draft version: 1 created_at { seconds: 1 } updated_at { seconds: 1 })")
      .after(make<v1::ProductUpdated>(R"(sku: "MUG" details { name: "Large mug" brand: "Acme"
        price { amount: 599 currency: "GBP" } status: active })"))
      // What the update does not name is gone: it carries the whole product.
      .shows(R"(id: "p1" sku: "MUG" name: "Large mug" brand: "Acme" price { amount: 599 currency: "GBP" } status: active
        version: 2 created_at { seconds: 1 } updated_at { seconds: 2 })")
      .after(make<v1::ProductArchived>("sku: 'MUG'"))
      .changes("status: archived");
}

}  // namespace
}  // namespace everfold::catalog
