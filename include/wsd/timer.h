// A handle to a timer of a connection or of a server.
#pragma once

#include <memory>
#include <utility>

namespace wsd {

// Identifies a timer that Connection::start_timer() or Server::start_timer() has started, or one of
// their repeating variants. It is a value that may be copied and kept, and never dangles.
// Destroying it does not cancel the timer.
//
// Resolution: reactors count time in ticks of 10 ms. A delay is rounded up to whole ticks, and one
// tick is added, so that a timer never fires early in the turn that follows. It counts from the
// beginning of the reactor's current turn. On a reactor that is not busy, a timer fires at most 20
// ms after its delay. Time during which the process was suspended does not count.
class Timer {
 public:
  // Implemented by the library.
  class Control {
   public:
    Control() = default;
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    virtual ~Control() = default;
    virtual void cancel() noexcept = 0;
    [[nodiscard]] virtual bool active() const noexcept = 0;
  };

  // Identifies no timer.
  Timer() = default;
  // For the library only.
  explicit Timer(std::shared_ptr<Control> control) noexcept : control_(std::move(control)) {}

  // Cancels the timer. On its own reactor, the handler is not called any more and is freed, unless
  // it is running. On another thread, the handler may be running or be about to run, and is not
  // called after that; it is freed when the timer would have fired, or with its connection or
  // server. Does nothing if the timer is not active. Any thread.
  void cancel() const noexcept {
    if (control_ != nullptr) control_->cancel();
  }
  // Returns whether the handler may still be called: the timer was neither cancelled nor, unless it
  // repeats, fired, and its connection or server has not ended. Any thread.
  [[nodiscard]] bool active() const noexcept { return control_ != nullptr && control_->active(); }

 private:
  std::shared_ptr<Control> control_;
};

}  // namespace wsd
