// A history log in a temporary directory, and shards that use it as a server does.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_bytes.h"
#include "engine/log_batch.h"
#include "engine/recovered_log.h"
#include "server/log_store.h"

namespace wsd::server {

// A directory that is removed at the end.
class LogFolder {
 public:
  LogFolder() { EXPECT_NE(::mkdtemp(root_.data()), nullptr); }
  LogFolder(const LogFolder&) = delete;
  LogFolder& operator=(const LogFolder&) = delete;
  ~LogFolder() { std::filesystem::remove_all(root_); }

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string path() const { return root_ + "/log"; }
  [[nodiscard]] std::string file(const std::string& name) const { return path() + "/" + name; }
  // The names of the segments, in ascending order.
  [[nodiscard]] std::vector<std::string> segments() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      if (entry.path().extension() == ".log") names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string root_ = "/tmp/wsd-log-store-XXXXXX";
};

[[nodiscard]] inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TestBatch final : engine::LogBatch {
  void run() override {}
};

// One run of the server: a store, and a model of the shards' rooms. The test's thread is every
// thread.
class LogRun {
 public:
  struct Answered {
    std::uint32_t shard = 0;
    hub::Ticket last = 0;
    bool kept = false;
    hub::EngineTerm now = 0;
    bool operator==(const Answered&) const = default;
  };
  struct Room {
    engine::RoomNumber number = 0;
    Position last;
    std::uint64_t oldest = 1;
    std::uint64_t from = 0;
    bool known = false;  // to the log, in its epoch
  };

  explicit LogRun(const std::string& directory, HistorySync sync = HistorySync::kOff,
                  std::uint64_t segment_bytes = 0) {
    options_.directory = directory;
    options_.sync = sync;
    options_.sync_interval_ms = 1;
    store_ = std::make_unique<LogStore>(
        options_,
        [this](LogLevel, std::string_view event, std::string_view text) {
          events_.emplace_back(event, text);
        },
        segment_bytes);
  }

  // The choice of begin() for a room of the log: it keeps only so many messages; 0: left out.
  void limit(const std::string& name, std::uint64_t keeps) { limits_[name] = keeps; }
  // Opens the log and begins the run, as the server does. Returns the error.
  std::string begin(bool new_epochs = false) {
    std::string error = store_->open(recovered_, new_epochs);
    if (!error.empty()) return error;
    first_epoch_ = recovered_.first_epoch != 0 ? recovered_.first_epoch : 1000;
    next_epoch_ = first_epoch_ + 1;
    auto batch = std::make_unique<TestBatch>();
    for (const engine::RecoveredRoom& recovered : recovered_.rooms) {
      const auto limit = limits_.find(recovered.name);
      if (limit != limits_.end() && limit->second == 0) continue;
      Room& room = rooms_[recovered.name];
      room.number = next_number_++;
      room.last = recovered.last;
      room.from = recovered.epochs.back().from;
      room.oldest = recovered.last.seq + 1 - recovered.messages.size();
      if (limit != limits_.end()) {
        room.oldest = std::max(room.oldest, recovered.last.seq + 1 - limit->second);
      }
      room.known = true;
      if (!recovered_.epochs_go_on) {
        room.last.epoch = next_epoch_++;
        room.from = recovered.last.seq;
      }
      batch->names.push_back(recovered.name);
      batch->entries.push_back(
          {engine::LogEntry::Kind::kRoom, room.number, room.last, room.from, {}});
      batch->entries.push_back(
          {engine::LogEntry::Kind::kOldest, room.number, room.last, room.oldest, {}});
    }
    std::vector<std::unique_ptr<engine::LogBatch>> batches;
    batches.push_back(std::move(batch));
    return store_->begin(
        first_epoch_, batches,
        [this](std::uint32_t shard, std::unique_ptr<hub::Mail> mail) { take_answer(shard, *mail); },
        [this](hub::EngineTerm term) { resumed_.push_back(term); });
  }

  // Hands over one message in the batch of this turn. The room keeps the last `keeps` messages.
  void publish(const std::string& name, std::string_view text, std::uint64_t keeps = 1000) {
    Room& room = rooms_[name];
    if (room.number == 0) room.number = next_number_++;
    if (room.last.epoch == 0) room.last.epoch = next_epoch_++;
    TestBatch& batch = open_batch();
    if (!room.known) {
      batch.names.push_back(name);
      batch.entries.push_back(
          {engine::LogEntry::Kind::kRoom, room.number, room.last, room.from, {}});
      room.known = true;
    }
    ++room.last.seq;
    if (room.last.seq + 1 - room.oldest > keeps) room.oldest = room.last.seq + 1 - keeps;
    batch.entries.push_back({engine::LogEntry::Kind::kMessage, room.number, room.last, room.oldest,
                             SharedBytes::copy_of(as_bytes(text))});
    batch.last = ++ticket_;
  }
  void remove(const std::string& name, std::uint64_t seq, bool all_before = false) {
    Room& room = rooms_[name];
    const auto kind =
        all_before ? engine::LogEntry::Kind::kRemovalAll : engine::LogEntry::Kind::kRemoval;
    open_batch().entries.push_back({kind, room.number, {room.last.epoch, seq}, 0, {}});
    batch_->last = ++ticket_;
  }
  void end_room(const std::string& name) {
    open_batch().entries.push_back({engine::LogEntry::Kind::kEnd, rooms_[name].number, {}, 0, {}});
    rooms_.erase(name);
  }
  // Posts the batch of this turn.
  void post(std::uint32_t shard = 0) {
    batch_->shard = shard;
    batch_->term = term_;
    auto mail = hub::mail_of(hub::ShardTaskMail{std::move(owned_)});
    batch_ = nullptr;
    store_->post(std::move(mail));
  }
  // Posts the batch, and lets the log write it.
  void write() {
    post();
    store_->write_turn(0);
  }
  void publish_and_write(const std::string& name, std::string_view text,
                         std::uint64_t keeps = 1000) {
    publish(name, text, keeps);
    write();
  }
  // All rooms get a new epoch, as after a failure.
  void renew_epochs() {
    for (auto& [name, room] : rooms_) {
      room.last.epoch = next_epoch_++;
      room.from = room.last.seq;
      room.known = false;
    }
  }
  void stop() { store_->stop(); }
  void kill() {
    store_->abandon();
    store_.reset();
  }

  [[nodiscard]] LogStore& store() { return *store_; }
  [[nodiscard]] const engine::RecoveredLog& recovered() const { return recovered_; }
  [[nodiscard]] const std::vector<Answered>& answers() const { return answers_; }
  // The terms in which the log has told that it goes on.
  [[nodiscard]] const std::vector<hub::EngineTerm>& resumed() const { return resumed_; }
  [[nodiscard]] Room& room(const std::string& name) { return rooms_[name]; }
  void set_term(hub::EngineTerm term) { term_ = term; }
  [[nodiscard]] std::size_t count(std::string_view event) const {
    std::size_t count = 0;
    for (const auto& [each, text] : events_) count += each == event ? 1U : 0U;
    return count;
  }
  // The messages of a room, as recovered: "EPOCH:SEQ=text ...", or "EPOCH:SEQ removed".
  [[nodiscard]] std::string recovered_text(std::string_view name) const {
    for (const engine::RecoveredRoom& room : recovered_.rooms) {
      if (room.name != name) continue;
      std::string text;
      for (const engine::RecoveredMessage& message : room.messages) {
        if (!text.empty()) text += " ";
        text += std::to_string(message.seq) + "=";
        text += message.frame ? as_text(message.frame.bytes()) : "(removed)";
      }
      return text;
    }
    return "no room";
  }
  [[nodiscard]] Position recovered_last(std::string_view name) const {
    for (const engine::RecoveredRoom& room : recovered_.rooms) {
      if (room.name == name) return room.last;
    }
    return {};
  }

 private:
  TestBatch& open_batch() {
    if (batch_ == nullptr) {
      owned_ = std::make_unique<TestBatch>();
      batch_ = static_cast<TestBatch*>(owned_.get());
    }
    return *batch_;
  }
  void take_answer(std::uint32_t shard, const hub::Mail& mail) {
    const auto& batch =
        static_cast<const engine::LogBatch&>(*std::get<hub::ShardTaskMail>(mail.body).task);
    EXPECT_EQ(shard, batch.shard);
    answers_.push_back({shard, batch.last, batch.kept, batch.now});
  }

  HistoryLogOptions options_;
  std::vector<std::pair<std::string, std::string>> events_;
  std::unique_ptr<LogStore> store_;
  engine::RecoveredLog recovered_;
  std::uint64_t first_epoch_ = 0;
  std::uint64_t next_epoch_ = 0;
  engine::RoomNumber next_number_ = 1;
  std::map<std::string, Room> rooms_;
  std::map<std::string, std::uint64_t> limits_;
  std::unique_ptr<hub::ShardTask> owned_;
  TestBatch* batch_ = nullptr;
  hub::EngineTerm term_ = 0;
  hub::Ticket ticket_ = 0;
  std::vector<Answered> answers_;
  std::vector<hub::EngineTerm> resumed_;
};

}  // namespace wsd::server
