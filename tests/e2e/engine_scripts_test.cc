// The scripts of the engine in a real server.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis_scripts.h"
#include "support/redis_process.h"

namespace e2e {
namespace {

using wsd::engine::Script;

constexpr std::uint64_t kOneEighth = 1U << 20U;

// A node, as far as it needs the scripts. Each has loaded them, and remembers the latest position
// that it has seen.
class ScriptNode {
 public:
  explicit ScriptNode(const RedisProcess& redis)
      : client_(redis.port()),
        bits_(std::stoul(redis.info("replication", "master_replid").substr(0, 5), nullptr, 16)) {
    load();
  }

  void load() {
    for (std::size_t i = 0; i < sha_.size(); ++i) {
      const auto source = wsd::engine::source_of(static_cast<Script>(i));
      sha_[i] = client_.command({"SCRIPT", "LOAD", std::string{source}}).text;
      EXPECT_EQ(sha_[i].size(), 40U) << sha_[i];
    }
  }
  RedisReply call(Script script, const std::vector<std::string>& args) {
    std::vector<std::string> words = {"EVALSHA", sha_[static_cast<std::size_t>(script)], "1", key};
    words.insert(words.end(), args.begin(), args.end());
    return client_.command(words);
  }
  RedisReply open() { return open(epoch, seq); }
  RedisReply open(std::uint64_t seen_epoch, std::uint64_t seen_seq) {
    RedisReply reply = call(Script::kOpen, {std::to_string(seen_epoch), std::to_string(seen_seq),
                                            "600000", std::to_string(bits_)});
    if (reply.type == '*') {
      epoch = std::stoull(reply.items.at(0).text);
      seq = static_cast<std::uint64_t>(reply.items.at(1).number());
      begun = reply.items.at(2).number() == 1;
    }
    return reply;
  }
  // Returns the id of the batch, or the error.
  std::string publish(const std::string& text, unsigned count = 1, const std::string& oldest = "") {
    std::vector<std::string> words = {std::to_string(epoch) + "-*", text};
    if (count != 1 || !oldest.empty()) words.push_back(std::to_string(count));
    if (!oldest.empty()) words.push_back(oldest);
    RedisReply reply = call(Script::kPublish, words);
    if (reply.type == '$') seq = std::stoull(reply.text.substr(reply.text.find('-') + 1));
    return reply.text;
  }
  [[nodiscard]] std::string id(std::uint64_t number) const {
    return std::to_string(epoch) + "-" + std::to_string(number);
  }
  [[nodiscard]] std::vector<std::string> page(const std::string& direction, const std::string& from,
                                              int bytes = 262'144, int entries = 512,
                                              int text = 1'048'576) {
    std::vector<std::string> words;
    for (const RedisReply& item :
         call(Script::kPage, {direction, from, std::to_string(bytes), std::to_string(entries),
                              std::to_string(text)})
             .items) {
      words.push_back(item.text);
    }
    return words;
  }
  [[nodiscard]] RedisReply command(const std::vector<std::string>& words) {
    return client_.command(words);
  }

  std::string key = "wsd1:{lobby}";
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  bool begun = false;

 private:
  RedisClient client_;
  std::uint64_t bits_;
  std::array<std::string, wsd::engine::kScripts> sha_;
};

// What must not change if a publish is refused.
std::string state_of(const RedisProcess& redis, const std::string& key) {
  std::string state = redis.command({"XRANGE", key, "-", "+"}).describe();
  const RedisReply info = redis.command({"XINFO", "STREAM", key});
  for (std::size_t i = 0; i + 1 < info.items.size(); i += 2) {
    if (info.items[i].text == "last-generated-id") state += info.items[i + 1].text;
  }
  return state;
}

bool starts_with(const std::string& text, std::string_view start) {
  return text.starts_with(start);
}

TEST(EngineQuickScripts, Open_BeginsAnEpochOnce) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  const RedisReply reply = node.open();
  ASSERT_EQ(reply.items.size(), 6U) << reply.describe();
  EXPECT_EQ(reply.items[5].text, "0-0");
  EXPECT_TRUE(node.begun);
  EXPECT_GE(node.seq, 1U);
  const std::uint64_t epoch = node.epoch;
  const std::uint64_t seq = node.seq;
  EXPECT_LT(epoch, std::uint64_t{1} << 53U);
  ScriptNode other(redis);
  other.open();
  EXPECT_FALSE(other.begun);
  EXPECT_EQ(other.epoch, epoch);
  EXPECT_EQ(other.seq, seq);
  EXPECT_GT(redis.command({"PTTL", node.key}).number(), 0);
}

TEST(EngineQuickScripts, Publish_CountsOnAndPushes) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  const std::uint64_t first = node.seq + 1;
  RedisClient subscriber(redis.port());
  EXPECT_EQ(subscriber.command({"SSUBSCRIBE", node.key}).type, '*');
  EXPECT_EQ(node.publish("one"), node.id(first));
  EXPECT_EQ(node.publish("three", 3), node.id(first + 1));
  EXPECT_EQ(node.publish("one"), node.id(first + 4));
  EXPECT_EQ(node.publish(std::string(65'536, 'x')), node.id(first + 5));
  EXPECT_EQ(node.publish(std::string(65'537, 'x'), 2), node.id(first + 6));
  EXPECT_EQ(node.publish("last"), node.id(first + 8));
  const std::vector<std::string> expected = {
      node.id(first) + " one",     node.id(first + 1) + " three",
      node.id(first + 4) + " one", node.id(first + 5) + " " + std::string(65'536, 'x'),
      node.id(first + 6) + " !2",  node.id(first + 8) + " last"};
  for (const std::string& text : expected) {
    // In RESP2, the messages come before the reply to PING.
    const RedisReply push = subscriber.command({"PING"});
    ASSERT_EQ(push.items.size(), 3U) << push.describe();
    EXPECT_EQ(push.items[2].text, text);
  }
}

TEST(EngineQuickScripts, Publish_MakesTwoCallsAndThreeForABatch) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  const auto calls = [&](const std::string& text, unsigned count) {
    redis.expect_ok({"CONFIG", "RESETSTAT"});
    node.publish(text, count);
    const RedisReply stats = redis.command({"INFO", "commandstats"});
    std::set<std::string> names;
    std::size_t at = 0;
    while ((at = stats.text.find("cmdstat_", at)) != std::string::npos) {
      const std::size_t end = stats.text.find(':', at);
      names.insert(stats.text.substr(at + 8, end - at - 8));
      EXPECT_EQ(stats.text.substr(end + 1, 8), "calls=1,");
      at = end;
    }
    names.erase("config|resetstat");
    return names;
  };
  EXPECT_EQ(calls("a", 1), (std::set<std::string>{"evalsha", "xadd", "spublish"}));
  EXPECT_EQ(calls("a", 2), (std::set<std::string>{"evalsha", "xadd", "xsetid", "spublish"}));
}

TEST(EngineQuickScripts, Publish_KeepsTheOldestThatIsAskedFor) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis({.more = {"--stream-node-max-entries", "10"}});
  ScriptNode node(redis);
  node.open();
  const std::uint64_t first = node.seq + 1;
  for (int i = 0; i < 100; ++i) node.publish("x", 1, node.id(first + 50));
  const std::vector<std::string> page = node.page("-", "-");
  ASSERT_FALSE(page.empty());
  const std::uint64_t kept = std::stoull(page[0].substr(page[0].find('-') + 1));
  EXPECT_LE(kept, first + 50);
  EXPECT_GT(kept, first + 39);
}

TEST(EngineQuickScripts, Page_ReadsBothWaysWithinItsLimits) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  EXPECT_EQ(node.page("-", "-"), std::vector<std::string>{"end"});
  node.open();
  EXPECT_EQ(node.page("+", "+"), std::vector<std::string>{"end"});
  std::vector<std::string> up;
  for (int i = 0; i < 40; ++i) {
    const std::string text(100, static_cast<char>('A' + i));
    up.push_back(node.publish(text));
    up.push_back(text);
  }
  std::vector<std::string> down;
  for (std::size_t i = up.size(); i > 0; i -= 2) {
    down.push_back(up[i - 2]);
    down.push_back(up[i - 1]);
  }
  auto all_up = up;
  all_up.emplace_back("end");
  auto all_down = down;
  all_down.emplace_back("end");
  EXPECT_EQ(node.page("-", "-"), all_up);
  EXPECT_EQ(node.page("+", "+"), all_down);
  EXPECT_EQ(node.page("-", "(" + up[76]), (std::vector<std::string>{up[78], up[79], "end"}));
  EXPECT_EQ(node.page("-", "(" + up[78]), std::vector<std::string>{"end"});
  for (std::size_t entries = 1; entries < 40; ++entries) {
    const std::vector<std::string> expected(up.begin(),
                                            up.begin() + static_cast<std::ptrdiff_t>(2 * entries));
    // By the number of entries, and by their bytes.
    EXPECT_EQ(node.page("-", "-", 262'144, static_cast<int>(entries)), expected) << entries;
    EXPECT_EQ(node.page("-", "-", static_cast<int>(entries * 100 + 99)), expected) << entries;
    const std::vector<std::string> last(down.begin(),
                                        down.begin() + static_cast<std::ptrdiff_t>(2 * entries));
    EXPECT_EQ(node.page("+", "+", static_cast<int>(entries * 100)), last) << entries;
  }
  // One entry at least.
  EXPECT_EQ(node.page("-", "-", 1), (std::vector<std::string>{up[0], up[1]}));
}

// --- No position twice

TEST(EngineQuickScripts, TwoEpochsInOneEighthOfASecond_HaveNoPositionInCommon) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode one(redis);
  ScriptNode two(redis);
  for (int i = 0; i < 100; ++i) {
    std::set<std::string> ids;
    (void)one.command({"FLUSHALL"});
    one.open(0, 0);
    for (int k = 0; k < 3; ++k) ids.insert(one.publish("a"));
    (void)one.command({"FLUSHALL"});
    two.open(0, 0);
    for (int k = 0; k < 3; ++k) ids.insert(two.publish("b"));
    ASSERT_EQ(ids.size(), 6U) << i;
  }
}

TEST(EngineQuickScripts, StreamWithALowerEpoch_GivesNoPositionOfTheHigherOne) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode ahead(redis);
  ScriptNode fresh(redis);
  fresh.open();
  // The clock was an hour ahead when this node's epoch began.
  ahead.open(fresh.epoch + 8 * 3600 * kOneEighth, 0);
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.insert(ahead.publish("a"));
  EXPECT_EQ(ids.size(), 3U);
  redis.expect_ok({"DEL", ahead.key});
  fresh.open(0, 0);
  EXPECT_LT(fresh.epoch, ahead.epoch);
  const std::uint64_t seq = ahead.seq;
  for (int i = 0; i < 3; ++i) {
    const std::string error = ahead.publish("b");
    EXPECT_TRUE(starts_with(error, "EPOCH ")) << error;
  }
  EXPECT_EQ(redis.command({"XLEN", ahead.key}).number(), 0);
  const std::string behind = fresh.publish("c");
  EXPECT_TRUE(starts_with(behind, "EPOCH ")) << behind;
  ahead.open(ahead.epoch, seq);
  EXPECT_TRUE(ids.insert(ahead.publish("d")).second);
  fresh.open();
  EXPECT_EQ(fresh.epoch, ahead.epoch);
  EXPECT_TRUE(ids.insert(fresh.publish("e")).second);
}

TEST(EngineQuickScripts, ServerWentBack_OpenBeginsAnEpoch) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  node.publish("a");
  const std::uint64_t epoch = node.epoch;
  const std::uint64_t seq = node.seq;
  node.open(epoch, seq);
  EXPECT_FALSE(node.begun);
  node.open(epoch, seq + 5);  // of the same epoch, this node has seen more
  EXPECT_TRUE(node.begun);
  EXPECT_GT(node.epoch, epoch);
  EXPECT_EQ(node.seq, seq + 5);
  const std::uint64_t second = node.epoch;
  node.open(second + 3 * kOneEighth, 1);  // it has seen a later epoch
  EXPECT_TRUE(node.begun);
  EXPECT_GT(node.epoch, second + 3 * kOneEighth);
  EXPECT_EQ(node.seq, seq + 5);
  // What the room had is still there.
  EXPECT_EQ(node.page("-", "-").size(), 3U);
}

TEST(EngineQuickScripts, PromotedReplica_OpenBeginsAnEpochAndTheOldOneIsRefused) {
  E2E_REQUIRE(redis_server());
  const RedisProcess master;
  const RedisProcess replica({.replica_of = master.port()});
  replica.wait_for_replication();  // the first replica gives its master another replid
  ScriptNode node(master);
  node.open();
  node.publish("a");
  replica.wait_for_replication();
  ScriptNode other(master);
  other.open();
  replica.expect_ok({"REPLICAOF", "NO", "ONE"});
  ScriptNode promoted(replica);
  promoted.open(node.epoch, node.seq);
  EXPECT_TRUE(promoted.begun);
  EXPECT_EQ(promoted.seq, node.seq);
  ScriptNode late(replica);
  late.epoch = node.epoch;
  const std::string error = late.publish("b");
  EXPECT_TRUE(starts_with(error, "EPOCH ")) << error;
  EXPECT_TRUE(starts_with(promoted.publish("c"), std::to_string(promoted.epoch)));
}

TEST(EngineQuickScripts, AnotherServerOrAReplica_OpenRefuses) {
  E2E_REQUIRE(redis_server());
  const RedisProcess master;
  ScriptNode node(master);
  const RedisReply other = node.call(Script::kOpen, {"0", "0", "600000", "1048576"});
  EXPECT_TRUE(starts_with(other.text, "REPLID ")) << other.describe();
  EXPECT_EQ(master.command({"EXISTS", node.key}).number(), 0);
  const RedisProcess replica({.replica_of = master.port()});
  replica.wait_for_replication();
  ScriptNode at_replica(replica);
  const RedisReply refused = at_replica.open();
  EXPECT_TRUE(starts_with(refused.text, "REPLID ")) << refused.describe();
  at_replica.epoch = node.epoch;
  const std::string error = at_replica.publish("a");
  EXPECT_TRUE(starts_with(error, "READONLY ")) << error;
}

TEST(EngineQuickScripts, KeyGone_PublishIsRefusedAndMakesNone) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  redis.expect_ok({"DEL", node.key});
  const std::string error = node.publish("a");
  EXPECT_TRUE(starts_with(error, "EPOCH ")) << error;
  EXPECT_EQ(redis.command({"EXISTS", node.key}).number(), 0);
}

// --- Refusals change nothing

TEST(EngineQuickScripts, ServerRefusesWrites_NothingHasChanged) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  node.publish("a", 2);
  const std::string before = state_of(redis, node.key);
  const struct {
    const char* setting;
    const char* bad;
    const char* good;
    const char* error;
  } cases[] = {
      {"maxmemory", "1", "0", "OOM "},
      {"min-replicas-to-write", "1", "0", "NOREPLICAS "},
  };
  for (const auto& each : cases) {
    redis.expect_ok({"CONFIG", "SET", each.setting, each.bad});
    for (const unsigned count : {1U, 3U}) {
      const std::string error = node.publish("b", count);
      EXPECT_TRUE(starts_with(error, each.error)) << error;
    }
    EXPECT_EQ(state_of(redis, node.key), before) << each.setting;
    EXPECT_EQ(node.open().type, '*') << "a room that exists can be opened";
    redis.expect_ok({"CONFIG", "SET", each.setting, each.good});
  }
  const std::string next = node.id(node.seq + 1);
  EXPECT_EQ(node.publish("c"), next);
}

TEST(EngineQuickScripts, KeyOfAnotherType_IsRefusedAndKept) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  redis.expect_ok({"SET", node.key, "mine"});
  EXPECT_TRUE(starts_with(node.open().text, "WRONGTYPE "));
  EXPECT_TRUE(starts_with(node.publish("a"), "WRONGTYPE "));
  EXPECT_TRUE(
      starts_with(node.call(Script::kPage, {"-", "-", "1000", "10", "1000"}).text, "WRONGTYPE "));
  EXPECT_EQ(redis.command({"GET", node.key}).text, "mine");
}

TEST(EngineQuickScripts, NoRightToXsetid_ABatchLeavesNothingBehind) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.open();
  const std::uint64_t first = node.seq + 1;
  redis.expect_ok({"ACL", "SETUSER", "default", "-xsetid"});
  const std::string error = node.publish("batch", 3);
  EXPECT_TRUE(error.find("can't run this command") != std::string::npos ||
              error.find("ACL failure in script") != std::string::npos)
      << error;
  EXPECT_EQ(redis.command({"XLEN", node.key}).number(), 0);
  // The position of the batch's first message is not given again.
  EXPECT_EQ(node.publish("alone"), node.id(first + 1));
}

TEST(EngineQuickScripts, Probe_NamesTheCommandsThatAreDenied) {
  E2E_REQUIRE(redis_server());
  const RedisProcess redis;
  ScriptNode node(redis);
  node.key = "wsd1:{%probe}";
  EXPECT_TRUE(node.call(Script::kProbe, {}).items.empty());
  for (const char* const command : {"time", "info", "xadd", "xinfo", "xsetid", "xdel", "xrange",
                                    "xrevrange", "pexpire", "get", "set", "spublish"}) {
    redis.expect_ok({"ACL", "SETUSER", "limited", "reset", "on", "nopass", "~wsd1:*", "&wsd1:*",
                     "+@all", std::string{"-"} + command});
    ScriptNode limited(redis);
    limited.key = node.key;
    EXPECT_EQ(limited.command({"AUTH", "limited", "x"}).text, "OK");
    const RedisReply denied = limited.call(Script::kProbe, {});
    std::string upper = command;
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    ASSERT_EQ(denied.items.size(), 1U) << command << denied.describe();
    EXPECT_EQ(denied.items[0].text, upper);
  }
  redis.expect_ok({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_TRUE(node.call(Script::kProbe, {}).items.empty());
}

}  // namespace
}  // namespace e2e
