// Measures the history log alone, without a server, and SQLite in its place.
//
//   history_log paced   --dir DIR --backend log|sqlite|none --mode off|interval|each
//   history_log flood   --dir DIR --backend log|sqlite --mode off|interval|each
//   history_log recover --dir DIR --backend log|sqlite --records 1000000
//
// paced: 10,000 records per second in batches of --batch (1) records, as a shard posts them. Prints
// the CPU time of the writer's thread per record, and the time from posting a batch to its answer
// on the thread that has posted it. `none` answers without writing: the hop between the threads
// alone. flood: as many records as the backend takes, in batches of 100. recover: the time to read
// a log back into memory. All records have 100 bytes, in 1,000 rooms that keep all messages.
//
// SQLite gets the same batches on a thread like the log's: one transaction for all that waits, in
// WAL mode. Its mode each is synchronous=FULL, the other two are synchronous=NORMAL. It deletes
// nothing.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "bench/measure.h"
#include "engine/log_batch.h"
#include "hub/mailbox.h"
#include "net/socket.h"
#include "server/log_store.h"
#include "server/log_wake.h"

#if HISTORY_SQLITE
#include <sqlite3.h>
#endif

namespace {

using wsd::HistorySync;
using wsd::engine::LogEntry;

constexpr std::uint32_t kRooms = 1000;
constexpr std::size_t kFrameBytes = 100;
constexpr std::uint64_t kRate = 10'000;
constexpr std::uint64_t kEpoch = 1000;

struct Options {
  std::string command;
  std::string dir;
  std::string backend = "log";
  HistorySync mode = HistorySync::kInterval;
  std::uint64_t records = 1'000'000;
  int batch = 1;  // records
  double seconds = 3;
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "history_log: %s\n", what.c_str());
  std::exit(1);
}

void expect_no_error(const std::string& error) {
  if (!error.empty()) fail(error);
}

struct Batch final : wsd::engine::LogBatch {
  void run() override {}
  std::int64_t posted_ns = 0;
};

Batch& batch_of(const wsd::hub::Mail& mail) {
  return static_cast<Batch&>(*std::get<wsd::hub::ShardTaskMail>(mail.body).task);
}

// Takes batches, keeps them, and answers them on a thread of its own.
class Backend {
 public:
  using Answer = std::function<void(std::unique_ptr<wsd::hub::Mail>)>;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;
  virtual void start(Answer answer) = 0;
  virtual void post(std::unique_ptr<wsd::hub::Mail> mail) = 0;
  // Ends the threads. Returns the CPU time of the writer's thread since start().
  virtual std::int64_t stop() = 0;
  // Reads all that is kept. Returns the number of messages.
  virtual std::uint64_t recover() = 0;
};

class LogBackend final : public Backend {
 public:
  explicit LogBackend(const Options& options) {
    wsd::HistoryLogOptions with;
    with.directory = options.dir;
    with.sync = options.mode;
    with.any_file_system = true;
    store_ = std::make_unique<wsd::server::LogStore>(
        with, [](wsd::LogLevel level, std::string_view event, std::string_view text) {
          if (level >= wsd::LogLevel::kWarn) fail(std::string(event).append(": ").append(text));
        });
  }
  void start(Answer answer) override {
    recover();
    expect_no_error(store_->begin(
        kEpoch - 1, {},
        [answer = std::move(answer)](std::uint32_t, std::unique_ptr<wsd::hub::Mail> mail) {
          if (!batch_of(*mail).kept) fail("a batch was not kept");
          answer(std::move(mail));
        }));
    writer_ = std::thread([this] {
      while (!stop_.load() && store_->write_turn(kLookAroundMs)) {
      }
      cpu_ns_ = bench::read_clock(CLOCK_THREAD_CPUTIME_ID);
    });
    syncer_ = std::thread([this] {
      while (!stop_.load() && store_->sync_turn(kLookAroundMs)) {
      }
    });
  }
  void post(std::unique_ptr<wsd::hub::Mail> mail) override { store_->post(std::move(mail)); }
  std::int64_t stop() override {
    stop_.store(true);
    writer_.join();
    syncer_.join();
    store_->stop();
    return cpu_ns_;
  }
  std::uint64_t recover() override {
    wsd::engine::RecoveredLog log;
    expect_no_error(store_->open(log));
    std::uint64_t messages = 0;
    for (const auto& room : log.rooms) messages += room.messages.size();
    return messages;
  }

 private:
  static constexpr int kLookAroundMs = 100;
  std::unique_ptr<wsd::server::LogStore> store_;
  std::atomic<bool> stop_{false};
  std::thread writer_;
  std::thread syncer_;
  std::int64_t cpu_ns_ = 0;
};

// A thread that takes all that waits, as the log's does. keep() keeps it.
class ThreadBackend : public Backend {
 public:
  void start(Answer answer) override {
    answer_ = std::move(answer);
    open();
    writer_ = std::thread([this] { run(); });
  }
  void post(std::unique_ptr<wsd::hub::Mail> mail) override {
    if (mailbox_.push(mail.release())) wake_.wake();
  }
  std::int64_t stop() override {
    stop_.store(true);
    wake_.wake();
    writer_.join();
    return cpu_ns_;
  }

 protected:
  virtual void open() {}
  virtual void keep(wsd::hub::Mail* mail) = 0;

 private:
  void run() {
    for (;;) {
      wsd::hub::Mail* mail = mailbox_.take();
      if (mail == nullptr) {
        if (stop_.load()) break;
        if (mailbox_.arm()) wake_.wait(-1);
        continue;
      }
      keep(mail);
      while (mail != nullptr) {
        wsd::hub::Mail* const next = mail->next;
        answer_(std::unique_ptr<wsd::hub::Mail>(mail));
        mail = next;
      }
    }
    cpu_ns_ = bench::read_clock(CLOCK_THREAD_CPUTIME_ID);
  }

  Answer answer_;
  wsd::hub::Mailbox<wsd::hub::Mail> mailbox_;
  wsd::server::LogWake wake_;
  std::atomic<bool> stop_{false};
  std::thread writer_;
  std::int64_t cpu_ns_ = 0;
};

class NoBackend final : public ThreadBackend {
 public:
  std::uint64_t recover() override { return 0; }

 protected:
  void keep(wsd::hub::Mail* /*mail*/) override {}
};

#if HISTORY_SQLITE
class SqliteBackend final : public ThreadBackend {
 public:
  explicit SqliteBackend(const Options& options)
      : path_(options.dir + "/log.sqlite"), each_(options.mode == HistorySync::kEach) {}
  SqliteBackend(const SqliteBackend&) = delete;
  SqliteBackend& operator=(const SqliteBackend&) = delete;
  ~SqliteBackend() override {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  std::uint64_t recover() override {
    open();
    sqlite3_stmt* select = prepare("SELECT room, seq, wall, frame FROM message ORDER BY room, seq");
    std::vector<std::vector<wsd::engine::RecoveredMessage>> rooms(kRooms + 1);
    std::uint64_t messages = 0;
    while (sqlite3_step(select) == SQLITE_ROW) {
      const auto* const frame = static_cast<const std::uint8_t*>(sqlite3_column_blob(select, 3));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(select, 3));
      rooms[static_cast<std::size_t>(sqlite3_column_int64(select, 0))].push_back(
          {static_cast<std::uint64_t>(sqlite3_column_int64(select, 1)),
           static_cast<std::uint64_t>(sqlite3_column_int64(select, 2)),
           wsd::SharedBytes::copy_of({frame, size})});
      ++messages;
    }
    sqlite3_finalize(select);
    return messages;
  }

 protected:
  void open() override {
    if (database_ != nullptr) return;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
    if (sqlite3_open(path_.c_str(), &database_) != SQLITE_OK) fail("cannot open " + path_);
    execute("PRAGMA journal_mode=WAL");
    execute(each_ ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    execute(
        "CREATE TABLE IF NOT EXISTS message (room INTEGER, seq INTEGER, epoch INTEGER, wall "
        "INTEGER, frame BLOB, PRIMARY KEY (room, seq)) WITHOUT ROWID");
    insert_ = prepare("INSERT INTO message VALUES (?, ?, ?, ?, ?)");
  }
  void keep(wsd::hub::Mail* mail) override {
    execute("BEGIN");
    for (; mail != nullptr; mail = mail->next) {
      for (const LogEntry& entry : batch_of(*mail).entries) {
        if (entry.kind != LogEntry::Kind::kMessage) continue;
        sqlite3_bind_int64(insert_, 1, entry.room);
        sqlite3_bind_int64(insert_, 2, static_cast<sqlite3_int64>(entry.position.seq));
        sqlite3_bind_int64(insert_, 3, static_cast<sqlite3_int64>(entry.position.epoch));
        sqlite3_bind_int64(insert_, 4, bench::now_ns());
        const wsd::Bytes frame = entry.frame.bytes();
        sqlite3_bind_blob(insert_, 5, frame.data(), static_cast<int>(frame.size()), SQLITE_STATIC);
        if (sqlite3_step(insert_) != SQLITE_DONE) fail(sqlite3_errmsg(database_));
        sqlite3_reset(insert_);
      }
    }
    execute("COMMIT");
  }

 private:
  void execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      fail(std::string(sql) + ": " + sqlite3_errmsg(database_));
    }
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) != SQLITE_OK) {
      fail(std::string(sql) + ": " + sqlite3_errmsg(database_));
    }
    return statement;
  }

  const std::string path_;
  const bool each_;
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};
#endif

std::unique_ptr<Backend> make_backend(const Options& options) {
  if (options.backend == "log") return std::make_unique<LogBackend>(options);
  if (options.backend == "none") return std::make_unique<NoBackend>();
#if HISTORY_SQLITE
  if (options.backend == "sqlite") return std::make_unique<SqliteBackend>(options);
#endif
  fail("--backend " + options.backend + " is not built in");
}

// Makes batches as a shard does, and gets the answers on the thread that has made them.
class Shard {
 public:
  Shard() : seqs_(kRooms + 1), frame_(wsd::SharedBytes::make(kFrameBytes)) {
    std::fill(frame_.mutable_bytes().begin(), frame_.mutable_bytes().end(), 'x');
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() { wsd::net::close_socket(wake_); }

  std::unique_ptr<wsd::hub::Mail> make_batch(int records) {
    auto batch = std::make_unique<Batch>();
    batch->entries.reserve(2 * static_cast<std::size_t>(records));
    for (int i = 0; i < records; ++i) {
      room_ = room_ % kRooms + 1;
      const std::uint64_t seq = ++seqs_[room_];
      if (seq == 1) {
        batch->names.push_back("room-" + std::to_string(room_));
        batch->entries.push_back({LogEntry::Kind::kRoom, room_, {kEpoch, 0}, 0, {}});
      }
      batch->entries.push_back({LogEntry::Kind::kMessage, room_, {kEpoch, seq}, 1, frame_});
    }
    batch->posted_ns = bench::now_ns();
    return wsd::hub::mail_of(wsd::hub::ShardTaskMail{std::move(batch)});
  }
  void answer(std::unique_ptr<wsd::hub::Mail> mail) {
    if (answers_.push(mail.release())) wsd::net::signal_wake_fd(wake_);
  }
  // Takes the answers that are there, and returns their number.
  std::uint64_t take_answers(bench::Histogram& latencies) {
    std::uint64_t count = 0;
    wsd::hub::Mail* mail = answers_.take();
    const std::int64_t now = bench::now_ns();
    while (mail != nullptr) {
      const std::unique_ptr<wsd::hub::Mail> owned(std::exchange(mail, mail->next));
      latencies.add(now - batch_of(*owned).posted_ns);
      ++count;
    }
    return count;
  }
  // Sleeps until an answer comes, or until the time; -1: without a limit.
  void wait_until(std::int64_t ns) {
    if (!answers_.arm()) return;
    pollfd poll{wake_, POLLIN, 0};
    timespec left{};
    if (ns >= 0) {
      const std::int64_t rest = std::max<std::int64_t>(ns - bench::now_ns(), 0);
      left = {rest / 1'000'000'000, rest % 1'000'000'000};
    }
    if (::ppoll(&poll, 1, ns >= 0 ? &left : nullptr, nullptr) > 0) {
      std::uint64_t unused = 0;
      if (::read(wake_, &unused, sizeof(unused)) < 0) return;
    }
  }

 private:
  std::vector<std::uint64_t> seqs_;  // by room
  std::uint32_t room_ = 0;
  wsd::SharedBytes frame_;
  wsd::hub::Mailbox<wsd::hub::Mail> answers_;
  int wake_ = wsd::net::make_wake_fd();
};

void run_paced(const Options& options) {
  const std::unique_ptr<Backend> backend = make_backend(options);
  Shard shard;
  backend->start([&shard](std::unique_ptr<wsd::hub::Mail> mail) { shard.answer(std::move(mail)); });
  bench::Histogram latencies;
  const auto records = static_cast<std::uint64_t>(options.batch);
  const auto batches = static_cast<std::uint64_t>(options.seconds * double{kRate}) / records;
  const std::int64_t begin = bench::now_ns();
  std::uint64_t posted = 0;
  std::uint64_t answered = 0;
  while (answered < batches) {
    const std::int64_t due = begin + static_cast<std::int64_t>(
                                         posted * records * (std::uint64_t{1'000'000'000} / kRate));
    if (posted < batches && bench::now_ns() >= due) {
      backend->post(shard.make_batch(options.batch));
      ++posted;
    } else {
      shard.wait_until(posted < batches ? due : -1);
    }
    answered += shard.take_answers(latencies);
  }
  const std::int64_t cpu = backend->stop();
  std::printf("{\"cpu_us_per_record\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
              static_cast<double>(cpu) / 1000.0 / static_cast<double>(batches * records),
              latencies.quantile_us(0.5), latencies.quantile_us(0.99));
}

// Posts batches of `records` records, at most 64 of them unanswered, while `more` says so.
std::uint64_t flood(Backend& backend, int records, const std::function<bool(std::uint64_t)>& more) {
  constexpr std::uint64_t kMostWaiting = 64;
  Shard shard;
  backend.start([&shard](std::unique_ptr<wsd::hub::Mail> mail) { shard.answer(std::move(mail)); });
  bench::Histogram latencies;
  std::uint64_t posted = 0;
  std::uint64_t answered = 0;
  bool posting = true;
  while (posting || answered < posted) {
    posting = posting && more(posted * static_cast<std::uint64_t>(records));
    if (posting && posted - answered < kMostWaiting) {
      backend.post(shard.make_batch(records));
      ++posted;
    } else if (answered < posted) {
      shard.wait_until(-1);
    }
    answered += shard.take_answers(latencies);
  }
  return answered * static_cast<std::uint64_t>(records);
}

void run_flood(const Options& options) {
  const std::unique_ptr<Backend> backend = make_backend(options);
  const std::int64_t begin = bench::now_ns();
  const auto end = begin + static_cast<std::int64_t>(options.seconds * 1e9);
  const std::uint64_t records =
      flood(*backend, 100, [end](std::uint64_t) { return bench::now_ns() < end; });
  const double seconds = static_cast<double>(bench::now_ns() - begin) / 1e9;
  const std::int64_t cpu = backend->stop();
  std::printf("{\"records_per_second\":%.0f,\"cpu_us_per_record\":%.3f}\n",
              static_cast<double>(records) / seconds,
              static_cast<double>(cpu) / 1000.0 / static_cast<double>(records));
}

void run_recover(const Options& options) {
  {
    const std::unique_ptr<Backend> backend = make_backend(options);
    static_cast<void>(
        flood(*backend, 100, [&](std::uint64_t records) { return records < options.records; }));
    static_cast<void>(backend->stop());
  }
  const std::unique_ptr<Backend> backend = make_backend(options);
  const std::int64_t begin = bench::now_ns();
  const std::int64_t cpu = bench::read_clock(CLOCK_PROCESS_CPUTIME_ID);
  const std::uint64_t messages = backend->recover();
  std::printf("{\"recover_ms\":%.0f,\"recover_cpu_ms\":%.0f,\"messages\":%llu}\n",
              static_cast<double>(bench::now_ns() - begin) / 1e6,
              static_cast<double>(bench::read_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6,
              static_cast<unsigned long long>(messages));
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 2) fail("usage: history_log paced|flood|recover --dir DIR ...");
  options.command = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::string value = argv[i + 1];
    if (flag == "--dir") {
      options.dir = value;
    } else if (flag == "--backend") {
      options.backend = value;
    } else if (flag == "--mode") {
      options.mode = value == "each"  ? HistorySync::kEach
                     : value == "off" ? HistorySync::kOff
                                      : HistorySync::kInterval;
    } else if (flag == "--records") {
      options.records = std::stoull(value);
    } else if (flag == "--batch") {
      options.batch = std::max(std::stoi(value), 1);
    } else if (flag == "--seconds") {
      options.seconds = std::stod(value);
    } else {
      fail("unknown flag " + std::string(flag));
    }
  }
  if (options.dir.empty()) fail("--dir is missing");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.command == "paced") {
    run_paced(options);
  } else if (options.command == "flood") {
    run_flood(options);
  } else if (options.command == "recover") {
    run_recover(options);
  } else {
    fail("unknown command " + options.command);
  }
  return 0;
}
