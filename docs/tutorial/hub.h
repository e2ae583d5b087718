// Who hears whom: wsd's hub in the chat's words.
#pragma once

#include <wsd/hub.h>

#include <atomic>
#include <string_view>

namespace chat {

// One for the whole server. Every method may be called from any thread, since the handlers of
// different connections run on different threads, at the same time.
class Hub {
 public:
  explicit Hub(wsd::Hub rooms) : rooms_(rooms) {}

  // From then on the connection hears the room, its own welcome first.
  void join(const wsd::Connection& connection, std::string_view user, std::string_view room);
  void leave(const wsd::Connection& connection, std::string_view user, std::string_view room,
             std::string_view why);
  wsd::SendResult publish(std::string_view room, std::string_view line) const;

  [[nodiscard]] int seats() const { return seats_.load(std::memory_order_relaxed); }

 private:
  // A handle, never changed after the constructor: any thread may read it.
  const wsd::Hub rooms_;
  // The one thing that all threads change, so it is atomic. Relaxed: a figure to look at; nobody
  // concludes from it what else has happened.
  std::atomic<int> seats_{0};
};

}  // namespace chat
