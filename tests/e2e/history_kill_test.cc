// A server that is killed again and again under load. Members resume at the position of their last
// message, and must get every message once.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/expect.h"
#include "support/history_server.h"
#include "support/tools.h"

namespace e2e {
namespace {

constexpr int kRooms = 3;
constexpr int kMembersPerRoom = 2;
constexpr const char* kLast = "the last message";

std::string room_name(int room) { return "room" + std::to_string(room); }

// How often the server is killed: WSD_KILL_ROUNDS, or 10.
int rounds() {
  const char* const given = std::getenv("WSD_KILL_ROUNDS");
  return given == nullptr ? 10 : std::stoi(given);
}

// The load on a server that comes and goes.
class Load {
 public:
  // Each room needs a message, whose position is the members' first.
  explicit Load(const HistoryServer& server) {
    for (int room = 0; room < kRooms; ++room) {
      begin_.push_back(server.publish(room_name(room), "the first message"));
    }
    port_ = server.port();
    for (int room = 0; room < kRooms; ++room) {
      for (int i = 0; i < kMembersPerRoom; ++i) {
        heard_.push_back(std::make_unique<Heard>());
        threads_.emplace_back([this, room, &heard = *heard_.back()] { follow(room, heard); });
      }
      threads_.emplace_back([this, room] { publish_over_http(room); });
      threads_.emplace_back([this, room] { publish_over_websocket(room); });
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    over_ = ended_ = true;
    for (std::thread& each : threads_) {
      if (each.joinable()) each.join();
    }
  }

  void use_port(std::uint16_t port) { port_ = port; }
  [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }

  // Ends the publishers, publishes the last message of each room, and waits for the members.
  void finish(const HistoryServer& server) {
    over_ = true;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      if (i % (kMembersPerRoom + 2) >= kMembersPerRoom) threads_[i].join();
    }
    for (int room = 0; room < kRooms; ++room) {
      last_.push_back(server.publish(room_name(room), kLast));
    }
    EXPECT_TRUE(eventually([&] {
      return std::all_of(heard_.begin(), heard_.end(), [](const auto& each) {
        const std::lock_guard lock(each->mutex);
        return each->complete;
      });
    }));
  }

  // Each member of a room has got all its positions, without a hole, a repetition or a notice of a
  // gap, and all members the same messages. Each position of a receipt has the message of its POST.
  void expect_exact() {
    for (int room = 0; room < kRooms; ++room) {
      const auto& first = heard_[static_cast<std::size_t>(room) * kMembersPerRoom]->messages;
      ASSERT_EQ(first.size() + 1, last_[static_cast<std::size_t>(room)].seq) << room_name(room);
      std::set<std::string> once;
      for (std::size_t i = 0; i < first.size(); ++i) {
        const Place expected{begin_[static_cast<std::size_t>(room)].epoch, i + 2};
        ASSERT_EQ(first[i].first, expected.text()) << room_name(room);
        EXPECT_TRUE(once.insert(first[i].second).second) << "twice: " << first[i].second;
      }
      for (int i = 1; i < kMembersPerRoom; ++i) {
        EXPECT_EQ(heard_[static_cast<std::size_t>(room * kMembersPerRoom + i)]->messages, first);
      }
      for (const auto& [position, text] : receipts_[room]) {
        const auto at = std::find(first.begin(), first.end(), std::pair(position, text));
        EXPECT_NE(at, first.end()) << "a POST with a receipt is lost: " << position << " " << text;
      }
      received_ += first.size();
    }
    for (const auto& each : heard_) EXPECT_EQ(each->notices, std::vector<std::string>{});
  }
  [[nodiscard]] std::size_t received() const { return received_; }
  [[nodiscard]] std::size_t receipts() const {
    std::size_t count = 0;
    for (const auto& [room, of_room] : receipts_) count += of_room.size();
    return count;
  }

 private:
  // The messages that one member has got.
  struct Heard {
    std::mutex mutex;
    std::vector<std::pair<std::string, std::string>> messages;  // position and text
    std::vector<std::string> notices;
    bool complete = false;
  };

  void follow(int room, Heard& heard) {
    std::string id = begin_[static_cast<std::size_t>(room)].text();
    while (!ended_) {
      RawClient member = RawClient::tcp(port_);
      if (!member.connected() ||
          !opens_meta(member, "/rooms/" + room_name(room) + "?last_event_id=" + id)) {
        std::this_thread::yield();
        continue;
      }
      for (;;) {
        const Meta message = read_meta(member);
        if (message.id.starts_with("no frame")) break;
        id = message.id;
        const std::lock_guard lock(heard.mutex);
        if (message.content_type == kPosition) continue;
        if (!message.content_type.empty()) {
          heard.notices.push_back(message.id + " " + message.content_type);
          continue;
        }
        heard.messages.emplace_back(message.id, message.payload);
        ++deliveries_;
        if (message.payload != kLast) continue;
        heard.complete = true;
        return;
      }
    }
  }

  void publish_over_http(int room) {
    std::uint64_t next = 0;
    while (!over_) {
      RawClient client = RawClient::tcp(port_);
      while (client.connected() && !over_) {
        // A message without a receipt may or may not be published, so its text is not used again.
        const std::string text = "http " + std::to_string(next++);
        client.send(post("/rooms/" + room_name(room), text));
        const auto response = client.read_response();
        if (!response) break;
        EXPECT_EQ(response->status, 200) << response->describe();
        const Place place{number_in(response->body, "epoch"), number_in(response->body, "seq")};
        const std::lock_guard lock(mutex_);
        receipts_[room].emplace_back(place.text(), text);
      }
      std::this_thread::yield();
    }
  }

  // Publishes a few messages at once, and reads them back, as a member that does not resume.
  void publish_over_websocket(int room) {
    std::uint64_t next = 0;
    while (!over_) {
      RawClient client = RawClient::tcp(port_);
      if (!client.connected() || !opens(client, "/rooms/" + room_name(room))) {
        std::this_thread::yield();
        continue;
      }
      while (!over_) {
        std::string frames;
        std::string text;
        for (int i = 0; i < 10; ++i) {
          text = "websocket " + std::to_string(next++);
          frames += text_frame(text);
        }
        client.send(frames);
        auto frame = client.read_frame();
        while (frame && frame->payload != text) frame = client.read_frame();
        if (!frame) break;
      }
    }
  }

  std::vector<Place> begin_;
  std::vector<Place> last_;
  std::vector<std::unique_ptr<Heard>> heard_;
  std::vector<std::thread> threads_;
  std::atomic<std::uint16_t> port_{0};
  std::atomic<std::uint64_t> deliveries_{0};
  std::atomic<bool> over_{false};   // of the publishers
  std::atomic<bool> ended_{false};  // of all
  std::mutex mutex_;
  std::map<int, std::vector<std::pair<std::string, std::string>>> receipts_;
  std::size_t received_ = 0;
};

// Each round delivers some messages, kills the server in the middle of the load, and restarts it.
TEST(HistoryKill, MembersThatResume_GetEachMessageOnce) {
  constexpr unsigned kSeed = 20'261'130;
  for (const std::string mode : {"100ms", "each"}) {
    SCOPED_TRACE(mode);
    const TemporaryDirectory folder;
    HistoryServer server(folder.file("log"), {"--history-sync", mode, "--history-messages",
                                              "100000", "--history-bytes", "64MiB"});
    Load load(server);
    std::mt19937 random(kSeed);
    const int count = rounds();
    for (int round = 0; round < count; ++round) {
      const std::uint64_t until = load.deliveries() + 50 + random() % 500;
      ASSERT_TRUE(eventually([&] { return load.deliveries() >= until; })) << "round " << round;
      server.kill();
      server.start();
      load.use_port(server.port());
    }
    load.finish(server);
    load.expect_exact();
    std::printf("%d kills, mode %s: %zu messages, %zu receipts\n", count, mode.c_str(),
                load.received(), load.receipts());
  }
}

}  // namespace
}  // namespace e2e
