#include "hub/publish_keys.h"

#include <utility>

#include "base/assert.h"

namespace wsd::hub {

std::uint64_t fingerprint_of(MessageType type, std::string_view payload) noexcept {
  // The first digits of the fraction of pi, so that nobody has chosen them.
  constexpr HashKey kFixed{0x243f6a8885a308d3, 0x13198a2e03707344};
  return keyed_hash(payload, {kFixed.low, kFixed.high ^ static_cast<std::uint64_t>(type)});
}

std::size_t PublishKeys::bytes_of(const Entry& entry) noexcept {
  constexpr std::size_t kNode = sizeof(Name) + sizeof(Entry) + 4 * sizeof(void*);
  return kNode + entry.room_.size() + entry.key_.size();
}

const PublishKeys::Entry* PublishKeys::find(std::string_view room, std::string_view key,
                                            Tick now) noexcept {
  trim(now);
  const auto found = entries_.find(View{room, key});
  return found == entries_.end() ? nullptr : &found->second;
}

void PublishKeys::add(std::string_view room, const PublishKey& key) {
  Name name{std::string(room), key.text};
  const auto [added, is_new] = entries_.try_emplace(std::move(name));
  WSD_ASSERT(is_new);
  Entry& entry = added->second;
  entry.fingerprint = key.fingerprint;
  entry.room_ = added->first.room;
  entry.key_ = added->first.key;
  bytes_ += bytes_of(entry);
}

void PublishKeys::place(std::string_view room, std::string_view key, const Position& position,
                        Tick now) noexcept {
  const auto found = entries_.find(View{room, key});
  WSD_ASSERT(found != entries_.end() && !found->second.placed);
  Entry& entry = found->second;
  entry.position = position;
  entry.placed = true;
  entry.expires_ = now + ticks_for_ms(kPublishKeyMs);
  (oldest_ == nullptr ? oldest_ : newest_->newer_) = &entry;
  newest_ = &entry;
  trim(now);
}

void PublishKeys::remove(std::string_view room, std::string_view key) noexcept {
  const auto found = entries_.find(View{room, key});
  WSD_ASSERT(found != entries_.end() && !found->second.placed);
  bytes_ -= bytes_of(found->second);
  entries_.erase(found);
}

void PublishKeys::forget_oldest() noexcept {
  Entry& entry = *oldest_;
  oldest_ = entry.newer_;
  bytes_ -= bytes_of(entry);
  entries_.erase(entries_.find(View{entry.room_, entry.key_}));
}

void PublishKeys::trim(Tick now) noexcept {
  while (oldest_ != nullptr &&
         (now >= oldest_->expires_ || entries_.size() > kMostKeys || bytes_ > kMostBytes)) {
    forget_oldest();
  }
}

}  // namespace wsd::hub
