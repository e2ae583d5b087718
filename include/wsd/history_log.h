// Reads the history log of a server, also while the server runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wsd/message.h"
#include "wsd/position.h"

namespace wsd {

// A room as its history log holds it.
struct LoggedRoom {
  std::string name;
  Position last;                // of its latest message
  std::uint64_t first_seq = 0;  // of its oldest message that is kept; 0: none is kept
  std::uint64_t messages = 0;   // that are kept, without removed ones
  std::uint64_t bytes = 0;      // of the payloads of these messages
};

// The contents of a history log.
struct HistoryLogReport {
  std::string error;              // empty, or why the directory cannot be read
  std::vector<LoggedRoom> rooms;  // by name
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;          // of all segments
  bool in_use = false;              // a server has the directory
  std::vector<std::string> damage;  // one sentence for each damage
  bool positions_go_on = false;     // whether the next start continues the epochs
};

// Reads the history log in `directory`. Changes nothing. Any thread. Throws std::bad_alloc if
// memory runs out.
[[nodiscard]] HistoryLogReport read_history_log(const std::string& directory);

// A message of a room as its history log holds it.
struct LoggedMessage {
  Position position;
  std::uint64_t time_ms = 0;  // when it was logged, since 1970-01-01 00:00 UTC
  MessageType type = MessageType::kText;
  std::string_view payload;  // valid during the call
};

// Calls `visit` with the kept messages of `room` in their order: those after `from`, or all.
// Returns an empty string, or an error as a sentence: the directory cannot be read, the room is not
// in it, or `from` has another epoch than the room. Any thread. Throws std::bad_alloc if memory
// runs out.
[[nodiscard]] std::string visit_history_log(const std::string& directory, std::string_view room,
                                            const std::optional<Position>& from,
                                            const std::function<void(const LoggedMessage&)>& visit);

// Gives every room of the log a new epoch, so that no position of the log's later life, which a
// restored copy does not know, is given again. Call it after a snapshot of the disk was restored.
// No server may use the directory. Any thread. Returns an empty string, or an error as a sentence.
[[nodiscard]] std::string begin_new_epochs(const std::string& directory);

}  // namespace wsd
