// begin_new_epochs() of wsd/history_log.h.
#include <memory>
#include <utility>
#include <vector>

#include "base/entropy.h"
#include "engine/log_segment.h"
#include "server/log_directory.h"
#include "server/log_store.h"
#include "server/option_name.h"
#include "wsd/history_log.h"

namespace wsd {
namespace {

// No shard has made it, so nothing answers it.
class RoomsBatch final : public engine::LogBatch {
 public:
  void run() override {}
};

std::unique_ptr<engine::LogBatch> rooms_in_new_epochs(const engine::RecoveredLog& log,
                                                      std::uint64_t epoch) {
  using Kind = engine::LogEntry::Kind;
  auto batch = std::make_unique<RoomsBatch>();
  engine::RoomNumber number = 0;
  for (const engine::RecoveredRoom& room : log.rooms) {
    const std::uint64_t last = room.last.seq;
    const std::uint64_t oldest = last + 1 - room.messages.size();
    ++number;
    ++epoch;  // no two rooms have the same
    batch->names.push_back(room.name);
    batch->entries.push_back({Kind::kRoom, number, {epoch, last}, last, {}});
    batch->entries.push_back({Kind::kOldest, number, {epoch, last}, oldest, {}});
  }
  return batch;
}

}  // namespace

std::string begin_new_epochs(const std::string& directory) {
  if (!server::LogDirectory::exists(directory)) {
    return "'" + directory + "' is not a directory that can be read (give that of a history log)";
  }
  HistoryLogOptions options;
  options.directory = directory;
  options.sync = HistorySync::kEach;
  options.any_file_system = true;
  server::LogStore store(options, [](LogLevel, std::string_view, std::string_view) {});
  engine::RecoveredLog log;
  std::string error = store.open(log, true);
  if (!error.empty()) return server::with_option_names({}, error);
  if (log.next_segment == 1) {
    return "'" + directory + "' has no history log (give the directory of a history log)";
  }
  // As EngineSetup::first_epoch().
  const std::uint64_t first_epoch =
      log.first_epoch + wsd_random_word() % (engine::kLogEpochsPerRun / 2);
  std::vector<std::unique_ptr<engine::LogBatch>> rooms;
  rooms.push_back(rooms_in_new_epochs(log, first_epoch));
  error = store.begin(first_epoch, rooms, [](std::uint32_t, const std::unique_ptr<hub::Mail>&) {});
  if (!error.empty()) return error;
  store.stop();
  const HistoryLogFigures figures = store.figures();
  return figures.failed ? figures.error : std::string();
}

}  // namespace wsd
