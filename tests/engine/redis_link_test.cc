#include "engine/redis_link.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/link_rig.h"

namespace wsd::engine {
namespace {

FakeRedis::Options with_password() {
  FakeRedis::Options options;
  options.password = "secret-word";
  return options;
}

// --- The handshake

TEST(RedisLink, Connects_ReportsTheServer) {
  LinkRig rig;
  rig.connect();
  ASSERT_EQ(rig.ups, 1);
  EXPECT_TRUE(rig.link->up());
  EXPECT_EQ(rig.server_found.version, "7.0.15");
  EXPECT_EQ(rig.server_found.replid, rig.server->replid());
  EXPECT_EQ(rig.server_found.replid_bits,
            std::stoul(rig.server->replid().substr(0, 5), nullptr, 16));
  EXPECT_GT(rig.server_found.client_id, 0U);
  EXPECT_EQ(rig.server_found.clock_offset_ms,
            static_cast<std::int64_t>(rig.server->time_us() / 1000 - rig.now_ms));
  EXPECT_TRUE(rig.server_found.fenced);
  EXPECT_FALSE(rig.server_found.same_server);
  EXPECT_EQ(rig.link->outstanding(), 0U);
  EXPECT_TRUE(rig.pushes.empty());
  EXPECT_EQ(rig.server->subscribers("wsd1:{%probe}"), 0U);
}

TEST(RedisLink, BytesArriveOneByOne_ComesUp) {
  for (const std::size_t bytes : {1U, 2U, 3U, 7U, 64U}) {
    LinkRig rig;
    rig.network.set_chunk(bytes);
    rig.connect();
    EXPECT_EQ(rig.ups, 1) << bytes;
    EXPECT_TRUE(rig.downs.empty()) << bytes;
  }
}

TEST(RedisLink, HandshakeCutAtEachByte_EndsOnce) {
  std::size_t length = 0;
  for (std::size_t bytes = 1;; ++bytes) {
    LinkRig rig;
    rig.make();
    rig.network.cut_after_received(bytes);
    rig.network.run();
    if (rig.ups == 1 && rig.downs.empty()) {
      length = bytes;
      break;
    }
    ASSERT_LE(rig.ups, 1);
    ASSERT_EQ(rig.downs.size(), 1U) << bytes;
    ASSERT_FALSE(rig.downs[0].for_good) << bytes;
    ASSERT_EQ(rig.link->deadline(), ~std::uint64_t{0});
  }
  EXPECT_GT(length, 500U);
}

TEST(RedisLink, NobodyListens_EndsWithTheReason) {
  LinkRig rig;
  rig.network.listen(kServer, nullptr);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "Cannot connect to 127.0.0.1:6379: Connection refused");
  EXPECT_FALSE(rig.downs[0].for_good);
}

TEST(RedisLink, RightPassword_ComesUp) {
  LinkRig rig(with_password());
  rig.settings.password = "secret-word";
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
}

TEST(RedisLink, WrongPassword_EndsForGoodWithoutThePassword) {
  LinkRig rig(with_password());
  rig.settings.user = "default";
  rig.settings.password = "wrong-word";
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].for_good);
  EXPECT_EQ(rig.downs[0].why,
            "The server rejects the user or the password: correct "
            "{option:engine.user} and {option:engine.password}");
}

TEST(RedisLink, NoPassword_EndsForGood) {
  LinkRig rig(with_password());
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].for_good);
  EXPECT_EQ(rig.downs[0].why, "The server requires a password: set {option:engine.password}");
}

TEST(RedisLink, OldServer_EndsForGood) {
  FakeRedis::Options options;
  options.version = "6.2.14";
  LinkRig rig(options);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].for_good);
  EXPECT_EQ(rig.downs[0].why,
            "The server has version 6.2.14, which is older than 7.0: use Redis 7.0 or later, or "
            "Valkey");
}

TEST(RedisLink, ServerInAClusterOrNot_EndsForGoodUnlessExpected) {
  FakeRedis::Options options;
  options.cluster = true;
  LinkRig rig(options);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].for_good);

  LinkRig alone;
  alone.settings.cluster = true;
  alone.connect();
  ASSERT_EQ(alone.downs.size(), 1U);
  EXPECT_TRUE(alone.downs[0].for_good);
}

TEST(RedisLink, NoReplid_EndsForGood) {
  FakeRedis::Options options;
  options.has_replid = false;
  LinkRig rig(options);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].for_good);
}

TEST(RedisLink, Replica_EndsNotForGood) {
  LinkRig rig;
  const FakeRedis master;
  rig.server->follow(master);
  rig.connect();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_FALSE(rig.downs[0].for_good);
  EXPECT_EQ(rig.downs[0].why, "The server is not a master: its role is 'slave'");
}

TEST(RedisLink, ServerNotAvailableInTheHandshake_EndsNotForGood) {
  for (const char* const error :
       {"LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down",
        "BUSY Redis is busy running a script", "CLUSTERDOWN The cluster is down",
        "ERR max number of clients reached"}) {
    LinkRig rig;
    rig.server->faults.error_for_all = error;
    rig.connect();
    EXPECT_EQ(rig.ups, 0) << error;
    ASSERT_EQ(rig.downs.size(), 1U) << error;
    EXPECT_FALSE(rig.downs[0].for_good) << error;
    EXPECT_NE(rig.downs[0].why.find(error), std::string::npos) << rig.downs[0].why;
  }
}

TEST(RedisLink, RightMissing_EndsForGoodAndNamesIt) {
  for (const char* const command :
       {"xadd", "xsetid", "xdel", "xrange", "xrevrange", "xinfo", "pexpire", "get", "set",
        "spublish", "time", "info", "ssubscribe", "client|kill", "evalsha", "script|load"}) {
    LinkRig rig;
    rig.server->faults.denied = {command};
    rig.connect();
    EXPECT_EQ(rig.ups, 0) << command;
    ASSERT_EQ(rig.downs.size(), 1U) << command;
    EXPECT_TRUE(rig.downs[0].for_good) << command << ": " << rig.downs[0].why;
    EXPECT_NE(rig.downs[0].why.find("does not permit"), std::string::npos) << rig.downs[0].why;
  }
}

TEST(RedisLink, ConfigGetDenied_ComesUpWithoutAWarning) {
  LinkRig rig;
  rig.server->faults.denied = {"config|get"};
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
  EXPECT_TRUE(rig.server_found.warnings.empty());
}

TEST(RedisLink, WritesRefused_ComesUp) {
  LinkRig rig;
  rig.server->faults.out_of_memory = true;
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
}

TEST(RedisLink, DoubtfulSettings_WarnsOfEach) {
  LinkRig rig;
  rig.server->set_replicas(1);
  rig.server->set_config("maxmemory-policy", "allkeys-lru");
  rig.server->set_config("client-output-buffer-limit",
                         "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  rig.connect();
  ASSERT_EQ(rig.server_found.warnings.size(), 3U);
  EXPECT_NE(rig.server_found.warnings[0].find("min-replicas-to-write"), std::string::npos);
  EXPECT_NE(rig.server_found.warnings[1].find("allkeys-lru"), std::string::npos);
  EXPECT_NE(rig.server_found.warnings[2].find("33554432"), std::string::npos);
}

// --- The fence

TEST(RedisLink, FormerConnectionToTheSameServer_IsKilled) {
  LinkRig rig;
  const auto old = rig.server->accept();
  rig.former = {old->client_id, rig.server->replid(), {}};
  rig.connect();
  EXPECT_TRUE(rig.server_found.fenced);
  EXPECT_TRUE(rig.server_found.same_server);
  EXPECT_EQ(rig.server->clients(), 1U);
}

TEST(RedisLink, ServerOfAnEarlierConnection_KillsThatOne) {
  LinkRig rig;
  const auto first = rig.server->accept();
  const auto second = rig.server->accept();
  const auto other = rig.server->accept();
  rig.former = {other->client_id, std::string(40, 'a'), {}};
  rig.former.before = {{first->client_id, rig.server->replid(), {}},
                       {other->client_id, std::string(40, 'b'), {}},
                       {second->client_id, rig.server->replid(), {}}};
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
  EXPECT_EQ(rig.server->clients(), 2U);
  EXPECT_FALSE(rig.server_found.same_server);
}

TEST(RedisLink, FormerConnectionToAnotherServer_IsNotKilled) {
  LinkRig rig;
  const auto other = rig.server->accept();
  rig.former = {other->client_id, std::string(40, 'a'), {}};
  rig.connect();
  EXPECT_EQ(rig.ups, 1);
  EXPECT_FALSE(rig.server_found.fenced);
  EXPECT_FALSE(rig.server_found.same_server);
  EXPECT_EQ(rig.server->clients(), 2U);
}

// --- Timeouts and heartbeats

TEST(RedisLink, ServerUnreachable_EndsAfterTheTimeout) {
  LinkRig rig;
  rig.network.set_unreachable(kServer, true);
  rig.connect();
  rig.advance(4'999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "No connection to 127.0.0.1:6379 within 5000 ms");
}

TEST(RedisLink, StoppedServer_EndsTheHandshakeAfterTheTimeout) {
  LinkRig rig;
  rig.server->stop();
  rig.connect();
  rig.advance(4'999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "No answer to the handshake within 5000 ms");
}

TEST(RedisLink, IdleLink_BeatsEachSecond) {
  LinkRig rig;
  rig.connect();
  for (int i = 0; i < 5; ++i) rig.advance(1'000);
  EXPECT_EQ(rig.beats.size(), 5U);
  EXPECT_TRUE(rig.downs.empty());
}

TEST(RedisLink, BusyLink_BeatsEachSecond) {
  LinkRig rig;
  rig.connect();
  for (int i = 0; i < 30; ++i) {
    rig.link->send({0, 0, 7}, {"PING"});
    rig.advance(100);
  }
  EXPECT_EQ(rig.replies.size(), 30U);
  EXPECT_EQ(rig.beats.size(), 3U);
}

TEST(RedisLink, ClockOfMicroseconds_MeasuresRoundTrips) {
  static std::uint64_t clock_us = 0;
  LinkRig rig;
  rig.settings.now_us = [] { return clock_us += 250; };
  rig.connect();
  rig.advance(1'000);
  ASSERT_EQ(rig.beats.size(), 1U);
  EXPECT_EQ(rig.beats[0], 250U);
}

TEST(RedisLink, Demoted_BeatEndsIt) {
  LinkRig rig;
  rig.connect();
  const FakeRedis master;
  rig.server->follow(master);
  rig.advance(1'000);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "The server is no longer a master");
  EXPECT_TRUE(rig.beats.empty());
}

TEST(RedisLink, NewReplid_BeatEndsIt) {
  LinkRig rig;
  rig.connect();
  rig.server->set_replid(std::string(40, 'b'));
  rig.advance(1'000);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "The server has begun a new replication history");
}

TEST(RedisLink, StoppedServer_EndsAfterTheTimeout) {
  LinkRig rig;
  rig.connect();
  rig.server->stop();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.advance(1'000);  // sends a heartbeat as well, which must not prolong the time
  rig.advance(3'999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.downs[0].why, "No answer within 5000 ms");
}

TEST(RedisLink, SlowAnswersWithBytesBetween_KeepItUp) {
  LinkRig rig;
  rig.connect();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.network.set_chunk(1);
  for (int i = 0; i < 10; ++i) {
    rig.now_ms += 4'000;
    rig.link->begin_turn(rig.now_ms);
    rig.inject(i == 0 ? "$100\r\n" : "x");
    if (rig.now_ms >= rig.link->deadline()) rig.link->on_time();
  }
  EXPECT_TRUE(rig.downs.empty());
}

TEST(RedisLink, ReadingStopped_TimeStandsStill) {
  LinkRig rig;
  rig.connect();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.link->set_reading(false);
  for (int i = 0; i < 20; ++i) rig.advance(1'000);
  EXPECT_EQ(rig.link->deadline(), ~std::uint64_t{0});
  EXPECT_TRUE(rig.downs.empty());
  EXPECT_TRUE(rig.replies.empty());
  rig.server->stop();
  rig.link->set_reading(true);
  rig.network.run();
  EXPECT_EQ(rig.replies.size(), 1U);
  rig.link->send({0, 0, 2}, {"PING"});
  rig.advance(4'999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  EXPECT_EQ(rig.downs.size(), 1U);
}

TEST(RedisLink, ReadsAgain_TimeBeginsAnew) {
  LinkRig rig;
  rig.connect();
  rig.server->stop();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.link->set_reading(false);
  rig.advance(60'000);
  rig.link->set_reading(true);
  rig.advance(4'999);
  EXPECT_TRUE(rig.downs.empty());
  rig.advance(1);
  EXPECT_EQ(rig.downs.size(), 1U);
}

// --- Requests

TEST(RedisLink, Requests_AreAnsweredInOrder) {
  LinkRig rig;
  rig.connect();
  rig.link->send({0, 0, 1}, {"SET", "k", "v"});
  rig.link->send_unanswered({"SSUBSCRIBE", "wsd1:{a}"});
  rig.link->send({0, 0, 2}, {"GET", "k"});
  rig.link->send({0, 0, 3}, {"XLEN", "k"});
  rig.link->send_unanswered({"SUNSUBSCRIBE", "wsd1:{a}"});
  rig.link->send({0, 0, 4}, {"GET", "k"});
  EXPECT_EQ(rig.link->outstanding(), 6U);
  rig.network.run();
  const std::vector<std::string> expected = {
      "1 OK", "2 v", "3 WRONGTYPE Operation against a key holding the wrong kind of value", "4 v"};
  EXPECT_EQ(rig.replies, expected);
  const std::vector<std::string> pushes = {"ssubscribe wsd1:{a} 1 ", "sunsubscribe wsd1:{a} 0 "};
  EXPECT_EQ(rig.pushes, pushes);
  EXPECT_EQ(rig.link->outstanding(), 0U);
}

TEST(RedisLink, Scripts_AreCalledAndPushed) {
  LinkRig rig;
  rig.connect();
  rig.link->send_unanswered({"SSUBSCRIBE", "wsd1:{a}"});
  rig.link->send_script({0, 0, 1}, Script::kOpen, "wsd1:{a}",
                        {"0", "0", "600000", std::to_string(rig.server_found.replid_bits)});
  rig.network.run();
  ASSERT_EQ(rig.replies.size(), 1U);
  EXPECT_EQ(rig.server->calls("evalsha open"), 1U);
  const auto& data = rig.server->data();
  ASSERT_TRUE(data.contains("wsd1:{a}"));
}

TEST(RedisLink, SubscriptionDeniedLater_EndsIt) {
  LinkRig rig;
  rig.connect();
  rig.server->faults.denied = {"ssubscribe"};
  rig.link->send_unanswered({"SSUBSCRIBE", "wsd1:{a}"});
  rig.link->send({0, 0, 1}, {"PING"});
  rig.network.run();
  EXPECT_TRUE(rig.replies.empty());
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_NE(rig.downs[0].why.find("SSUBSCRIBE"), std::string::npos);
}

TEST(RedisLink, ServerEndsASubscription_RepliesStayInOrder) {
  LinkRig rig;
  rig.connect();
  rig.link->send_unanswered({"SSUBSCRIBE", "wsd1:{a}"});
  rig.network.run();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.server->unsubscribe_all("wsd1:{a}");
  rig.network.run();
  EXPECT_EQ(rig.replies.size(), 1U);
  EXPECT_EQ(rig.pushes.size(), 2U);
  EXPECT_TRUE(rig.downs.empty());
}

TEST(RedisLink, ErrorsOfTheServer_EndItAfterTheReply) {
  for (const char* const error :
       {"READONLY You can't write against a read only replica.", "MASTERDOWN x", "LOADING x",
        "BUSY x", "CLUSTERDOWN x", "NOAUTH x", "REPLID x"}) {
    LinkRig rig;
    rig.connect();
    rig.server->faults.error_for_all = error;
    rig.link->send({0, 0, 1}, {"PING"});
    rig.network.run();
    EXPECT_EQ(rig.replies.size(), 1U) << error;
    ASSERT_EQ(rig.downs.size(), 1U) << error;
    EXPECT_FALSE(rig.downs[0].for_good) << error;
  }
}

TEST(RedisLink, ErrorsOfOneRequest_AreReplies) {
  for (const char* const error : {"OOM x", "NOREPLICAS x", "MISCONF x", "NOPERM x", "EPOCH x",
                                  "NOSCRIPT x", "BUSYKEY x", "ERR x"}) {
    LinkRig rig;
    rig.connect();
    rig.server->faults.error_for_all = error;
    rig.link->send({0, 0, 1}, {"PING"});
    rig.network.run();
    EXPECT_EQ(rig.replies.size(), 1U) << error;
    EXPECT_TRUE(rig.downs.empty()) << error;
  }
}

TEST(RedisLink, ScriptsFlushed_ReloadsOnce) {
  LinkRig rig;
  rig.connect();
  rig.server->flush_scripts();
  rig.server->reset_calls();
  rig.link->reload_scripts();
  rig.link->reload_scripts();
  rig.network.run();
  EXPECT_EQ(rig.loads, 1);
  EXPECT_EQ(rig.server->calls("script"), kScripts);
  rig.link->send_script({0, 0, 1}, Script::kProbe, "wsd1:{a}", {});
  rig.network.run();
  EXPECT_EQ(rig.replies, std::vector<std::string>{"1 "});
  rig.link->reload_scripts();
  rig.network.run();
  EXPECT_EQ(rig.loads, 2);
}

// --- Bad input

TEST(RedisLink, BrokenStream_EndsWithAReason) {
  for (const std::string_view bytes :
       {"garbage\r\n", "$5\r\nabcdefg\r\n", "*2147483647\r\n:1\r\nx", "+OK\r\n",
        ">2\r\n$7\r\nmessage\r\n$1\r\nx\r\n", ">0\r\n", "%1\r\n:1\r\n>1\r\n:1\r\n"}) {
    LinkRig rig;
    rig.connect();
    rig.inject(bytes);
    EXPECT_EQ(rig.downs.size(), 1U) << bytes;
    EXPECT_TRUE(rig.replies.empty()) << bytes;
    EXPECT_TRUE(rig.pushes.empty()) << bytes;
  }
}

TEST(RedisLink, HugeValue_EndsAtTheLimit) {
  LinkRig rig;
  rig.connect();
  rig.inject("$100000000\r\n");
  const std::string part(10'000'000, 'x');
  int parts = 0;
  while (rig.downs.empty() && parts < 100) {
    rig.inject(part);
    ++parts;
  }
  EXPECT_LE(parts, 8);
}

// --- The end

TEST(RedisLink, EndsInACallback_NothingFollows) {
  for (const bool destroys : {false, true}) {
    LinkRig rig;
    rig.ends_in_reply = true;
    rig.destroys_in_down = destroys;
    rig.connect();
    rig.link->send({0, 0, 1}, {"PING"});
    rig.link->send({0, 0, 2}, {"PING"});
    rig.network.run();
    EXPECT_EQ(rig.replies.size(), 1U);
    ASSERT_EQ(rig.downs.size(), 1U);
    EXPECT_EQ(rig.downs[0].why, "enough");
    EXPECT_TRUE(rig.network.lines().empty());
    if (rig.link) {
      rig.link->send({0, 0, 3}, {"PING"});
      rig.link->end("again");
      EXPECT_EQ(rig.link->outstanding(), 0U);
      EXPECT_EQ(rig.link->deadline(), ~std::uint64_t{0});
      EXPECT_EQ(rig.downs.size(), 1U);
    }
  }
}

TEST(RedisLink, FailedHandshakeDestroysIt_IsClean) {
  FakeRedis::Options options;
  options.version = "6.0";
  LinkRig rig(options);
  rig.destroys_in_down = true;
  rig.connect();
  EXPECT_EQ(rig.downs.size(), 1U);
  EXPECT_EQ(rig.link, nullptr);
}

TEST(RedisLink, ServerCloses_EndsOnce) {
  LinkRig rig;
  rig.connect();
  rig.link->send({0, 0, 1}, {"PING"});
  rig.server->close_all();
  rig.network.run();
  ASSERT_EQ(rig.downs.size(), 1U);
  EXPECT_TRUE(rig.downs[0].why.starts_with("Lost the connection to 127.0.0.1:6379: "));
}

}  // namespace
}  // namespace wsd::engine
