// The knowledge of members and publishers over all lives of a server, and the promises about it.
//
// The observer knows neither the log nor the rooms of the server. It judges messages by the numbers
// that they bear, and positions by the frames that members get. It asks the disk only whether the
// bytes of a message are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/broken.h"
#include "sim/history/disk.h"
#include "wsd/options.h"
#include "wsd/position.h"

namespace wsd::sim {

using MessageId = std::uint32_t;  // 1, 2, 3 and so on

// A member gets one of these: a message, or one of the two notices. The encoder of the simulation
// writes them.
struct Notice {
  enum class Kind : std::uint8_t { kMessage, kGap, kPosition };
  Kind kind = Kind::kMessage;
  Position position;
  std::string_view text;  // of a message
};
[[nodiscard]] std::string notice_text(Notice::Kind kind, const Position& position,
                                      std::string_view text = {});
// Ends the run if `frame` is no notice.
[[nodiscard]] Notice parse_notice(std::string_view frame);

// One member, and the part of its room that it has seen.
struct Sight {
  int room = 0;
  std::optional<Position> at;
  bool gap_told = false;     // since it has joined
  std::uint64_t joined = 0;  // the observer's time
};

class Observer {
 public:
  Observer(const Disk& disk, HistorySync mode, int rooms)
      : disk_(disk), mode_(mode), rooms_(static_cast<std::size_t>(rooms)) {}

  // From the moment at which the process dies until the next one begins, nobody sees anything.
  void set_blind(bool blind) noexcept { blind_ = blind; }
  [[nodiscard]] bool blind() const noexcept { return blind_ || disk_.dead(); }

  // A message is published. Returns its number, and text() its text.
  MessageId publish(int room, std::size_t filler);
  [[nodiscard]] std::string text(MessageId id) const;

  // A publisher has got a receipt.
  void on_receipt(MessageId id, const Position& position);
  // A member has got a frame with its position. `replayed`: as an answer to its join.
  void on_frame(Sight& sight, std::string_view frame, bool replayed);
  // A member without positions has got a message.
  void on_plain(const Sight& sight, std::string_view text, bool replayed);
  // Joins count from here: messages that were removed before must not be replayed.
  void on_join(Sight& sight) noexcept { sight.joined = ++time_; }

  // An operator has asked for the removal of a message, or of all of a room.
  void on_removal_asked(int room, const std::optional<Position>& message);
  // `removed`: how many messages were removed; without a value, the removal was refused.
  void on_removal_answered(int room, const std::optional<Position>& message,
                           const std::optional<std::size_t>& removed);

  // The log has failed: messages are not kept, until settled().
  void on_log_failed() noexcept {
    counting_ = false;
    failed_ = failing_ = true;
  }
  // The disk fails from now on. Bytes that the kernel takes for stored may be lost at any time.
  void on_disk_failed() noexcept { failed_ = disk_has_failed_ = true; }
  // The log works again. The earlier kept messages have a hole after them, unless messages are
  // refused.
  void on_log_resumed() {
    failing_ = false;
    if (mode_ != HistorySync::kEach) forgive_all();
  }
  // The log works, and all that was handed over is answered.
  void on_settled() noexcept { counting_ = true; }
  [[nodiscard]] bool log_is_failed() const noexcept { return failing_; }

  // A life has begun, so all that it has found in the log is on the medium.
  void on_started() noexcept;
  // The life has ended, by a kill or a clean stop, or by a power loss. Call it before the disk
  // forgets anything.
  // `uncut`: refused messages may be back, because the log could not be cut.
  void on_end_of_life(bool power_loss, bool uncut, std::uint32_t limit);
  // Messages that were seen after `time` may be gone, and removed ones may be back.
  void forgive_after(std::uint64_t time);
  void forgive_all() { forgive_after(0); }
  // Refused messages may be back.
  void forgive_refusals() noexcept;
  [[nodiscard]] std::uint64_t time() noexcept { return ++time_; }

  // The history of a room as a new life replays it, oldest message first. `last` is the room's last
  // position, and `limit` how many messages it keeps.
  void on_restored(int room, const std::vector<std::pair<MessageId, Position>>& replayed,
                   const Position& last, std::uint32_t limit);
  // The room must go on in its latest epoch.
  void check_epoch(int room, const Position& last) const;
  // The replay that on_restored() needs, from the frames of a member.
  [[nodiscard]] MessageId id_of(std::string_view text) const;

  // Somebody has read the message in the log.
  void on_logged(int room, const Position& position, std::string_view text) const;
  // Messages become too old, so none of them must survive.
  void set_expiry() noexcept { expires_ = true; }

  // A known position of the room, for removals and resumes. std::nullopt if there is none.
  [[nodiscard]] std::optional<Position> some_position(int room, std::uint64_t choice) const;
  [[nodiscard]] std::size_t seen_count() const noexcept { return seen_count_; }

 private:
  struct Message {
    int room = 0;
    std::size_t filler = 0;
    std::uint64_t seq = 0;          // 0: not known
    std::uint64_t seen = 0;         // when first; 0: never
    bool required = false;          // must survive
    std::uint64_t refused = 0;      // when; 0: not. Nobody may see it
    bool refused_for_good = false;  // a later life has begun, and has synced what is left
    bool removal_asked = false;
    std::uint64_t removed = 0;  // when it was answered; 0: not
    bool in_doubt = false;      // seen while the log did not work
  };
  struct Room {
    std::map<std::pair<std::uint64_t, std::uint64_t>, MessageId> places;
    int open_removals = 0;  // of all messages
    // The epoch of the latest new position, and those since of messages that may not be kept.
    std::uint64_t epoch = 0;
    std::set<std::uint64_t> doubtful;
  };

  Message& known(std::string_view text, int room, MessageId& id);
  void see(MessageId id, bool replayed);
  void place(int room, const Position& position, MessageId id);
  void check_not_removed(const Message& message, MessageId id, const Sight& sight) const;
  void check_skip(const Sight& sight, const Position& to) const;

  const Disk& disk_;
  const HistorySync mode_;
  std::vector<Room> rooms_;
  std::vector<Message> messages_;
  std::uint64_t time_ = 0;
  std::uint64_t life_began_ = 0;
  std::size_t seen_count_ = 0;
  bool blind_ = false;
  bool counting_ = true;
  bool failed_ = false;   // in this life
  bool failing_ = false;  // now
  bool disk_has_failed_ = false;
  bool expires_ = false;
  bool cut_ = false;  // the log was cut after a failure, which is not known to be on the medium
};

}  // namespace wsd::sim
