// Millions of ids in little memory: their 64-bit digests in one array, each with a number. Two of n ids have the same
// digest with a chance of n² / 2^65: one in 370,000 for ten million. At most 5/8 full; 16 bytes a place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace everfold::replay {

class IdTable {
 public:
  // The number of an id, 0 when it was not there: it is now. Valid until the next call.
  int64_t& operator[](std::string_view id) {
    if ((count_ + 1) * 8 > places_.size() * 5) grow();
    Place& place = places_[place_of(digest_of(id))];
    if (place.digest == 0) {
      place.digest = digest_of(id);
      ++count_;
    }
    return place.number;
  }
  // False: it was there.
  bool insert(std::string_view id) {
    const std::size_t before = count_;
    (*this)[id] = 1;
    return count_ > before;
  }
  bool contains(std::string_view id) const { return places_[place_of(digest_of(id))].digest != 0; }

  std::size_t size() const { return count_; }
  std::size_t bytes() const { return places_.size() * sizeof(Place); }

 private:
  struct Place {
    uint64_t digest = 0;  // 0: free
    int64_t number = 0;
  };

  static uint64_t digest_of(std::string_view id) {
    uint64_t digest = 0xcbf29ce484222325;  // FNV-1a, and Stafford's mix 13, so that every bit of it counts
    for (const char byte : id) digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    digest = (digest ^ (digest >> 30)) * 0xbf58476d1ce4e5b9;
    digest = (digest ^ (digest >> 27)) * 0x94d049bb133111eb;
    digest ^= digest >> 31;
    return digest == 0 ? 1 : digest;
  }
  // Its place, or the free one where it belongs.
  std::size_t place_of(uint64_t digest) const {
    std::size_t at = digest & (places_.size() - 1);
    while (places_[at].digest != 0 && places_[at].digest != digest) at = (at + 1) & (places_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Place> old(places_.size() * 2);
    old.swap(places_);
    for (const Place& place : old)
      if (place.digest != 0) places_[place_of(place.digest)] = place;
  }

  std::vector<Place> places_ = std::vector<Place>(1024);  // a power of two
  std::size_t count_ = 0;
};

}  // namespace everfold::replay
