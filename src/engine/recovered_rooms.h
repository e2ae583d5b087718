// The rooms of a history log while its segments are read, from the newest segment to the oldest.
//
// Which records of a room are valid. A room record declares that its epoch begins after `from`:
// records of earlier epochs above that number are void. So a record of the epoch e with the number
// s is valid if s is at most `from` of each declared epoch above e. All these are declared after
// the record, because epochs of a room rise. Thus they are known when the record is read.
//
// Which messages are live. Each message record says which is the oldest message that the room
// keeps, and so does each room record. In a room, this number never falls. So the highest one of
// all valid records counts, and messages below it can be dropped at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/name_hash.h"
#include "base/shared_bytes.h"
#include "engine/log_scan.h"
#include "engine/recovered_log.h"

namespace wsd::engine {

class RecoveredRooms {
 public:
  // Takes the records of a segment. Call it with the newest segment first. `only_known`: rooms that
  // no newer segment declares are dead, so their records are dropped. Returns whether each record
  // belongs to a room record of the segment; the others were dropped. Throws std::bad_alloc.
  [[nodiscard]] bool add(const LogScan& scan, Bytes segment, bool only_known);
  // Moves the rooms into `rooms`. Adds one sentence to `damage` for each room in which messages are
  // missing. Returns whether none of the missing messages can be of an epoch that is in use. Throws
  // std::bad_alloc.
  [[nodiscard]] bool finish(std::vector<RecoveredRoom>& rooms, std::vector<std::string>& damage);

 private:
  struct Message {
    std::uint64_t seq = 0;
    std::uint64_t epoch = 0;
    std::uint64_t wall_ms = 0;
    SharedBytes frame;
  };
  struct Epoch {
    std::uint64_t from = 0;
    std::uint64_t valid_up_to = 0;  // records of this epoch, because of later epochs
  };
  struct Room {
    const std::string* name = nullptr;
    std::map<std::uint64_t, Epoch> epochs;
    std::uint64_t last_seq = 0;  // of the valid messages
    std::uint64_t oldest = 0;
    std::uint64_t removed_up_to = 0;
    std::vector<std::uint64_t> removed;
    std::vector<Message> messages;
    std::size_t tidy_at = 64;  // number of messages
  };
  // The room for which a number of the segment stands.
  struct Declared {
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
    static constexpr std::uint32_t kDead = kNone - 1;
    std::uint32_t room = kNone;
    std::uint64_t epoch = 0;
    std::uint64_t valid_up_to = 0;
  };

  [[nodiscard]] bool declare(const LogScan& scan, bool only_known);
  void add_message(const LogRecord& record, const Declared& declared);
  static void tidy(Room& room);
  static void apply_removals(Room& room) noexcept;
  [[nodiscard]] static bool finish_room(Room& room, std::vector<RecoveredRoom>& rooms,
                                        std::vector<std::string>& damage);
  [[nodiscard]] static bool is_expected_hole(const Room& room, const Message& below,
                                             const Message& above) noexcept;

  std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> numbers_;
  std::vector<Room> rooms_;
  std::vector<Declared> declared_;  // by number, of the segment that is read
};

}  // namespace wsd::engine
