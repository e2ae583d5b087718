// Holds the Redis Cluster in memory (tests/engine/fake_cluster.h) to a real one: both must answer
// the same commands with the same bytes while a slot moves.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "e2e/engine_contract_clients.h"
#include "engine/fake_cluster.h"
#include "support/patience.h"
#include "support/redis_cluster.h"

namespace e2e {
namespace {

using wsd::engine::FakeCluster;

// The slot of this room is the third master's. It moves to the first one.
constexpr std::size_t kSource = 2;
constexpr std::size_t kTarget = 0;
const std::string kRoom = "a";
const std::string kKey = "wsd1:{a}";
const std::string kOtherKey = "wsd1:{a}other";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

class ClusterContract {
 public:
  ClusterContract() {
    // A machine that stands still for some seconds does not make a node fail.
    for (std::size_t i = 0; i < real_.size(); ++i) {
      real_[i].expect_ok({"CONFIG", "SET", "cluster-node-timeout", "60000"});
    }
    EXPECT_TRUE(eventually([this] { return real_.agrees(); }));
    const std::string version = real_[0].info("server", "redis_version");
    for (std::size_t i = 0; i < fake_.size(); ++i) {
      fake_.server(i).faults.pushes_after_reply = std::strtod(version.c_str(), nullptr) >= 7.2;
      real_clients_.push_back(std::make_unique<RealClient>(real_[i].socket()));
      fake_clients_.push_back(std::make_unique<FakeClient>(fake_.server(i)));
      real_clients_[i]->send({"HELLO", "3"});
      fake_clients_[i]->send({"HELLO", "3"});
      static_cast<void>(real_clients_[i]->take());
      static_cast<void>(fake_clients_[i]->take());
    }
    slot_ = real_.slot_of(kRoom);
  }

  // Sends a command to a node of both clusters, and compares the answers.
  void same(std::size_t node, const Words& words) {
    real_clients_[node]->send(words);
    fake_clients_[node]->send(words);
    same_input(node, words[0] + " at node " + std::to_string(node));
  }
  // The same behind ASKING, which is for the next command only.
  void same_asking(std::size_t node, const Words& words) {
    real_clients_[node]->send({"ASKING"});
    fake_clients_[node]->send({"ASKING"});
    same(node, words);
  }
  // Compares what has come without a command.
  void same_input(std::size_t node, const std::string& what) {
    std::string real = real_clients_[node]->take();
    std::string fake = fake_clients_[node]->take();
    for (std::size_t i = 0; i < fake_.size(); ++i) {
      const std::string name = "node" + std::to_string(i);
      real = replaced(real, real_[i].address(), name);
      fake = replaced(fake, fake_.at(i).text(), name);
    }
    EXPECT_EQ(fake, real) << what;
  }

  void begin_move() {
    const std::string slot = std::to_string(slot_);
    real_[kTarget].expect_ok({"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(kSource)});
    real_[kSource].expect_ok({"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(kTarget)});
    fake_.begin_move(slot_, kTarget);
  }
  void move_key() {
    real_[kSource].expect_ok(
        {"MIGRATE", "127.0.0.1", std::to_string(real_[kTarget].port()), kKey, "0", "5000"});
    EXPECT_TRUE(fake_.move_key(kKey));
  }
  void end_move() {
    real_.end_move(kRoom, kTarget);
    fake_.end_move(slot_);
  }
  [[nodiscard]] std::size_t owner() const { return real_.owner_of(kRoom); }
  [[nodiscard]] std::size_t owner_in_memory() const { return fake_.owner(slot_); }

 private:
  [[nodiscard]] std::string id_of(std::size_t node) const {
    return real_[node].command({"CLUSTER", "MYID"}).text;
  }

  RedisCluster real_;
  FakeCluster fake_;
  std::uint16_t slot_ = 0;
  std::vector<std::unique_ptr<RealClient>> real_clients_;
  std::vector<std::unique_ptr<FakeClient>> fake_clients_;
};

TEST(EngineContract, Cluster_AnswersAsTheRealOneWhileASlotMoves) {
  ClusterContract both;
  ASSERT_EQ(both.owner(), kSource);
  ASSERT_EQ(both.owner_in_memory(), kSource);
  const std::string no_script(40, '0');
  for (const std::size_t node : {kTarget, std::size_t{1}}) {
    for (const Words& words :
         {Words{"GET", kKey}, Words{"GET"}, Words{"SSUBSCRIBE", kKey}, Words{"SUNSUBSCRIBE", kKey},
          Words{"SPUBLISH", kKey, "x"}, Words{"EVALSHA", no_script, "1", kKey},
          Words{"XINFO", "STREAM", kKey}, Words{"DEL", kKey, "wsd1:{b}"}}) {
      both.same(node, words);
    }
  }
  both.same(kSource, {"SET", kKey, "text"});
  both.same(kSource, {"SSUBSCRIBE", kKey});
  both.same(kSource, {"SPUBLISH", kKey, "before"});

  both.begin_move();
  both.same(kSource, {"GET", kKey});
  both.same(kSource, {"GET", kOtherKey});
  both.same(kSource, {"EVALSHA", no_script, "1", kKey});
  both.same(kSource, {"EVALSHA", no_script, "1", kOtherKey});
  both.same(kSource, {"SPUBLISH", kOtherKey, "nobody"});
  both.same(kTarget, {"GET", kKey});
  both.same(kTarget, {"SSUBSCRIBE", kKey});
  both.same_asking(kTarget, {"GET", kOtherKey});
  both.same(kTarget, {"GET", kOtherKey});
  both.same_asking(kTarget, {"PING"});
  both.same(kTarget, {"GET", kOtherKey});

  both.move_key();
  both.same(kSource, {"GET", kKey});
  both.same(kSource, {"EVALSHA", no_script, "1", kKey});
  both.same(kSource, {"SPUBLISH", kKey, "under way"});
  both.same(kTarget, {"GET", kKey});
  both.same_asking(kTarget, {"GET", kKey});

  both.end_move();
  both.same_input(kSource, "the end of the move");
  both.same(kSource, {"GET", kKey});
  both.same(kSource, {"SUNSUBSCRIBE", kKey});
  both.same(kTarget, {"GET", kKey});
  both.same(kTarget, {"SSUBSCRIBE", kKey});
  both.same(kTarget, {"SPUBLISH", kKey, "after"});
}

}  // namespace
}  // namespace e2e
