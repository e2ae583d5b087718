#include "server/log_store.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "hub/mailbox.h"
#include "server/log_directory.h"
#include "server/log_group_writer.h"
#include "server/log_loader.h"
#include "server/log_sync.h"
#include "server/log_wake.h"

namespace wsd::server {
namespace {

// Threads that begin while this object exists handle no signals. A limit on the size of files
// (RLIMIT_FSIZE) is then an error of the write, and not the end of the process.
class BlockAllSignals {
 public:
  BlockAllSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &all, &before_));
  }
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;
  ~BlockAllSignals() { static_cast<void>(::pthread_sigmask(SIG_SETMASK, &before_, nullptr)); }

 private:
  sigset_t before_{};
};

void drop_all(hub::Mail* mail) noexcept {
  while (mail != nullptr) delete std::exchange(mail, mail->next);
}

}  // namespace

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the mailbox has its own cache line
struct LogStore::State {
  State(const HistoryLogOptions& with, Report report_to, std::uint64_t segment_bytes)
      : options(with),
        report(std::move(report_to)),
        sync(options.sync == HistorySync::kInterval ? options.sync_interval_ms : 0,
             [this] { wake.wake(); }),
        writer(options, directory, sync, report, segment_bytes) {}

  // Takes the batches that were posted. Writer thread only.
  void take() noexcept {
    hub::Mail* const taken = mailbox.take();
    if (taken == nullptr) return;
    hub::Mail** end = &waiting;
    while (*end != nullptr) end = &(*end)->next;
    *end = taken;
  }

  const HistoryLogOptions options;
  const Report report;
  LogDirectory directory;
  LogWake wake;
  LogSync sync;
  LogGroupWriter writer;
  hub::Mailbox<hub::Mail> mailbox;
  hub::Mail* waiting = nullptr;  // taken from the mailbox; writer thread only
  std::atomic<bool> stop{false};
  std::atomic<bool> abandoned{false};
  std::thread write_thread;
  std::thread sync_thread;
  bool stopped = false;
};

LogStore::LogStore(const HistoryLogOptions& options, Report report, std::uint64_t segment_bytes)
    : state_(std::make_unique<State>(options, std::move(report), segment_bytes)) {}

LogStore::~LogStore() { stop(); }

std::string LogStore::open(engine::RecoveredLog& into, bool new_epochs) {
  State& state = *state_;
  if (!state.wake.valid() || !state.sync.valid()) {
    return "cannot open the history log: no descriptors are left (raise the limit on open files)";
  }
  std::string error = state.directory.open(state.options.directory, state.options.any_file_system);
  if (!error.empty()) return error;
  const engine::LogBootId boot_id = LogDirectory::boot_id();
  LoadedLog loaded;
  error = load_log(state.directory, boot_id, state.report, loaded);
  if (!error.empty()) return error;
  if (new_epochs) loaded.log.epochs_go_on = false;
  state.writer.set_loaded(loaded, boot_id);
  into = std::move(loaded.log);
  return {};
}

std::string LogStore::begin(std::uint64_t first_epoch,
                            const std::vector<std::unique_ptr<engine::LogBatch>>& rooms,
                            Answer answer, Resumed resumed) {
  return state_->writer.begin(first_epoch, rooms, std::move(answer), std::move(resumed));
}

std::string LogStore::start() {
  const BlockAllSignals block;
  try {
    state_->write_thread = std::thread([this] {
      while (write_turn(-1)) {
      }
    });
    state_->sync_thread = std::thread([this] {
      while (sync_turn(-1)) {
      }
    });
  } catch (const std::system_error& error) {
    return std::string("cannot start a thread of the history log: ") + error.what() +
           " (raise the limit on threads)";
  }
  return {};
}

void LogStore::post(std::unique_ptr<hub::Mail> batch) noexcept {
  if (state_->mailbox.push(batch.release())) state_->wake.wake();
}

bool LogStore::write_turn(int max_wait_ms) {
  State& state = *state_;
  if (state.abandoned.load()) return false;
  const bool stopping = state.stop.load();
  state.take();
  if (state.waiting == nullptr && !stopping) {
    const int other = state.writer.other_work_in_ms();
    int wait_ms = max_wait_ms;
    if (other >= 0 && (wait_ms < 0 || other < wait_ms)) wait_ms = other;
    if (wait_ms != 0 && state.mailbox.arm()) {
      state.wake.wait(wait_ms);
      if (state.abandoned.load()) return false;
    }
    state.take();
  }
  if (state.waiting != nullptr) state.waiting = state.writer.write_group(state.waiting);
  state.writer.do_other_work();
  // All that was posted before stop() is in `waiting` by now.
  return !stopping || state.waiting != nullptr;
}

bool LogStore::sync_turn(int max_wait_ms) { return state_->sync.turn(max_wait_ms); }

void LogStore::stop() noexcept {
  State& state = *state_;
  if (std::exchange(state.stopped, true)) return;
  state.stop.store(true);
  state.wake.wake();
  if (state.write_thread.joinable()) {
    state.write_thread.join();
  } else if (state.writer.has_begun()) {
    while (write_turn(0)) {
    }
  }
  state.sync.stop();
  if (state.sync_thread.joinable()) state.sync_thread.join();
  if (!state.abandoned.load()) state.writer.end();
  drop_all(std::exchange(state.waiting, nullptr));
  drop_all(state.mailbox.take());
}

void LogStore::abandon() noexcept {
  state_->abandoned.store(true);
  stop();
}

HistoryLogFigures LogStore::figures() const {
  HistoryLogFigures figures;
  figures.enabled = true;
  state_->writer.add_figures(figures);
  state_->sync.add_to(figures.sync);
  return figures;
}

}  // namespace wsd::server
