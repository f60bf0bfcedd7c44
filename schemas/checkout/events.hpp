#pragma once

#include <variant>

#include "schemas/checkout/v1/events.pb.h"

namespace everfold::checkout {
using Event =
    std::variant<v1::CheckoutStarted, v1::StockRequested, v1::TimeoutScheduled, v1::StockSecured, v1::StockRefused,
                 v1::PaymentAsked, v1::PaymentSecured, v1::PaymentFailed, v1::StockCommitRequested,
                 v1::OrderConfirmationRequested, v1::CheckoutCompleted, v1::CompensationStarted,
                 v1::StockReleaseRequested, v1::StockReturnRequested, v1::PaymentReversalRequested, v1::PaymentSettled,
                 v1::OrderCancellationRequested, v1::CheckoutCancelled, v1::PaymentReversalFailed, v1::CompensationFailed>;
}
