// Three nodes, two servers, and faults in a random order: the guarantees of the engine hold for
// every seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/rooms_rig.h"

namespace wsd::engine {
namespace {

class RedisRoomsRandomTest : public RoomsRig {
 protected:
  static constexpr int kEvents = 400;
  static constexpr int kRooms = 2;

  void play(std::uint64_t seed) {
    random_.seed(seed);
    network.listen(kOtherServer, &other);
    a.config.history.messages = 20;
    b.config.history.messages = 0;
    c.config.history.messages = 5;
    server.faults.pushes_after_reply = chance(2);
    other.faults.pushes_after_reply = chance(2);
    server.faults.entries_per_node = other.faults.entries_per_node = 1 + pick(10);
    for (Node* const node : {&a, &b, &c}) {
      node->rooms_settings.backlog = 8 + static_cast<std::uint32_t>(pick(200));
      node->rooms_settings.linger_ms = 2'000;
      start(*node);
    }
    for (int i = 0; i < kEvents; ++i) event();
    settle();
    judge();
  }

 private:
  [[nodiscard]] std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] bool chance(std::uint64_t one_in) { return pick(one_in) == 0; }
  [[nodiscard]] Node& some_node() { return *nodes[pick(nodes.size())]; }
  [[nodiscard]] FakeRedis& master() { return master_is_other_ ? other : server; }
  [[nodiscard]] Endpoint master_at() const { return master_is_other_ ? kOtherServer : kMaster; }
  [[nodiscard]] std::string some_room() { return "r" + std::to_string(pick(kRooms)); }

  void event() {
    // No server does two things in the same microsecond.
    for (FakeRedis* const each : {&server, &other}) each->set_time_us(each->time_us() + 20);
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        publish();
        break;
      case 5:
        some_node().open(some_room());
        break;
      case 6:
        time(pick(chance(10) ? 3'000 : 50));
        break;
      case 7:
        if (chance(3)) fault();
        break;
      case 8:
        leave();
        break;
      default:
        move();
        break;
    }
  }

  void publish() {
    Node& node = some_node();
    const auto index =
        static_cast<std::size_t>(std::find(nodes.begin(), nodes.end(), &node) - nodes.begin());
    std::string text = std::to_string(index) + "." + std::to_string(++texts_[index]);
    if (chance(40)) text += std::string(70'000, 'x');
    node.publish(some_room(), text);
    if (chance(2)) node.turn();
  }

  // As the hub does: only a room without publishes that wait is unwanted, and is wanted again by
  // open().
  void leave() {
    Node& node = some_node();
    const auto found = node.hub_rooms.find(some_room());
    if (found == node.hub_rooms.end() || found->second->home.engine_number == 0) return;
    if (!found->second->waiting.empty()) return;
    if (chance(2)) {
      node.rooms().check(found->second->home);
    } else {
      node.unwanted(found->second->name);
    }
  }

  void time(std::uint64_t ms) {
    server.advance_ms(ms);
    other.advance_ms(ms);
    for (Node* const node : nodes) {
      node->at(node->now_ms + ms);
      if (!node->link && chance(2)) node->connect(master_at());
    }
  }

  // Some bytes move somewhere.
  void move() {
    const auto lines = network.lines();
    if (lines.empty()) return;
    FakeNetwork::Line& line = *lines[pick(lines.size())];
    const std::size_t most = chance(3) ? 1 + pick(300) : FakeNetwork::kAll;
    if (!line.is_connected()) network.connect_now(line);
    if (chance(2)) network.send(line, most);
    if (chance(2) && line.is_connected()) {
      network.serve(line, std::min<std::size_t>(most, 1'000'000));
    }
    if (chance(2)) network.receive(line, most);
    for (Node* const node : nodes) {
      if (chance(2)) node->turn();
    }
  }

  void fault() {
    const auto lines = network.lines();
    switch (pick(10)) {
      case 0:
      case 1:
        if (!lines.empty()) network.cut(*lines[pick(lines.size())], "reset", chance(2));
        break;
      case 2:
        master().flush_scripts();
        break;
      case 3:
        master().execute({"DEL", "wsd1:{" + some_room() + "}"});
        break;
      case 4:
        master().faults.out_of_memory = !master().faults.out_of_memory;
        break;
      case 5:
        master().faults.lost_pushes = pick(3);
        break;
      case 6:
        master().is_stopped() ? master().go_on() : master().stop();
        break;
      case 7:
        master().unsubscribe_all("wsd1:{" + some_room() + "}");
        break;
      case 8:
        some_node().calls_until_no_memory = static_cast<int>(pick(5));
        break;
      default:
        fail_over();
        break;
    }
  }

  // The other server gets the data of the master, as they are now or were some time ago.
  void fail_over() {
    if (!chance(3)) {
      stale_ = master().data();
      return;
    }
    FakeRedis& old = master();
    master_is_other_ = !master_is_other_;
    master().follow(old, chance(2) && !stale_.empty() ? stale_ : old.data());
    master().promote();
    master().go_on();
    stale_ = {};
    for (const auto& line : network.lines()) network.cut(*line, "failover", chance(2));
  }

  void settle() {
    for (FakeRedis* const each : {&server, &other}) {
      each->faults.out_of_memory = false;
      each->faults.lost_pushes = 0;
      each->go_on();
    }
    for (Node* const node : nodes) {
      node->calls_until_no_memory = -1;
      for (int i = 0; i < kRooms; ++i) node->open("r" + std::to_string(i));
    }
    for (int i = 0; i < 8; ++i) {
      advance(700);
      for (Node* const node : nodes) {
        if (node->link && node->link->endpoint() != master_at()) node->link->end("other master");
        if (!node->link) node->connect(master_at());
      }
      run();
    }
    // A last message shows holes, and positions that differ.
    for (int i = 0; i < kRooms; ++i) {
      a.publish("r" + std::to_string(i), "end");
    }
    advance(100);
    for (int i = 0; i < 4; ++i) advance(1'100);
  }

  void judge() {
    for (int i = 0; i < kRooms; ++i) {
      const std::string name = "r" + std::to_string(i);
      std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> all;
      for (Node* const node : nodes) {
        Node::HubRoom& room = node->room(name);
        EXPECT_TRUE(room.live);
        EXPECT_TRUE(room.waiting.empty());
        EXPECT_EQ(room.last, a.room(name).last);
        EXPECT_EQ(node->rooms().figures().in_flight, 0U);
        for (const auto& [position, text] : room.messages) {
          const auto [at, added] = all.try_emplace(position, text);
          EXPECT_TRUE(at->second == text)
              << "a position names two messages: " << position.first << ":" << position.second;
        }
        judge_calls(room);
      }
    }
  }

  // Each message once, and those of each node in their order. None that was refused.
  static void judge_calls(const Node::HubRoom& room) {
    std::set<std::string> seen;
    std::map<char, int> latest;
    for (const std::string& call : room.told) {
      if (call.starts_with("closed")) {  // the hub forgets the room
        seen.clear();
        latest.clear();
      }
      if (call.starts_with("refused ")) {
        EXPECT_FALSE(seen.contains(call.substr(8))) << call;
        seen.insert(call.substr(8));
      }
      if (!call.starts_with("placed ") && !call.starts_with("arrived ")) continue;
      const std::string text = call.substr(call.find(' ') + 1, 20);
      if (text == "end" || text.find('.') == std::string::npos) continue;
      EXPECT_TRUE(seen.insert(text).second) << text << " was told twice";
      const int number = std::atoi(text.c_str() + 2);
      EXPECT_GT(number, latest[text[0]]) << text << " came late";
      latest[text[0]] = number;
    }
  }

  std::mt19937_64 random_;
  std::map<std::size_t, int> texts_;
  FakeData stale_;
  bool master_is_other_ = false;
  Node c{3, network};
};

class RedisRoomsSeeds : public RedisRoomsRandomTest, public ::testing::WithParamInterface<int> {};

TEST_P(RedisRoomsSeeds, GuaranteesHold) {
  play(static_cast<std::uint64_t>(GetParam()));
  if (HasFailure()) {
    for (Node* const node : nodes) {
      for (const auto& [name, room] : node->hub_rooms) {
        std::string told;
        for (const std::string& each : room->told) told += each.substr(0, 24) + ", ";
        ADD_FAILURE() << "node " << node->rooms_settings.node.process << " " << name << ": "
                      << told;
      }
    }
  }
}

// SEEDS=N runs more of them.
int seeds() {
  const char* const text = std::getenv("SEEDS");
  return text == nullptr ? 300 : std::atoi(text);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RedisRoomsSeeds, ::testing::Range(1, seeds() + 1));

}  // namespace
}  // namespace wsd::engine
