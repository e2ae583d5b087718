// The changes that one shard hands to the history log at the end of a turn, and the answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/mail.h"
#include "hub/room_engine.h"
#include "wsd/position.h"

namespace wsd::engine {

// Names a room of one shard: 1, 2, 3 and so on. A number is given again after the room has ended
// (kEnd).
using RoomNumber = std::uint32_t;

// One change, in the order in which the shard made it.
struct LogEntry {
  enum class Kind : std::uint8_t {
    kRoom,        // from now on `room` stands for `name`, and its messages have the epoch
                  // `position.epoch`; `seq` = from, see LogRoomRecord
    kMessage,     // `frame` has `position`; `seq` = the oldest message that the room keeps
    kRemoval,     // the message `position` was removed
    kRemovalAll,  // all messages up to `position` were removed
    kOldest,      // the room keeps its messages from `seq` on; only in the batch of a start
    kEnd,         // the room has ended, so nothing of it is live; the number is free
  };
  Kind kind = Kind::kMessage;
  RoomNumber room = 0;
  Position position;
  std::uint64_t seq = 0;
  SharedBytes frame;  // kMessage: one WebSocket frame as it is sent to members (RFC 6455 §5.2)
};

// The changes of one turn. Travels as mail from the shard to the log and back, so that neither side
// needs memory for the answer.
class LogBatch : public hub::ShardTask {
 public:
  std::uint32_t shard = 0;
  hub::EngineTerm term = 0;  // of the shard, when it made the batch
  hub::Ticket last = 0;      // the ticket of the last kMessage, kRemoval or kRemovalAll in it
  std::vector<LogEntry> entries;
  std::vector<std::string> names;  // of the kRoom entries, in their order

  // The answer of the log. `kept`: all entries are kept. Otherwise none of them is, and `now` is
  // the term of the log.
  bool kept = false;
  hub::EngineTerm now = 0;
};

}  // namespace wsd::engine
