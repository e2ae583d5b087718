// Compares SendQueue with a slow model: the next frame at each boundary, byte for byte, the dropped
// frames, and the queued bytes.
//
// Input: a policy, the limits, then a program: an octet for the operation, then its data.
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "fuzz_input.h"
#include "net/send_queue.h"

namespace {

using namespace wsd;       // NOLINT: a program of its own
using namespace wsd::net;  // NOLINT
using fuzz::FuzzInput;
using protocol::Opcode;
using Verdict = SendQueue::Verdict;

constexpr std::size_t kCloseLinger = std::size_t{64} << 10;

class Model {
 public:
  explicit Model(const SendQueueLimits& limits) : limits_(limits) {}

  [[nodiscard]] std::size_t frames() const {
    return (under_way_.empty() ? 0 : 1) + started_.size() + control_.size() + data_.size() +
           (close_.empty() ? 0 : 1) + (pong_placed_ ? 1 : 0);
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = under_way_.size() + close_.size();
    for (const auto* lane : {&started_, &control_, &data_}) {
      for (const std::string& frame : *lane) sum += frame.size();
    }
    return sum + (pong_placed_ ? pong_.size() : 0);
  }
  [[nodiscard]] bool empty() const { return frames() == 0 && next_pong_.empty(); }
  [[nodiscard]] bool admits(std::size_t size) const {
    if (frames() >= limits_.frames) return false;
    return bytes() <= limits_.bytes / 2 || bytes() + size <= limits_.bytes;
  }

  // Checks the result of push() and the number of frames that it dropped.
  void push(std::string frame, Verdict verdict, std::uint64_t dropped) {
    if (admits(frame.size())) {
      WSD_ASSERT(verdict == Verdict::kQueued && dropped == 0);
    } else if (limits_.policy == SlowPolicy::kDisconnect) {
      WSD_ASSERT(verdict == Verdict::kOverBound && dropped == 0);
    } else if (limits_.policy == SlowPolicy::kDropNewest) {
      WSD_ASSERT(verdict == Verdict::kDropped && dropped == 1);
    } else if (verdict == Verdict::kQueued) {
      // Drops the oldest complete frames, and no more than needed.
      WSD_ASSERT(dropped > 0 && dropped <= data_.size());
      for (; dropped > 0; --dropped) {
        WSD_ASSERT(!admits(frame.size()));
        data_.pop_front();
      }
      WSD_ASSERT(admits(frame.size()));
    } else {
      // Only if dropping all frames would not help. Then no frame is dropped.
      WSD_ASSERT(verdict == Verdict::kDropped && dropped == 1);
      const std::deque<std::string> kept = std::exchange(data_, {});
      WSD_ASSERT(!admits(frame.size()));
      data_ = kept;
    }
    if (verdict != Verdict::kQueued) return;
    data_.push_back(std::move(frame));
    WSD_ASSERT(bytes() <= std::max(limits_.bytes, limits_.bytes / 2 + data_.back().size()));
    WSD_ASSERT(frames() <= limits_.frames);
  }
  void push_started(std::string rest) { started_.push_back(std::move(rest)); }
  void set_pong(std::string pong) { next_pong_ = std::move(pong); }
  void push_control(std::string frame) { control_.push_back(std::move(frame)); }
  void push_close(std::string close, SendQueue::ClosePlace place, std::uint64_t dropped) {
    if (place == SendQueue::ClosePlace::kOvertakes && bytes() > kCloseLinger) {
      WSD_ASSERT(dropped == data_.size());
      data_.clear();
    } else {
      WSD_ASSERT(dropped == 0);
    }
    place_pong();
    close_ = std::move(close);
  }
  // Called after gather(): a newer Pong replaces the queued one, unless the older one is partly
  // sent.
  void place_pong() {
    if (next_pong_.empty()) return;
    pong_ = std::exchange(next_pong_, {});
    pong_placed_ = true;
  }

  // Removes sent bytes.
  void take(std::string_view sent) {
    while (!sent.empty()) {
      if (under_way_.empty()) under_way_ = next(sent.front());
      const std::size_t count = std::min(sent.size(), under_way_.size());
      WSD_ASSERT(count != 0 && sent.substr(0, count) == under_way_.substr(0, count));
      under_way_.erase(0, count);
      sent.remove_prefix(count);
    }
  }

 private:
  static std::string pop(std::deque<std::string>& lane) {
    std::string front = std::move(lane.front());
    lane.pop_front();
    return front;
  }
  // The order at a boundary: partly sent frames, then control frames and the Pong, then data, then
  // Close.
  std::string next(char first) {
    if (!started_.empty()) return pop(started_);
    const bool pong_first = pong_placed_ && first == pong_.front();
    if (pong_first) {
      pong_placed_ = false;
      return std::exchange(pong_, {});
    }
    if (!control_.empty()) return pop(control_);
    WSD_ASSERT(!pong_placed_);
    if (!data_.empty()) return pop(data_);
    return std::exchange(close_, {});
  }

  const SendQueueLimits& limits_;
  std::string under_way_;  // the rest of a frame whose first bytes are sent
  std::deque<std::string> started_;
  std::deque<std::string> control_;
  std::deque<std::string> data_;
  std::string pong_;
  bool pong_placed_ = false;
  std::string next_pong_;
  std::string close_;
};

class Machine {
 public:
  explicit Machine(FuzzInput& input) : limits_(read_limits(input)), model_(limits_) {}

  void run(FuzzInput& input) {
    while (!input.empty()) {
      step(input);
      check();
    }
    for (int rounds = 0; !queue_.empty(); ++rounds) {
      WSD_ASSERT(rounds < 100'000);
      send(4, 1'000'000);
      check();
    }
    WSD_ASSERT(model_.empty() && queue_.bytes() == 0);
    WSD_ASSERT(queue_.frames() == 0);
  }

 private:
  static SendQueueLimits read_limits(FuzzInput& input) {
    SendQueueLimits limits;
    const unsigned policy = input.byte() % 3;
    limits.policy = policy == 0   ? SlowPolicy::kDisconnect
                    : policy == 1 ? SlowPolicy::kDropNewest
                                  : SlowPolicy::kDropOldest;
    limits.frames = 1 + input.byte() % 32U;
    limits.bytes = input.pair() * 4;
    return limits;
  }

  void step(FuzzInput& input) {
    const unsigned operation = input.byte() % 16;
    if (operation < 6 && !closed_) {
      push(input);
    } else if (operation == 6 && !closed_) {
      const auto pong = protocol::make_control_frame(Opcode::kPong, tag());
      queue_.set_pong(pong);
      model_.set_pong(std::string(as_text(pong.bytes())));
    } else if (operation == 7 && !closed_) {
      const auto ping = protocol::make_control_frame(Opcode::kPing, tag());
      queue_.push_control(ping);
      model_.push_control(std::string(as_text(ping.bytes())));
    } else if (operation == 8 && !closed_) {
      close(input.byte() % 2 == 0 ? SendQueue::ClosePlace::kOvertakes
                                  : SendQueue::ClosePlace::kLast);
    } else if (operation == 9 && queue_.frames() == 0 && !closed_) {
      // The rest of two frames, of which the first is partly sent. It is sent unchanged.
      const std::string rest = "rest of " + std::to_string(++made_);
      queue_.push_started(Slice(SharedBytes::copy_of(as_bytes(rest))));
      model_.push_started(rest);
    } else if (operation >= 10) {
      send(1 + operation % 4, input.pair() % 5000);
    }
  }

  Bytes tag() {
    name_ = std::to_string(++made_);
    return as_bytes(name_);
  }

  // Usually small. Large sizes exist for the data that a Close overtakes.
  static std::size_t take_size(FuzzInput& input) {
    const std::size_t number = input.pair();
    return number < 0x8000 ? number % 600 : number % 40'000;
  }

  // Adds several frames in one block, like a batch.
  void push(FuzzInput& input) {
    const std::size_t count = 1 + input.byte() % 3;
    std::string block;
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < count; ++i) {
      std::string payload(take_size(input), 'd');
      payload += std::to_string(++made_);
      const SharedBytes frame = protocol::make_frame(Opcode::kText, as_bytes(payload));
      block += as_text(frame.bytes());
      ends.push_back(block.size());
    }
    const SharedBytes shared = SharedBytes::copy_of(as_bytes(block));
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      const std::uint64_t before = queue_.dropped();
      WSD_ASSERT(queue_.admits(end - begin, limits_) == model_.admits(end - begin));
      const Verdict verdict = queue_.push(Slice(shared, begin, end - begin), limits_);
      model_.push(block.substr(begin, end - begin), verdict, queue_.dropped() - before);
      begin = end;
    }
  }

  void close(SendQueue::ClosePlace place) {
    const auto close = protocol::make_close_frame(1000, "bye");
    const std::uint64_t before = queue_.dropped();
    queue_.push_close(close, place);
    model_.push_close(std::string(as_text(close.bytes())), place, queue_.dropped() - before);
    closed_ = true;
  }

  void send(std::size_t pieces, std::size_t most) {
    std::array<iovec, 4> room = {};
    const std::size_t used = queue_.gather(std::span(room).first(pieces));
    model_.place_pong();
    WSD_ASSERT(used <= pieces && (used != 0 || queue_.frames() == 0));
    std::string gathered;
    for (std::size_t i = 0; i < used; ++i) {
      WSD_ASSERT(room[i].iov_len != 0);
      gathered.append(static_cast<const char*>(room[i].iov_base), room[i].iov_len);
    }
    WSD_ASSERT(gathered.size() <= queue_.bytes());
    gathered.resize(std::min(gathered.size(), most));
    const Tick before = queue_.last_progress();
    queue_.consume(gathered.size(), ++now_);
    WSD_ASSERT(queue_.last_progress() == (gathered.empty() ? before : now_));
    model_.take(gathered);
  }

  void check() {
    WSD_ASSERT(queue_.bytes() == model_.bytes());
    WSD_ASSERT(queue_.frames() == model_.frames());
    WSD_ASSERT(queue_.empty() == model_.empty());
  }

  SendQueueLimits limits_;
  Model model_;
  SendQueue queue_{0};
  Tick now_ = 0;
  std::uint64_t made_ = 0;
  std::string name_;
  bool closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(data, std::min<std::size_t>(size, 1500));
  Machine machine(input);
  machine.run(input);
  return 0;
}
