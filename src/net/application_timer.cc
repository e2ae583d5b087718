#include "net/application_timer.h"

#include <algorithm>
#include <utility>

#include "net/reactor.h"

namespace wsd::net {

void ApplicationTimer::attach(ApplicationTimers& owner, std::size_t index, Tick deadline) noexcept {
  owner_ = &owner;
  index_ = index;
  due_ = deadline;
  wheel_.arm(*this, deadline);
}

void ApplicationTimer::detach() noexcept {
  over_.store(true, std::memory_order_relaxed);
  owner_ = nullptr;
  wheel_.cancel(*this);
  // Last, because the application's objects in it may call this object.
  const std::function<void()> freed = std::exchange(handler_, nullptr);
}

// Another thread must not touch the list, so there the timer ends when it is due.
void ApplicationTimer::cancel() noexcept {
  over_.store(true, std::memory_order_relaxed);
  Reactor* const reactor = Reactor::current();
  if (reactor == nullptr || &reactor->shard().wheel() != &wheel_ || owner_ == nullptr) return;
  const std::shared_ptr<ApplicationTimer> self = owner_->remove(index_);
  self->detach();
}

void ApplicationTimer::on_deadline(Tick now) {
  const bool last = !active() || interval_ == 0;
  // Keeps this object alive while the handler runs, which may cancel the timer or end its owner.
  const std::shared_ptr<ApplicationTimer> self =
      last ? owner_->remove(index_) : owner_->share(index_);
  std::function<void()> running;
  if (active()) running.swap(handler_);
  if (last) {
    detach();
  } else {
    due_ = std::max(due_ + interval_, now + 1);
    wheel_.arm(*this, due_);
  }
  if (!running) return;
  running();
  if (owner_ != nullptr) handler_ = std::move(running);
}

void ApplicationTimers::add(std::shared_ptr<ApplicationTimer> timer, Tick deadline) {
  if (!timer->active()) return;
  timers_.push_back(std::move(timer));
  timers_.back()->attach(*this, timers_.size() - 1, deadline);
}

std::shared_ptr<ApplicationTimer> ApplicationTimers::remove(std::size_t index) noexcept {
  std::shared_ptr<ApplicationTimer> removed = std::move(timers_[index]);
  if (index + 1 != timers_.size()) {
    timers_[index] = std::move(timers_.back());
    timers_[index]->move_to(index);
  }
  timers_.pop_back();
  if (timers_.empty()) std::vector<std::shared_ptr<ApplicationTimer>>().swap(timers_);
  return removed;
}

// A handler that is freed may cancel other timers of the list, so the list is empty before.
void ApplicationTimers::clear() noexcept {
  while (!timers_.empty()) remove(timers_.size() - 1)->detach();
}

}  // namespace wsd::net
