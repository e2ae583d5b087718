// Runs reloads on a thread of their own, because reading a file may take for ever: a file system
// may not respond. The daemon still ends in time.
#pragma once

#include <functional>
#include <memory>

namespace wsd::daemon {

class Reloader {
 public:
  // The second half of a reload: makes the result take effect. Must not block.
  using Apply = std::function<void()>;
  // The first half of a reload: reads files. May block for any time. It must own all that it uses,
  // because an abandoned thread may use it until the process ends.
  using Read = std::function<Apply()>;

  explicit Reloader(Read read);
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  ~Reloader();

  // Starts a reload. While one runs, further requests make it run once more. Throws
  // std::system_error if the thread cannot start. Does nothing after end().
  void request();
  // Waits while a result takes effect; later results are discarded. Returns false if a reload still
  // reads: its thread is abandoned, and the process should end by std::_Exit(), because the thread
  // may use static objects.
  [[nodiscard]] bool end();

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace wsd::daemon
