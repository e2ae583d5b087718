#include "daemon/service/reloader.h"

#include <mutex>
#include <thread>
#include <utility>

namespace wsd::daemon {

struct Reloader::State {
  explicit State(Read reader) : read(std::move(reader)) {}

  const Read read;
  std::mutex mutex;  // guards the members below, and is locked while a result takes effect
  bool running = false;
  bool again = false;
  bool ended = false;
};

Reloader::Reloader(Read read) : state_(std::make_shared<State>(std::move(read))) {}

Reloader::~Reloader() { static_cast<void>(end()); }

void Reloader::request() {
  const std::lock_guard lock(state_->mutex);
  if (state_->ended) return;
  state_->again = state_->running;
  if (state_->running) return;
  // Detached: a thread that does not end cannot be joined.
  std::thread(&Reloader::run, state_).detach();
  state_->running = true;
}

bool Reloader::end() {
  const std::lock_guard lock(state_->mutex);
  state_->ended = true;
  return !state_->running;
}

void Reloader::run(const std::shared_ptr<State>& state) {
  for (;;) {
    const Apply apply = state->read();
    const std::lock_guard lock(state->mutex);
    if (!state->ended) apply();
    if (state->ended || !std::exchange(state->again, false)) {
      state->running = false;
      return;
    }
  }
}

}  // namespace wsd::daemon
