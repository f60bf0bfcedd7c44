// shard = murmur2(aggregate id) mod P, as Kafka's own default partitioner hashes keys, computed by us and given as the
// explicit partition, so that every language's client finds an aggregate in the same place.
#pragma once

#include <cstdint>
#include <string_view>

namespace everfold {

// Kafka's 32-bit murmur2: org.apache.kafka.common.utils.Utils.murmur2.
uint32_t murmur2(std::string_view bytes);

// `partitions` > 0. Kafka's toPositive(murmur2(key)) % partitions.
inline int shard_of(std::string_view aggregate_id, int partitions) {
  return static_cast<int>((murmur2(aggregate_id) & 0x7fffffffu) % static_cast<uint32_t>(partitions));
}

}  // namespace everfold
