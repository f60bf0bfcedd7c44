#include "runtime/writer/command.hpp"

namespace everfold {

Rejection nothing_done(std::string why) {
  return reject(Code::unavailable, std::move(why) + ". Nothing was done; try again.");
}

Rejection outcome_unknown() {
  return reject(Code::unavailable,
                "The log did not confirm the command in time. Whether it was done is not known yet: send it again with the same "
                "Idempotency-Key to learn the outcome.");
}

}  // namespace everfold
