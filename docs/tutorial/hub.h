// The rooms of the chat: wsd::Hub, plus the "joined" and "left" messages.
#pragma once

#include <wsd/hub.h>

#include <atomic>
#include <string_view>

namespace chat {

// The server has one Hub. Every method may be called from any thread, because the handlers of
// different connections run on different threads at the same time.
class Hub {
 public:
  explicit Hub(wsd::Hub rooms) : rooms_(rooms) {}

  // The connection receives the room's messages from now on. The first one is its own "joined".
  void join(const wsd::Connection& connection, std::string_view user, std::string_view room);
  void leave(const wsd::Connection& connection, std::string_view user, std::string_view room,
             std::string_view why);
  wsd::SendResult publish(std::string_view room, std::string_view line) const;

  [[nodiscard]] int seats() const { return seats_.load(std::memory_order_relaxed); }

 private:
  // A handle that never changes after the constructor, so any thread may read it.
  const wsd::Hub rooms_;
  // All threads change this counter, so it is atomic. Relaxed order is enough, because no code uses
  // the counter to decide whether other data is ready.
  std::atomic<int> seats_{0};
};

}  // namespace chat
