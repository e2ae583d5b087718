#include "engine/fake_redis.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "engine/fake_network.h"

namespace wsd::engine {
namespace {

const Endpoint kHere{"127.0.0.1", 6379, ""};

// A client that records what it receives.
class Client final : public WireOwner {
 public:
  explicit Client(FakeNetwork& network) : wire_(network.connect(kHere, *this)) {}

  void connected() override { is_connected = true; }
  void received(std::string_view bytes) override { input += bytes; }
  void ended(std::string_view why) override { end = why; }
  void send(std::initializer_list<std::string_view> words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view each : words) {
      text += "$" + std::to_string(each.size()) + "\r\n" + std::string(each) + "\r\n";
    }
    wire_->send(text);
  }
  [[nodiscard]] Wire& wire() { return *wire_; }
  void close() { wire_.reset(); }
  [[nodiscard]] std::string take() { return std::exchange(input, {}); }

  bool is_connected = false;
  std::string input;
  std::string end;

 private:
  std::unique_ptr<Wire> wire_;
};

class FakeRedisTest : public testing::Test {
 protected:
  FakeRedisTest() { network_.listen(kHere, &server_); }

  // Loads the text of a script whose behaviour the fake knows.
  std::string load(std::string_view source) {
    return server_.execute({"SCRIPT", "LOAD", std::string(source)}).text;
  }
  [[nodiscard]] std::string bits() const {
    return std::to_string(std::stoul(server_.replid().substr(0, 5), nullptr, 16));
  }
  FakeReply open(const std::string& epoch = "0", const std::string& seq = "0") {
    return server_.execute(
        {"EVALSHA", load("'last-generated-id'"), "1", "{r}", epoch, seq, "600000", bits()});
  }
  FakeReply publish(const std::string& epoch, const std::string& text, int count = 1) {
    return server_.execute(
        {"EVALSHA", load("'NOMKSTREAM'"), "1", "{r}", epoch + "-*", text, std::to_string(count)});
  }

  FakeRedis server_;
  FakeNetwork network_;
};

TEST_F(FakeRedisTest, Connect_NobodyListens_IsRefused) {
  network_.listen(kHere, nullptr);
  Client client(network_);
  network_.run();
  EXPECT_EQ(client.end, "Connection refused");
}

TEST_F(FakeRedisTest, Pipeline_IsAnsweredInOrder) {
  Client client(network_);
  client.send({"PING"});
  client.send({"HELLO", "3"});
  client.send({"CLIENT", "ID"});
  network_.run();
  EXPECT_TRUE(client.is_connected);
  EXPECT_TRUE(client.input.starts_with("+PONG\r\n%7\r\n$6\r\nserver\r\n"));
  EXPECT_TRUE(client.input.ends_with("*0\r\n:1\r\n"));
}

TEST_F(FakeRedisTest, Chunks_OfOneByte_CarryTheSame) {
  network_.set_chunk(1);
  Client client(network_);
  client.send({"ECHO", "abc"});
  network_.run();
  EXPECT_EQ(client.input, "$3\r\nabc\r\n");
}

TEST_F(FakeRedisTest, Publish_ReachesSubscribersBeforeItsReply) {
  const FakeReply opened = open();
  const std::string& epoch = opened.items[0].text;
  Client client(network_);
  client.send({"HELLO", "3"});
  client.send({"SSUBSCRIBE", "{r}"});
  network_.run();
  static_cast<void>(client.take());
  const std::string sha = load("'NOMKSTREAM'");
  client.send({"EVALSHA", sha, "1", "{r}", epoch + "-*", "x"});
  network_.run();
  const std::string id = epoch + "-" + std::to_string(opened.items[1].number + 1);
  const std::string push = ">3\r\n$8\r\nsmessage\r\n$3\r\n{r}\r\n$" +
                           std::to_string(id.size() + 2) + "\r\n" + id + " x\r\n";
  const std::string reply = "$" + std::to_string(id.size()) + "\r\n" + id + "\r\n";
  EXPECT_EQ(client.take(), push + reply);
  server_.faults.pushes_after_reply = true;
  server_.data().clear();
  const std::string next = open().items[0].text;
  client.send({"EVALSHA", sha, "1", "{r}", next + "-*", "x"});
  network_.run();
  EXPECT_NE(client.input.find("smessage"), std::string::npos);
  EXPECT_FALSE(client.input.starts_with(">"));
}

TEST_F(FakeRedisTest, StoppedServer_ExecutesLater_UnlessTheClientIsKilled) {
  Client first(network_);
  network_.run();
  server_.stop();
  first.send({"SET", "a", "1"});
  network_.run();
  first.close();
  network_.run();
  server_.go_on();
  EXPECT_EQ(server_.execute({"CLIENT", "KILL", "ID", "1"}).number, 1);
  network_.run();
  EXPECT_FALSE(server_.data().contains("a"));
  Client second(network_);
  network_.run();
  server_.stop();
  second.send({"SET", "a", "1"});
  network_.run();
  second.close();
  server_.go_on();
  network_.run();
  EXPECT_TRUE(server_.data().contains("a"));
  EXPECT_EQ(server_.clients(), 0U);
}

TEST_F(FakeRedisTest, CutAfterSent_OnlyThatPartArrives) {
  Client client(network_);
  network_.run();
  network_.cut_after_sent(14);
  client.send({"PING"});
  client.send({"SET", "a", "1"});
  network_.run();
  EXPECT_EQ(client.end, "Broken pipe");
  EXPECT_EQ(server_.calls("ping"), 1U);
  EXPECT_EQ(server_.calls("set"), 0U);
}

TEST_F(FakeRedisTest, CutAfterReceived_OnlyThatPartArrives) {
  Client client(network_);
  network_.run();
  network_.cut_after_received(3);
  client.send({"PING"});
  network_.run();
  EXPECT_EQ(client.input, "+PO");
  EXPECT_EQ(client.end, "Connection reset by peer");
}

TEST_F(FakeRedisTest, OutputLimit_ClosesASubscriberThatDoesNotRead) {
  server_.faults.output_limit = 100;
  Client client(network_);
  client.send({"SSUBSCRIBE", "c"});
  network_.run();
  client.wire().set_reading(false);
  server_.execute({"SPUBLISH", "c", std::string(200, 'x')});
  network_.run();
  EXPECT_EQ(server_.clients(), 0U);
  client.wire().set_reading(true);
  network_.run();
  EXPECT_EQ(client.end, "The server has closed the connection");
}

TEST_F(FakeRedisTest, Open_BeginsAnEpoch_WhereTheServerIsAnotherOrWentBack) {
  const FakeReply first = open();
  EXPECT_EQ(first.items[2].number, 1);
  EXPECT_EQ(open().items[2].number, 0);
  const std::string& epoch = first.items[0].text;
  EXPECT_EQ(publish(epoch, "a", 3).text, epoch + "-" + std::to_string(first.items[1].number + 1));
  EXPECT_EQ(open().items[1].number, first.items[1].number + 3);
  const FakeReply ahead = open(epoch, std::to_string(first.items[1].number + 9));
  EXPECT_EQ(ahead.items[2].number, 1);
  EXPECT_EQ(ahead.items[1].number, first.items[1].number + 9);
  EXPECT_TRUE(publish(epoch, "b").text.starts_with("EPOCH "));
  server_.restart();
  const FakeReply again = open();
  EXPECT_EQ(again.items[2].number, 1);
  EXPECT_GT(std::stoull(again.items[0].text), std::stoull(ahead.items[0].text));
}

TEST_F(FakeRedisTest, Publish_ErrorsOfTheServer_ChangeNothing) {
  const std::string epoch = open().items[0].text;
  server_.faults.out_of_memory = true;
  EXPECT_TRUE(publish(epoch, "a").text.starts_with("OOM "));
  server_.faults = {};
  server_.faults.no_replicas = true;
  EXPECT_TRUE(publish(epoch, "a").text.starts_with("NOREPLICAS "));
  server_.faults = {};
  EXPECT_TRUE(server_.placed().empty());
  server_.execute({"DEL", "{r}"});
  EXPECT_TRUE(publish(epoch, "a").text.starts_with("EPOCH "));
  server_.execute({"SET", "{r}", "x"});
  EXPECT_TRUE(publish(epoch, "a").text.starts_with("WRONGTYPE "));
}

TEST_F(FakeRedisTest, Replica_PromotedWithALostTail_HasAnotherReplid) {
  const std::string epoch = open().items[0].text;
  publish(epoch, "a");
  FakeRedis::Options options;
  options.seed = 2;
  FakeRedis replica(options);
  replica.follow(server_);
  publish(epoch, "b");
  EXPECT_EQ(replica.execute({"XLEN", "{r}"}).number, 1);
  EXPECT_TRUE(replica.execute({"SET", "a", "1"}).text.starts_with("READONLY "));
  EXPECT_EQ(replica.replid(), server_.replid());
  replica.promote();
  EXPECT_NE(replica.replid(), server_.replid());
}

}  // namespace
}  // namespace wsd::engine
