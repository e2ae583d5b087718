#include "model/memory.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "model/mix.h"

namespace wsd::model {
namespace {

constexpr std::size_t kMaxMessages = 255;  // an index fits into a byte of a view

void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "model: %s\n", what);
  std::abort();
}

}  // namespace

void View::join(const View& other) noexcept {
  for (unsigned i = 0; i < kMaxLocations; ++i) seen[i] = std::max(seen[i], other.seen[i]);
  plain |= other.plain;
}

void Memory::reset(unsigned threads) {
  for (unsigned i = 0; i < locations_; ++i) messages_[i].clear();
  locations_ = 0;
  plains_ = 0;
  thread_count_ = threads;
  live_ = (1U << threads) - 1;
  for (unsigned i = 0; i < threads; ++i) threads_[i] = {};
  order_.reset();
}

unsigned Memory::add_location(Value initial, bool only_updated) {
  require(locations_ < kMaxLocations, "too many atomic variables");
  messages_[locations_].push_back({initial, {}, 0});
  only_updated_[locations_] = only_updated;
  return locations_++;
}

unsigned Memory::add_plain() {
  require(plains_ < kMaxPlain, "too many plain variables");
  for (unsigned i = 0; i < thread_count_; ++i) {
    threads_[i].view.plain |= std::uint64_t{1} << plains_;
  }
  return plains_++;
}

void Memory::readable(unsigned thread, unsigned location, std::memory_order order,
                      std::vector<unsigned>& indices) const {
  indices.clear();
  require(!only_updated_[location], "a load where only updates were announced");
  const Thread& reader = threads_[thread];
  const auto count = static_cast<unsigned>(messages_[location].size());
  for (unsigned i = reader.view.seen[location]; i < count; ++i) {
    if (order != std::memory_order_seq_cst || order_.allows(location, 2 * i + 1, reader.before)) {
      indices.push_back(i);
    }
  }
}

void Memory::note(unsigned thread, unsigned location, unsigned key) {
  Thread& who = threads_[thread];
  who.before |= order_.add(thread, location, key, who.before);
}

Value Memory::load(unsigned thread, unsigned location, unsigned index, std::memory_order order) {
  Thread& reader = threads_[thread];
  const Message& message = messages_[location][index];
  if (order == std::memory_order_seq_cst) note(thread, location, 2 * index + 1);
  if (acquires(order)) {
    reader.view.join(message.view);
    reader.before |= message.before;
  }
  reader.view.seen[location] =
      std::max(reader.view.seen[location], static_cast<std::uint8_t>(index));
  return message.value;
}

void Memory::store(unsigned thread, unsigned location, Value value, std::memory_order order,
                   bool is_update) {
  Thread& writer = threads_[thread];
  std::vector<Message>& messages = messages_[location];
  require(messages.size() < kMaxMessages, "too many changes of one variable");
  const auto index = static_cast<std::uint8_t>(messages.size());
  Message message;
  message.value = value;
  if (is_update) {
    const Message& last = messages.back();
    message.view = last.view;  // the release sequence continues
    message.before = last.before;
    if (acquires(order)) {
      writer.view.join(last.view);
    }
  }
  // A release publishes the operations before it in its own thread, not those that it acquires
  // itself.
  if (releases(order)) message.before |= writer.before;
  if (order == std::memory_order_seq_cst) note(thread, location, 2U * index);
  if (is_update && acquires(order)) writer.before |= messages.back().before;
  writer.view.seen[location] = index;
  message.view.seen[location] = index;
  if (releases(order)) message.view.join(writer.view);
  messages.push_back(message);
}

bool Memory::touch(unsigned thread, unsigned variable) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << variable;
  const bool known = (threads_[thread].view.plain & bit) != 0;
  for (unsigned i = 0; i < thread_count_; ++i) threads_[i].view.plain &= ~bit;
  for (unsigned i = 0; i < locations_; ++i) {
    for (Message& message : messages_[i]) message.view.plain &= ~bit;
  }
  threads_[thread].view.plain |= bit;
  return known;
}

std::array<std::uint8_t, kMaxLocations> Memory::bases() const noexcept {
  std::array<std::uint8_t, kMaxLocations> bases = {};
  for (unsigned i = 0; i < locations_; ++i) {
    auto base = static_cast<std::uint8_t>(messages_[i].size() - 1);
    for (unsigned t = 0; t < thread_count_; ++t) {
      if ((live_ >> t & 1) != 0 && !only_updated_[i])
        base = std::min(base, threads_[t].view.seen[i]);
    }
    bases[i] = base;
  }
  return bases;
}

std::uint64_t Memory::hash() const {
  const std::array<std::uint8_t, kMaxLocations> base = bases();
  const SeqCstOrder::Set open = order_.open(base);
  std::uint64_t hash = 0;
  const auto add = [&](const View& view, SeqCstOrder::Set before) {
    // Eight values in each word.
    std::uint64_t packed = 0;
    for (unsigned i = 0; i < locations_; ++i) {
      packed = packed << 8 | (view.seen[i] > base[i] ? view.seen[i] - base[i] : 0U);
      if (i % 8 == 7) hash = mix(hash, packed);
    }
    hash = mix(mix(hash, packed), view.plain);
    if (open != 0) hash = mix(hash, order_.preceding(open, before));
  };
  for (unsigned t = 0; t < thread_count_; ++t) {
    if ((live_ >> t & 1) != 0) add(threads_[t].view, threads_[t].before);
  }
  for (unsigned i = 0; i < locations_; ++i) {
    for (std::size_t m = base[i]; m < messages_[i].size(); ++m) {
      hash = mix(hash, messages_[i][m].value);
      add(messages_[i][m].view, messages_[i][m].before);
    }
    hash = mix(hash, i);
  }
  if (open != 0) hash = mix(hash, order_.hash(open, base));
  return hash;
}

}  // namespace wsd::model
