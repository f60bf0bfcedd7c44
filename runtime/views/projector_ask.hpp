// Private to runtime/projector*.cpp: how a wish is put to the thread that folds, and noted.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernel/ids.hpp"
#include "runtime/views/operations_log.hpp"
#include "runtime/views/projector.hpp"

namespace everfold {

template <class T>
Decided<T> Projector::ask(std::function<Decided<T>()> act) {
  std::optional<Decided<T>> answer;
  const bool done = wish([&] {
    try {
      answer.emplace(act());
    } catch (const std::runtime_error& trouble) {  // of the disk, or damage, which the fold will meet by itself
      answer.emplace(reject(Code::unavailable, "View " + name_ + ": " + trouble.what()));
    }
  });
  if (!done)
    return reject(Code::unavailable, "View " + name_ +
                                         " does not answer: it waits for Kafka or for room on the disk, or the "
                                         "program is stopping. Nothing was done; try again.");
  return std::move(*answer);
}

template <class Message>
std::optional<Rejection> Projector::tell(const Message& message, const By& by) {
  const int64_t now_ms = ports_.wall_ms();
  const std::string id = derive_id({type_of<Message>(), name_, by.actor, by.correlation_id, std::to_string(now_ms)});
  try {
    ports_.note(operation(message, {id, by.actor, now_ms, by.correlation_id}));
    return std::nullopt;
  } catch (const std::runtime_error& error) {
    return reject(Code::unavailable,
                  std::string("It cannot be noted who wants that, so nothing was done: ") + error.what());
  }
}

}  // namespace everfold
