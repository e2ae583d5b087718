// The keys of the messages that a home shard has published, without an order engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/name_hash.h"
#include "base/tick.h"
#include "hub/publish_key.h"
#include "wsd/position.h"

namespace wsd::hub {

// Remembers the position of each message that was published with a key, for kPublishKeyMs. Forgets
// the oldest message early if there are more than kMostKeys, or if they take more than
// kMostBytes. A message without a position is never forgotten: the publish gate limits the mail of
// such messages.
//
// Shard's thread only.
class PublishKeys {
 public:
  static constexpr std::size_t kMostKeys = 65'536;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;

  struct Entry {
    std::uint64_t fingerprint = 0;
    Position position;
    bool placed = false;  // it has a position

   private:
    friend class PublishKeys;
    Tick expires_ = 0;
    std::string_view room_;
    std::string_view key_;
    Entry* newer_ = nullptr;  // in the list of the messages with a position
  };

  PublishKeys() = default;
  PublishKeys(const PublishKeys&) = delete;
  PublishKeys& operator=(const PublishKeys&) = delete;
  ~PublishKeys() = default;

  // Returns the message of the room that has this key, or nullptr. It is valid until the next call.
  [[nodiscard]] const Entry* find(std::string_view room, std::string_view key, Tick now) noexcept;
  // Remembers a message without a position. No message of the room may have its key. Throws
  // std::bad_alloc if memory runs out; then nothing has changed.
  void add(std::string_view room, const PublishKey& key);
  // The message of add() has got this position.
  void place(std::string_view room, std::string_view key, const Position& position,
             Tick now) noexcept;
  // The message of add() was refused.
  void remove(std::string_view room, std::string_view key) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  // The two parts of a name in the table.
  struct View {
    std::string_view room;
    std::string_view key;
  };
  struct Name {
    std::string room;
    std::string key;
    operator View() const noexcept { return {room, key}; }  // NOLINT(google-explicit-constructor)
  };
  struct Hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(const View& name) const noexcept {
      // The hash of the room is part of the hash key, so that equal keys of two rooms differ.
      HashKey key = process_hash_key();
      key.low ^= keyed_hash(name.room, key);
      return keyed_hash(name.key, key);
    }
  };
  struct Equal {
    using is_transparent = void;
    [[nodiscard]] bool operator()(const View& a, const View& b) const noexcept {
      return a.room == b.room && a.key == b.key;
    }
  };

  [[nodiscard]] static std::size_t bytes_of(const Entry& entry) noexcept;
  void forget_oldest() noexcept;
  void trim(Tick now) noexcept;

  std::unordered_map<Name, Entry, Hash, Equal> entries_;
  Entry* oldest_ = nullptr;
  Entry* newest_ = nullptr;  // valid while there is an oldest one
  std::size_t bytes_ = 0;
};

}  // namespace wsd::hub
