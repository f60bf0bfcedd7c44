#pragma once

#include <variant>

#include "schemas/payments/v1/events.pb.h"

namespace everfold::payments {
using Event = std::variant<v1::PaymentRequested, v1::PaymentPending, v1::PaymentCaptured, v1::PaymentDeclined,
                           v1::PaymentVoided, v1::RefundRequested, v1::PaymentRefunded, v1::RefundFailed,
                           v1::WrongAmountCaptured, v1::ReversalRequested, v1::ReversalFailed>;
}
