// The contents of a history log, as a new run of the server finds them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/shared_bytes.h"
#include "wsd/position.h"

namespace wsd::engine {

struct RecoveredMessage {
  std::uint64_t seq = 0;
  std::uint64_t wall_ms = 0;  // when it was logged, since 1970-01-01 00:00 UTC
  SharedBytes frame;          // empty: the message was removed
};

// An epoch of a room, as the log declares it. Messages of earlier epochs are part of the room's
// history up to the number `from`.
struct RecoveredEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t from = 0;
};

struct RecoveredRoom {
  std::string name;
  // All declared epochs, in ascending order. Those of which no message is live may be left out.
  std::vector<RecoveredEpoch> epochs;
  // The last position that the log holds. If `RecoveredLog::epochs_go_on` is false, the room must
  // get a new epoch, in which the numbers go on.
  Position last;
  // Records of earlier epochs are valid up to this number; see log_record.h.
  std::uint64_t from = 0;
  // In the order of their numbers, without a hole; the last one has the number last.seq. Empty if
  // none is live.
  std::vector<RecoveredMessage> messages;
  bool damaged = false;  // messages that should be there are missing before `messages`
};

struct RecoveredLog {
  std::vector<RecoveredRoom> rooms;
  // Whether every position that a client may have seen is in the log. Otherwise all rooms need new
  // epochs.
  bool epochs_go_on = false;
  // One sentence for each damage that was found. A torn end of the last segment is none.
  std::vector<std::string> damage;
  // For the next run.
  std::uint64_t next_segment = 1;
  std::uint64_t run = 1;          // the number of the new run
  std::uint64_t first_epoch = 0;  // above all epochs of earlier runs; 0: the log was empty
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

}  // namespace wsd::engine
