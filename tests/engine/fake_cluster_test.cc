#include "engine/fake_cluster.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/room_key.h"

namespace wsd::engine {
namespace {

using Words = std::vector<std::string>;

// A connection to one node. Returns what the node sends, as bytes.
class Client {
 public:
  Client(FakeCluster& cluster, std::size_t node)
      : server_(cluster.server(node)), socket_(server_.accept()) {
    ask({"HELLO", "3"});
  }

  std::string ask(const Words& words) {
    socket_->to_server += "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& each : words) {
      socket_->to_server += "$" + std::to_string(each.size()) + "\r\n" + each + "\r\n";
    }
    while (server_.serve(socket_)) {
    }
    return take();
  }
  std::string take() { return std::exchange(socket_->to_client, {}); }
  [[nodiscard]] bool is_closed() const { return socket_->server_closed; }

 private:
  FakeRedis& server_;
  std::shared_ptr<FakeSocket> socket_;
};

// The slot 15495 is the one of this key, and the third of three masters has it.
const std::string kKey = "wsd1:{a}";
constexpr std::uint16_t kSlot = 15'495;
const std::string kMoved = "-MOVED 15495 10.0.1.3:6379\r\n";

std::string nodes_of(FakeCluster& cluster, std::size_t node) {
  return cluster.server(node).execute({"CLUSTER", "NODES"}).text;
}

TEST(FakeCluster, MastersDivideTheSlots) {
  FakeCluster cluster;
  EXPECT_EQ(slot_of_key(kKey), kSlot);
  EXPECT_EQ(cluster.owner(kKey), 2U);
  EXPECT_EQ(nodes_of(cluster, 1),
            cluster.id(0) + " 10.0.1.1:6379@16379 master - 0 0 1 connected 0-5461\n" +
                cluster.id(1) +
                " 10.0.1.2:6379@16379 myself,master - 0 0 2 connected 5462-10922\n" +
                cluster.id(2) + " 10.0.1.3:6379@16379 master - 0 0 3 connected 10923-16383\n");
}

TEST(FakeCluster, KeyOfAnotherMaster_IsMoved) {
  FakeCluster cluster;
  Client client(cluster, 0);
  EXPECT_EQ(client.ask({"GET", kKey}), kMoved);
  EXPECT_EQ(client.ask({"SSUBSCRIBE", kKey}), kMoved);
  EXPECT_EQ(client.ask({"SUNSUBSCRIBE", kKey}), kMoved);
  EXPECT_EQ(client.ask({"SPUBLISH", kKey, "x"}), kMoved);
  // Before it is seen that the script is not there.
  EXPECT_EQ(client.ask({"EVALSHA", std::string(40, '0'), "1", kKey}), kMoved);
  EXPECT_EQ(client.ask({"DEL", kKey, "wsd1:{b}"}),
            "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
  Client owner(cluster, 2);
  EXPECT_EQ(owner.ask({"SET", kKey, "x"}), "+OK\r\n");
}

TEST(FakeCluster, SlotThatMigrates_AsksForMissingKeysOnly) {
  FakeCluster cluster;
  Client source(cluster, 2);
  Client target(cluster, 0);
  source.ask({"SET", kKey, "x"});
  cluster.begin_move(kSlot, 0);
  EXPECT_EQ(source.ask({"GET", kKey}), "$1\r\nx\r\n");
  EXPECT_EQ(source.ask({"GET", "wsd1:{a}other"}), "-ASK 15495 10.0.1.1:6379\r\n");
  EXPECT_EQ(target.ask({"GET", kKey}), kMoved);
  EXPECT_NE(source.ask({"SSUBSCRIBE", kKey}).find("ssubscribe"), std::string::npos);
  ASSERT_TRUE(cluster.move_key(kKey));
  EXPECT_EQ(source.ask({"GET", kKey}), "-ASK 15495 10.0.1.1:6379\r\n");
  // The source serves the channel up to the end.
  EXPECT_NE(source.ask({"SPUBLISH", kKey, "hi"}).find("hi"), std::string::npos);
  EXPECT_EQ(target.ask({"ASKING"}), "+OK\r\n");
  EXPECT_EQ(target.ask({"GET", kKey}), "$1\r\nx\r\n");
  EXPECT_EQ(target.ask({"GET", kKey}), kMoved);
  EXPECT_NE(nodes_of(cluster, 2).find("[15495->-" + cluster.id(0) + "]"), std::string::npos);

  cluster.end_move(kSlot);
  EXPECT_EQ(source.take(), ">3\r\n$12\r\nsunsubscribe\r\n$8\r\nwsd1:{a}\r\n:0\r\n");
  EXPECT_EQ(source.ask({"GET", kKey}), "-MOVED 15495 10.0.1.1:6379\r\n");
  EXPECT_EQ(target.ask({"GET", kKey}), "$1\r\nx\r\n");
  EXPECT_NE(nodes_of(cluster, 1).find("master - 0 0 4 connected 0-5461 15495\n"),
            std::string::npos);
  EXPECT_NE(nodes_of(cluster, 1).find("10923-15494 15496-16383\n"), std::string::npos);
}

TEST(FakeCluster, MasterThatDied_IsFlagged) {
  FakeCluster cluster;
  Client client(cluster, 2);
  cluster.kill(2);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(nodes_of(cluster, 0).find("fail"), std::string::npos);
  cluster.notice(2);
  EXPECT_NE(nodes_of(cluster, 0).find("master,fail - 0 0 3 disconnected 10923-16383"),
            std::string::npos);
  Client other(cluster, 0);
  EXPECT_EQ(other.ask({"GET", kKey}), kMoved);
  cluster.restart(2);
  EXPECT_EQ(nodes_of(cluster, 0).find("fail"), std::string::npos);
}

TEST(FakeCluster, ReplicaTakesOver_AndTheOldMasterFollowsIt) {
  FakeCluster cluster({.masters = 2, .replicas = true});
  Client client(cluster, 1);
  client.ask({"SET", kKey, "x"});
  client.ask({"SSUBSCRIBE", kKey});
  cluster.set_deaf(1, true);
  ASSERT_EQ(cluster.replica_of(1), 3U);
  cluster.fail_over(3, {});
  EXPECT_EQ(cluster.owner(kKey), 3U);
  EXPECT_NE(cluster.server(1).replid(), cluster.server(3).replid());
  // It still serves its clients by its own view.
  EXPECT_EQ(client.ask({"GET", kKey}), "$1\r\nx\r\n");
  cluster.set_state(1, false);
  EXPECT_EQ(client.ask({"GET", kKey}), "-CLUSTERDOWN The cluster is down\r\n");
  EXPECT_NE(client.ask({"CLUSTER", "INFO"}).find("cluster_state:fail\r\n"), std::string::npos);
  EXPECT_NE(client.ask({"SPUBLISH", kKey, "hi"}).find("hi"), std::string::npos);

  cluster.set_deaf(1, false);
  EXPECT_EQ(client.take(), ">3\r\n$12\r\nsunsubscribe\r\n$8\r\nwsd1:{a}\r\n:0\r\n");
  EXPECT_FALSE(client.is_closed());
  EXPECT_EQ(client.ask({"GET", kKey}), "-MOVED 15495 10.0.1.4:6379\r\n");
  EXPECT_FALSE(cluster.server(1).is_master());
  EXPECT_EQ(cluster.replica_of(3), 1U);
  EXPECT_NE(nodes_of(cluster, 0)
                .find(cluster.id(1) + " 10.0.1.2:6379@16379 slave " + cluster.id(3) +
                      " 0 0 3 connected\n"),
            std::string::npos);
}

TEST(FakeCluster, MasterThatDied_ComesBackAsReplica) {
  FakeCluster cluster({.masters = 2, .replicas = true});
  cluster.kill(0);
  cluster.notice(0);
  cluster.fail_over(2);
  cluster.restart(0);
  EXPECT_EQ(cluster.owner(std::uint16_t{1}), 2U);
  EXPECT_EQ(cluster.replica_of(2), 0U);
  EXPECT_EQ(cluster.server(0).replid(), cluster.server(2).replid());
}

TEST(FakeCluster, SlotWithoutMaster_IsNotServed) {
  FakeCluster cluster;
  cluster.take_away(kSlot);
  Client client(cluster, 2);
  EXPECT_EQ(client.ask({"GET", kKey}), "-CLUSTERDOWN Hash slot not served\r\n");
  EXPECT_EQ(cluster.owner(kSlot), cluster.size());
}

}  // namespace
}  // namespace wsd::engine
