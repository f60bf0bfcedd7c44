#include "projections/checkout/checkouts.hpp"
#include "tests/folding.hpp"

namespace everfold::checkout {
namespace {

using testing::folding;
using testing::make;

v1::CompensationStarted undo() { return make<v1::CompensationStarted>("reason: 'late'"); }
v1::PaymentReversalRequested reversal() { return make<v1::PaymentReversalRequested>("payment_id: 'p' reason: 'late'"); }
v1::CompensationFailed stuck() { return make<v1::CompensationFailed>("reason: 'late'"); }

TEST(CheckoutsView, ShowsWhatIsNotOver) {
  folding<Checkouts>("o1")
      .after(v1::CheckoutStarted{})
      .shows("id: 'o1' state: RESERVING version: 1 created_at { seconds: 1 } updated_at { seconds: 1 }")
      .after(make<v1::StockSecured>("sku: 'a'"))
      .after(v1::PaymentAsked{})
      .shows("id: 'o1' state: PAYING version: 3 created_at { seconds: 1 } updated_at { seconds: 3 }")
      .after(v1::CheckoutCompleted{})
      .shows_nothing()
      .after(v1::PaymentSettled{})  // refunded, and still sold
      .shows_nothing();
}

TEST(CheckoutsView, AnUndoneSaleIsOpenAgainUntilItIsCancelled) {
  folding<Checkouts>("o1")
      .after(v1::CheckoutStarted{})
      .after(v1::CheckoutCompleted{})
      .after(undo())
      .shows(
          "id: 'o1' state: COMPENSATING reason: 'late' version: 3 created_at { seconds: 3 } updated_at { seconds: 3 }")
      .after(reversal())
      .after(make<v1::CheckoutCancelled>("reason: 'late'"))
      .shows_nothing();
}

TEST(CheckoutsView, MoneyThatIsStuckStaysInSight) {
  folding<Checkouts>("o1")
      .after(v1::CheckoutStarted{})
      .after(undo())
      .after(stuck())
      .shows(
          "id: 'o1' state: COMPENSATION_FAILED reason: 'late' version: 3 "
          "created_at { seconds: 1 } updated_at { seconds: 3 }")
      .after(reversal())  // poked
      .shows(
          "id: 'o1' state: COMPENSATING reason: 'late' version: 4 "
          "created_at { seconds: 1 } updated_at { seconds: 4 }");
  // Also when it came after the end.
  folding<Checkouts>("o1")
      .after(v1::CheckoutStarted{})
      .after(make<v1::CheckoutCancelled>("reason: 'late'"))
      .after(v1::PaymentReversalFailed{})
      .shows_nothing()
      .after(stuck())
      .shows(
          "id: 'o1' state: COMPENSATION_FAILED reason: 'late' version: 4 "
          "created_at { seconds: 4 } updated_at { seconds: 4 }");
}

}  // namespace
}  // namespace everfold::checkout
