// The history log on disk: its directory, its segments, and the threads that write them.
//
// The writer thread takes the batches of all shards, lays their records into one buffer, and writes
// it: a group. Batches that arrive meanwhile are the next group. The sync thread writes the log to
// disk beside the writer, in mode interval, and when a compaction waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/log_batch.h"
#include "engine/recovered_log.h"
#include "hub/mail.h"
#include "wsd/log.h"
#include "wsd/options.h"
#include "wsd/stats.h"

namespace wsd::server {

class LogStore {
 public:
  // Reports events of the log: log_recovery, log_damaged, log_failed, log_resumed. Called on the
  // thread of open() and begin(), or on the log's threads.
  using Report = std::function<void(LogLevel level, std::string_view event, std::string_view text)>;
  // Posts an answer to a shard. Called on the log's thread.
  using Answer = std::function<void(std::uint32_t shard, std::unique_ptr<hub::Mail> batch)>;
  // Tells all shards that the log goes on after a failure, in this term. Called on the log's
  // thread. May throw std::bad_alloc; then a shard learns it from the answer to its next batch.
  using Resumed = std::function<void(hub::EngineTerm term)>;

  // `segment_bytes` is for tests; 0: 64 MiB.
  LogStore(const HistoryLogOptions& options, Report report, std::uint64_t segment_bytes = 0);
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;
  ~LogStore();  // stops

  // Opens and locks the directory, and reads it. `new_epochs`: finds that the epochs do not go on.
  // Returns an empty string, or an error as a sentence with the remedy.
  [[nodiscard]] std::string open(engine::RecoveredLog& into, bool new_epochs = false);
  // Begins the new run: a new segment that is on disk when the call returns. `rooms` has the kRoom
  // and kOldest entries of the rooms that were restored; if their epochs are new, they are written
  // too. `first_epoch` is below all epochs that the run will use. Returns an empty string, or an
  // error.
  [[nodiscard]] std::string begin(std::uint64_t first_epoch,
                                  const std::vector<std::unique_ptr<engine::LogBatch>>& rooms,
                                  Answer answer, Resumed resumed = {});
  // Starts the threads. Returns an empty string, or an error.
  [[nodiscard]] std::string start();
  // Any thread. Takes a batch: mail whose body is a ShardTaskMail with a LogBatch.
  void post(std::unique_ptr<hub::Mail> batch) noexcept;
  // Writes all that was posted, marks the end of the log as clean, and ends the threads. No thread
  // may post any more.
  void stop() noexcept;
  // As stop(), but leaves the log as a killed process does: batches that wait are dropped without
  // an answer. For tests.
  void abandon() noexcept;
  // Any thread.
  [[nodiscard]] HistoryLogFigures figures() const;

  // The bodies of the two threads, for tests that run them on their own: each waits at most
  // `max_wait_ms` for work (-1: for ever), and does it. Return false after stop().
  bool write_turn(int max_wait_ms);
  bool sync_turn(int max_wait_ms);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wsd::server
