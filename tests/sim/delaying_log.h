// A history log without a disk: it keeps what the shards hand over after a while, or fails to.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/log_batch.h"
#include "engine/log_rooms.h"
#include "hub/hub.h"
#include "sim/random.h"

namespace wsd::sim {

class DelayingLog {
 public:
  // Gives each shard of `hub` an engine. `fails`: percent of answers that change whether it keeps.
  DelayingLog(hub::Hub& hub, Random& random, std::uint32_t fails);
  DelayingLog(const DelayingLog&) = delete;
  DelayingLog& operator=(const DelayingLog&) = delete;
  ~DelayingLog();

  [[nodiscard]] bool can_answer() const noexcept { return !waiting_.empty(); }
  // Answers the oldest batch.
  void answer();
  // A room orders the message now. Ends the run if the log kept it at another position, if the
  // position names another message too, or if an epoch has both kept and unkept messages: a restart
  // would then give the positions of the unkept ones again. answer() ends the run if the message is
  // kept after this.
  void check_order(const hub::RoomHome& home, const SharedBytes& frame);

  // The log of the current run, or nullptr.
  [[nodiscard]] static DelayingLog* current() noexcept;

 private:
  hub::Hub& hub_;
  Random& random_;
  const std::uint32_t fails_;
  hub::EngineTerm term_ = 0;  // odd: it has failed
  std::deque<std::unique_ptr<hub::Mail>> waiting_;
  // By the address of their bytes: messages that were kept, and those that took effect.
  std::map<const void*, Position> kept_;
  std::map<const void*, SharedBytes> effective_;
  std::set<std::string> places_;        // of rooms, that name a message
  std::map<std::string, bool> epochs_;  // of rooms: whether the messages of the epoch were kept
  std::vector<std::unique_ptr<engine::LogRooms>> engines_;
};

}  // namespace wsd::sim
