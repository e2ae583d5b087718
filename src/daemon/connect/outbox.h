// The messages of `wsd connect` that its connection has not taken yet.
#pragma once

#include <wsd/message.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace wsd::daemon {

struct Outgoing {
  enum class Kind : std::uint8_t { kText, kBinary, kPing };
  Kind kind = Kind::kText;
  std::string payload = {};
};

// Gives out one batch at a time. The next one waits until the send queue of the connection has
// drained, so that queue has a limit, whatever the input is. One thread at a time.
class Outbox {
 public:
  // A batch ends with the message that reaches one of these, which are far below the limits of a
  // send queue. A Ping begins a batch, because a connection drops Pings while its queue is long.
  static constexpr std::size_t kBatchBytes = std::size_t{256} << 10;
  static constexpr std::size_t kBatchMessages = 4'096;

  void add(Outgoing message) {
    bytes_ += size_of(message);
    waiting_.push_back(std::move(message));
  }

  // Returns the next messages to send. Returns none if there are none, or if the last batch has not
  // drained.
  [[nodiscard]] std::vector<Outgoing> take() {
    std::vector<Outgoing> batch;
    if (sending_) return batch;
    for (std::size_t bytes = 0;
         !waiting_.empty() && bytes < kBatchBytes && batch.size() < kBatchMessages;
         waiting_.pop_front()) {
      if (waiting_.front().kind == Outgoing::Kind::kPing && !batch.empty()) break;
      bytes += waiting_.front().payload.size();
      batch.push_back(std::move(waiting_.front()));
    }
    for (const Outgoing& each : batch) bytes_ -= size_of(each);
    sending_ = !batch.empty();
    return batch;
  }
  // The connection has sent the last batch.
  void drained() noexcept { sending_ = false; }

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  // The connection is about to close: nothing that waits is sent.
  void clear() noexcept {
    waiting_.clear();
    bytes_ = 0;
  }
  // Returns the memory of the messages that no batch has taken, in bytes. An empty message counts
  // too, so a limit of this limits any input.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static std::size_t size_of(const Outgoing& message) noexcept {
    return sizeof message + message.payload.size();
  }

  std::deque<Outgoing> waiting_;
  std::size_t bytes_ = 0;
  bool sending_ = false;
};

}  // namespace wsd::daemon
