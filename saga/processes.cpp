#include "saga/processes.hpp"

#include "saga/checkout/decider.hpp"

namespace everfold {

std::vector<std::unique_ptr<HostedContext>> saga_processes() {
  std::vector<std::unique_ptr<HostedContext>> processes;
  processes.push_back(host<checkout::Checkout>());
  return processes;
}

}  // namespace everfold
