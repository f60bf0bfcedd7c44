// A bounded memory of what was used recently, by text keys.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace everfold {

// Thread-safe. Keeps two generations of at most `half` entries: when the younger is full it becomes the older, and what
// was not asked for during a whole generation is forgotten. So the size is bounded without an order to maintain.
template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t half) : half_(half) {}

  std::optional<Value> find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    if (const auto young = young_.find(key); young != young_.end()) return young->second;
    const auto old = old_.find(key);
    if (old == old_.end()) return std::nullopt;
    Value value = old->second;
    insert(std::string(key), value);
    return value;
  }

  void put(std::string_view key, Value value) {
    const std::lock_guard lock(mutex_);
    insert(std::string(key), std::move(value));
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return young_.size() + old_.size();
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Entries = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  void insert(std::string key, Value value) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_.clear();
    }
    young_.insert_or_assign(std::move(key), std::move(value));
  }

  const std::size_t half_;
  mutable std::mutex mutex_;
  Entries young_, old_;
};

}  // namespace everfold
