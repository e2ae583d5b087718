#include "model/seq_cst_order.h"

#include <bit>
#include <cstdio>
#include <cstdlib>

#include "model/mix.h"

namespace wsd::model {
namespace {

// Calls `each(index)` for each member.
template <class Each>
void for_each(SeqCstOrder::Set set, Each each) {
  for (; set != 0; set &= set - 1) each(static_cast<unsigned>(std::countr_zero(set)));
}

}  // namespace

void SeqCstOrder::reset() noexcept {
  counts_ = {};
  all_ = 0;
}

bool SeqCstOrder::allows(unsigned location, unsigned key, Set before) const noexcept {
  bool good = true;
  for_each(all_, [&](unsigned i) {
    const Operation& each = operations_[i];
    if (each.location == location && each.key > key && (reach_[i] & before) != 0) good = false;
  });
  return good;
}

SeqCstOrder::Set SeqCstOrder::add(unsigned thread, unsigned location, unsigned key, Set before) {
  if (counts_[thread] == kPerThread) {
    std::fputs("model: more sequentially consistent operations than it has room for\n", stderr);
    std::abort();
  }
  const unsigned added = thread * kPerThread + counts_[thread]++;
  const Set bit = Set{1} << added;
  Set after = bit;
  for_each(all_, [&](unsigned i) {
    const Operation& each = operations_[i];
    if (each.location != location) return;
    if (each.key > key) after |= reach_[i];
    if (each.key < key) before |= Set{1} << i;
  });
  operations_[added] = {location, key};
  reach_[added] = after;
  for_each(all_, [&](unsigned i) {
    if ((reach_[i] & before) != 0) reach_[i] |= after;
  });
  all_ |= bit;
  return bit;
}

SeqCstOrder::Set SeqCstOrder::open(
    const std::array<std::uint8_t, kMaxLocations>& bases) const noexcept {
  Set set = 0;
  for_each(all_, [&](unsigned i) {
    if (operations_[i].key / 2 > bases[operations_[i].location]) set |= Set{1} << i;
  });
  return set;
}

SeqCstOrder::Set SeqCstOrder::preceding(Set open, Set set) const noexcept {
  Set found = 0;
  for_each(open, [&](unsigned i) {
    if ((reach_[i] & set) != 0) found |= Set{1} << i;
  });
  return found;
}

std::uint64_t SeqCstOrder::hash(Set open,
                                const std::array<std::uint8_t, kMaxLocations>& bases) const {
  std::array<Set, kMaxLocations> closed = {};
  for_each(all_ & ~open, [&](unsigned i) { closed[operations_[i].location] |= Set{1} << i; });
  std::uint64_t hash = 0;
  for_each(open, [&](unsigned i) {
    const Operation& each = operations_[i];
    hash = mix(hash, i);
    hash = mix(hash, each.location);
    hash = mix(hash, each.key - 2U * bases[each.location]);
    hash = mix(hash, reach_[i] & open);
    for (const Set set : closed)
      hash = mix(hash, static_cast<std::uint64_t>((reach_[i] & set) != 0));
  });
  return hash;
}

}  // namespace wsd::model
