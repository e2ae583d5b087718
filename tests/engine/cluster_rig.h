// Nodes whose engines run on a FakeCluster.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_cluster.h"
#include "engine/fake_network.h"
#include "engine/redis_engine.h"
#include "engine/room_key.h"
#include "engine/rooms_rig.h"

namespace wsd::engine {

class ClusterNode final : public Node {
 public:
  ClusterNode(std::uint32_t process, FakeNetwork& network) : Node(process, network) {}

  void start(FakeNetwork& network, const FakeCluster& cluster) {
    RedisEngineSettings settings;
    settings.url.kind = EngineUrl::Kind::kCluster;
    settings.url.endpoints = {cluster.at(0), cluster.at(1)};
    settings.link = link_settings;
    settings.link.cluster = true;
    settings.rooms = rooms_settings;
    settings.rooms.seed = rooms_settings.node.process;
    hub::OrderSink& sink = *this;
    engine_ = std::make_unique<RedisEngine>(
        settings, sink, network,
        [this](int, std::string_view event, std::string_view name, std::string_view text) {
          engine_event(event, name, text);
        });
    order_ = &engine_->rooms();
    at(now_ms);
  }
  // A turn of the reactor at this time, without input.
  void at(std::uint64_t time_ms) {
    now_ms = time_ms;
    engine_->begin_turn(now_ms, 0);
    if (now_ms >= engine_->deadline()) engine_->on_time();
    order_->end_turn();
  }
  [[nodiscard]] std::uint64_t deadline() const { return engine_->deadline(); }
  [[nodiscard]] bool has_to_send() const { return order_->has_to_send(); }
  [[nodiscard]] bool is_live(const std::string& name) const { return hub_rooms.at(name)->live; }
  [[nodiscard]] const EngineCounters& counters() const { return engine_->counters(); }
  [[nodiscard]] hub::OrderEngine& order() { return *order_; }
  [[nodiscard]] std::size_t count(std::string_view event) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        events, [&](const std::string& each) { return each.starts_with(event); }));
  }

 private:
  std::unique_ptr<RedisEngine> engine_;
};

// Two nodes on a cluster of three masters with a replica each. The rooms "r" and "s" have different
// masters.
class ClusterRig : public ::testing::Test {
 protected:
  using Told = std::vector<std::string>;

  ClusterRig() { cluster.listen(network); }

  // Lets everything happen that can happen without time.
  void run() {
    bool more = true;
    while (more) {
      more = network.step();
      for (ClusterNode* const node : {&a, &b}) {
        if (more || node->has_to_send()) {
          more = more || node->has_to_send();
          node->at(now_ms);
        }
      }
    }
  }
  void advance(std::uint64_t ms) {
    const std::uint64_t end = now_ms + ms;
    while (now_ms < end) {
      const std::uint64_t next = std::clamp(std::min(a.deadline(), b.deadline()), now_ms + 1, end);
      cluster.advance_ms(next - now_ms);
      now_ms = next;
      a.at(now_ms);
      b.at(now_ms);
      run();
    }
  }
  // Both nodes have the rooms, and know a first message of each.
  void start() {
    now_ms = a.now_ms;
    for (ClusterNode* const node : {&a, &b}) {
      node->start(network, cluster);
      node->open("r");
      node->open("s");
    }
    run();
    advance(500);
    for (const char* const name : {"r", "s"}) {
      ASSERT_TRUE(a.is_live(name));
      ASSERT_TRUE(b.is_live(name));
      a.send(name, "first");
      run();
      a.told(name);
      b.told(name);
    }
    ASSERT_EQ(a.counters().up.value(), 1U);
    ASSERT_NE(cluster.owner(key("r")), cluster.owner(key("s")));
  }

  [[nodiscard]] static std::string key(const std::string& room) { return "wsd1:{" + room + "}"; }
  [[nodiscard]] static std::uint16_t slot(const std::string& room) {
    return slot_of_key(key(room));
  }
  [[nodiscard]] std::size_t other_master(const std::string& room) const {
    return (cluster.owner(key(room)) + 1) % 3;
  }
  void move(const std::string& room, std::size_t to) {
    cluster.begin_move(slot(room), to);
    cluster.end_move(slot(room));
  }
  // The server has got what node `a` has sent, and done nothing with it.
  void flush() {
    for (const auto& line : network.lines()) network.send(*line);
  }
  // How often a message was placed, at any master.
  [[nodiscard]] std::size_t placed(std::string_view text) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < cluster.size(); ++i) {
      for (const FakePlaced& batch : cluster.server(i).placed()) {
        if (batch.text.find(text) != std::string::npos) ++count;
      }
    }
    return count;
  }

  FakeCluster cluster{{.masters = 3, .replicas = true}};
  FakeNetwork network;
  ClusterNode a{1, network};
  ClusterNode b{2, network};
  std::uint64_t now_ms = 0;
};

}  // namespace wsd::engine
