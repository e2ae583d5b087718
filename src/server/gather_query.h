// Waits for answers of the reactors, each of which is given on the reactor's own thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "hub/hub.h"

namespace wsd::server {

// The time for which the asking thread waits, far longer than a turn should last. The answers leave
// out a reactor that hangs or has ended.
inline constexpr std::uint32_t kAnswerMs = 1'000;

// Collects answers. A reactor's thread holds the lock while it hands over its answer, and the
// asking thread while it takes the answers.
template <class Answer>
class Gather {
 public:
  explicit Gather(std::uint32_t expected) : expected_(expected) { answers_.reserve(expected); }

  // Waits until all answers are there or kAnswerMs has passed. Returns the answers.
  [[nodiscard]] std::vector<Answer> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(kAnswerMs),
                      [this] { return answers_.size() == expected_; });
    closed_ = true;
    return std::move(answers_);
  }
  // Does nothing if the asking thread waits no longer.
  void hand_over(Answer&& answer) noexcept {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    answers_.push_back(std::move(answer));  // the constructor reserved the space
    changed_.notify_one();
  }

 private:
  const std::uint32_t expected_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Answer> answers_;
  bool closed_ = false;
};

// A query to several shards.
template <class Answer>
class GatherQuery : public hub::ShardQuery {
 public:
  explicit GatherQuery(std::uint32_t shards) : gather_(shards) {}

  void answer(hub::Shard& shard) noexcept final {
    try {
      gather_.hand_over(look(shard));
    } catch (const std::bad_alloc&) {  // counts as a shard that did not answer
      gather_.hand_over(Answer{});
    }
  }
  [[nodiscard]] std::vector<Answer> wait() { return gather_.wait(); }

 protected:
  virtual Answer look(hub::Shard& shard) = 0;

 private:
  Gather<Answer> gather_;
};

// Asks all shards, and waits for their answers.
template <class Answer, class Question>
std::vector<Answer> ask_all(const hub::Hub& hub, const std::shared_ptr<Question>& question) {
  // A shard that refuses the query counts as one that does not answer in time.
  for (std::uint32_t i = 0; i < hub.shard_count(); ++i) static_cast<void>(hub.query(i, question));
  return question->wait();
}

}  // namespace wsd::server
