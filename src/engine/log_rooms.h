// The engine of one shard that keeps its rooms in the history log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/shared_bytes.h"
#include "engine/log_batch.h"
#include "hub/mail.h"
#include "hub/room_engine.h"
#include "hub/room_home.h"
#include "wsd/position.h"

namespace wsd::engine {

// Gathers all changes of a shard in one turn into a batch, posts it to the log, and tells the
// shard the answer. Shard's thread only.
class LogRooms final : public hub::RoomEngine {
 public:
  // Sends a batch to the log. The log posts the same mail to the shard in the end, where its task
  // calls this object.
  using Post = std::function<void(std::unique_ptr<hub::Mail> batch)>;

  // `refuses`: messages that are not kept are refused (HistorySync::kEach). `sink` must outlive
  // this object, and this object must outlive the shard's mail.
  LogRooms(hub::RoomSink& sink, std::uint32_t shard, bool refuses, Post post);
  LogRooms(const LogRooms&) = delete;
  LogRooms& operator=(const LogRooms&) = delete;
  ~LogRooms();

  // Before the first turn. Tells the log of a room that the shard has restored: it has `from` as in
  // publish(), and its messages from `oldest` on.
  void add_restored(hub::RoomHome& home, std::uint64_t from, std::uint64_t oldest);
  // Returns the batch with all rooms that were restored. Its answer is not awaited.
  [[nodiscard]] std::unique_ptr<LogBatch> take_restored();

  // The log keeps again, in this term. Without it, the shard would learn that from the answer to
  // its next message, which would not be kept.
  void resumed(hub::EngineTerm term) noexcept;

  // hub::RoomEngine
  hub::Ticket publish(hub::RoomHome& home, const Position& position, std::uint64_t oldest,
                      std::uint64_t from, const SharedBytes& frame) override;
  hub::Ticket remove(hub::RoomHome& home, std::uint64_t seq, bool all_before) override;
  void close(hub::RoomHome& home) noexcept override;
  void end_turn() noexcept override;
  [[nodiscard]] bool has_to_send() const noexcept override { return batch_ != nullptr; }
  [[nodiscard]] bool refuses() const noexcept override { return refuses_; }

 private:
  class Batch;

  [[nodiscard]] Batch& open_batch(std::size_t entries);
  void declare(Batch& batch, hub::RoomHome& home, const Position& last, std::uint64_t from);
  void answered(Batch& batch) noexcept;
  void lose(hub::EngineTerm term) noexcept;
  void forget_unsent() noexcept;

  hub::RoomSink& sink_;
  const std::uint32_t shard_;
  const bool refuses_;
  const Post post_;
  hub::Ticket last_ = 0;        // that was given
  hub::Ticket lost_up_to_ = 0;  // none up to this one that was not kept is awaited any more
  hub::EngineTerm term_ = 0;
  std::unique_ptr<hub::Mail> mail_;       // of batch_
  Batch* batch_ = nullptr;                // of this turn; nullptr: nothing was handed over yet
  std::vector<std::uint64_t> epochs_;     // by room number: the epoch that the log knows; 0: none
  std::vector<RoomNumber> free_numbers_;  // has space for all numbers
};

}  // namespace wsd::engine
