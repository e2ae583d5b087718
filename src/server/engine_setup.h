// The engines of a server's shards, and the history log behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/log_rooms.h"
#include "engine/recovered_log.h"
#include "hub/hub.h"
#include "server/log_store.h"
#include "wsd/options.h"
#include "wsd/stats.h"

namespace wsd::server {

// Opens the history log, gives each shard its engine and the rooms that it had, and ends the log
// after the shards. One thread at a time, except figures().
class EngineSetup {
 public:
  // `segment_bytes` is for tests, as in LogStore.
  EngineSetup(const HistoryLogOptions& options, LogStore::Report report,
              std::uint64_t segment_bytes = 0);
  EngineSetup(const EngineSetup&) = delete;
  EngineSetup& operator=(const EngineSetup&) = delete;
  ~EngineSetup() { stop(); }

  // Locks and reads the log. Returns an empty string, or an error as a sentence.
  [[nodiscard]] std::string open();
  // After open(). Returns the first epoch for rooms: above all epochs of earlier runs. `random` is
  // the choice of a server whose log is empty, and else makes it differ from that of a copy of the
  // log.
  [[nodiscard]] std::uint64_t first_epoch(std::uint64_t random) const noexcept;
  // Gives the shards of `hub` their engines and rooms, and begins the log's new run. `hub` must
  // outlive this object's stop(). The shards must know the time, and must not run yet. Returns an
  // empty string, or an error as a sentence.
  [[nodiscard]] std::string attach(hub::Hub& hub);
  // Starts the log's threads. Returns an empty string, or an error as a sentence.
  [[nodiscard]] std::string start() { return store_.start(); }
  // The shards run no longer. Writes what they have handed over, and ends the log.
  void stop() noexcept;

  // For tests, which run the threads of the log themselves.
  [[nodiscard]] LogStore& store() noexcept { return store_; }

  // Any thread.
  [[nodiscard]] HistoryLogFigures figures() const { return store_.figures(); }

 private:
  [[nodiscard]] bool restore(hub::Hub& hub, engine::RecoveredRoom& room, std::uint64_t now_ms);

  const bool refuses_;
  const LogStore::Report report_;
  LogStore store_;
  engine::RecoveredLog recovered_;
  std::vector<std::unique_ptr<engine::LogRooms>> engines_;  // by shard
  bool stopped_ = false;
};

}  // namespace wsd::server
