// Writes the batches of the shards into the history log, answers them, and deals with failures.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "base/histogram.h"
#include "engine/log_batch.h"
#include "engine/recovered_log.h"
#include "hub/mail.h"
#include "server/log_appender.h"
#include "server/log_compaction.h"
#include "server/log_directory.h"
#include "server/log_loader.h"
#include "server/log_room_table.h"
#include "server/log_store.h"
#include "server/log_sync.h"
#include "wsd/options.h"
#include "wsd/stats.h"

namespace wsd::server {

// The log's writer thread only, except figures(). Before the thread starts: the thread that opens
// the log.
//
// A failure. If a write, a sync or a new segment fails, the contents of the disk are unknown. The
// segment is given up, the term becomes odd, and all batches are answered as not kept. A new
// segment ends the failure: it lists the old one with the length that was kept, and the term
// becomes even again.
class LogGroupWriter {
 public:
  // The most bytes that may be lost in mode interval, besides those of the interval.
  static constexpr std::uint64_t kMostUnsynced = std::uint64_t{64} << 20;

  LogGroupWriter(const HistoryLogOptions& options, const LogDirectory& directory, LogSync& sync,
                 LogStore::Report report, std::uint64_t segment_bytes);

  // Remembers what begin() needs of the earlier runs.
  void set_loaded(const LoadedLog& loaded, const engine::LogBootId& boot_id);
  // As LogStore::begin().
  [[nodiscard]] std::string begin(std::uint64_t first_epoch,
                                  const std::vector<std::unique_ptr<engine::LogBatch>>& rooms,
                                  LogStore::Answer answer, LogStore::Resumed resumed);
  [[nodiscard]] bool has_begun() const noexcept { return answer_ != nullptr; }

  // Writes batches from the list's beginning, and answers them. Returns the rest of the list.
  [[nodiscard]] hub::Mail* write_group(hub::Mail* batches) noexcept;
  // Does the other work that is due: begins a new segment after a failure, or compacts a part.
  void do_other_work() noexcept;
  // Returns after how many milliseconds do_other_work() has something to do: 0: now, -1: never.
  [[nodiscard]] int other_work_in_ms() const noexcept;
  // Marks the end of the log as clean, unless it has failed.
  void end() noexcept;

  // Any thread.
  void add_figures(HistoryLogFigures& figures) const;

 private:
  [[nodiscard]] int lay_batch(const engine::LogBatch& batch, std::uint64_t wall_ms);
  [[nodiscard]] int lay_entry(const engine::LogBatch& batch, const engine::LogEntry& entry,
                              std::size_t& names, std::uint64_t wall_ms);
  [[nodiscard]] int lay_message(LogRoom* room, const engine::LogEntry& entry,
                                std::uint64_t wall_ms);
  [[nodiscard]] int finish_group() noexcept;
  [[nodiscard]] int lay_end(std::unique_ptr<LogRoom> room);
  [[nodiscard]] int sync_older() noexcept;
  void learn_rooms(const engine::LogBatch& batch) noexcept;
  void answer(std::unique_ptr<hub::Mail> mail, bool kept) noexcept;
  void fail(int error) noexcept;
  void try_again() noexcept;
  void compact() noexcept;
  void update_figures() noexcept;
  void report(LogLevel level, std::string_view event, const std::string& text) noexcept;
  [[nodiscard]] bool compaction_is_due() const noexcept;
  [[nodiscard]] bool has_failed() const noexcept { return term_ % 2 != 0; }

  const HistoryLogOptions options_;
  const LogDirectory& directory_;
  LogSync& sync_;
  const LogStore::Report report_;
  const std::uint64_t segment_bytes_;
  LogStore::Answer answer_;
  LogStore::Resumed resumed_;           // may be empty
  LogAppender::Run run_;                // until begin()
  std::vector<std::uint64_t> unlinks_;  // until begin()
  LogRoomTable rooms_;
  Histogram syncs_;
  LogAppender appender_;
  LogCompaction compaction_;
  // Ended rooms without a last declaration that is kept.
  std::vector<std::unique_ptr<LogRoom>> ended_;
  hub::EngineTerm term_ = 0;
  std::uint64_t try_again_ms_ = 0;

  Counter bytes_;
  Counter live_bytes_;
  Counter segments_;
  Counter failures_;
  Counter records_;
  Counter groups_;
  Counter failed_since_ms_;  // 0: not failed
  mutable std::mutex mutex_;
  std::string error_;  // guarded by mutex_
};

}  // namespace wsd::server
