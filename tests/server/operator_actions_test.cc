// An operator's actions on the connections and rooms of a running server.
#include "server/operator_actions.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/server_rig.h"

namespace wsd {
namespace {

using test::Peer;
using test::quiet;
using Rig = test::ServerRig;

// The query is the user. The path is the first room, and every second user is in "both" too.
Handlers joiner() {
  Handlers handlers;
  handlers.upgrade = [](const Request& request) {
    return Upgrade::accept(std::string(request.query()));
  };
  handlers.open = [](Connection& c) {
    c.join(c.path());
    if (!c.user().empty() && c.user().back() % 2 == 0) c.join("both");
  };
  return handlers;
}

class OperatorActions : public ::testing::Test {
 protected:
  explicit OperatorActions(const ServerOptions& options = with_history()) : rig(options) {
    rig.server.route("/a", joiner());
    rig.server.route("/b", joiner());
  }
  static ServerOptions with_history() {
    ServerOptions options = quiet(3);
    options.history.messages = 100;
    return options;
  }
  void open(const std::string& path, const std::string& user) {
    peers.push_back(rig.open(path + (user.empty() ? "" : "?" + user)));
  }
  // Returns the users in all pages of `limit` rows.
  std::multiset<std::string> users(const ConnectionFilter& filter, std::uint32_t limit) {
    std::multiset<std::string> all;
    std::uint64_t cursor = 0;
    do {
      const ConnectionPage page = rig.server.find_connections(filter, cursor, limit);
      EXPECT_TRUE(page.complete);
      EXPECT_LE(page.rows.size(), limit);
      for (const ConnectionInfo& each : page.rows) all.insert(each.user);
      cursor = page.next;
    } while (cursor != 0);
    return all;
  }
  // Publishes to the room and waits for the position.
  Position publish(std::string_view room, std::string_view text) {
    test::Signal placed;
    Position position;
    EXPECT_EQ(rig.server.hub().publish(room, MessageType::kText, text,
                                       [&](const Position& where) {
                                         position = where;
                                         placed.raise();
                                       }),
              SendResult::kSent);
    EXPECT_TRUE(placed.wait());
    return position;
  }

  std::vector<Peer> peers;
  Rig rig;
};

ConnectionFilter by_user(std::string user) {
  ConnectionFilter filter;
  filter.user = std::move(user);
  return filter;
}

ConnectionFilter by_room(std::string room) {
  ConnectionFilter filter;
  filter.room = std::move(room);
  return filter;
}

TEST_F(OperatorActions, BeforeStart_ReturnNothing) {
  EXPECT_FALSE(rig.server.find_connections({}, 0, 10).complete);
  EXPECT_FALSE(rig.server.close_connections({}, CloseCode::kPolicyViolation, "").complete);
  EXPECT_EQ(rig.server.clear_history("a"), std::nullopt);
  EXPECT_FALSE(rig.server.close_room("a", CloseCode::kPolicyViolation, "").complete);
}

TEST_F(OperatorActions, OnAReactorThread_ReturnIncompleteAtOnce) {
  std::atomic<int> answers{0};
  rig.server.http("/ask", [&](const Request&) {
    const bool any = rig.server.find_connections({}, 0, 10).complete ||
                     rig.server.close_connections({}, CloseCode::kPolicyViolation, "").complete ||
                     rig.server.remove_message("a", {1, 1}).has_value();
    answers = any ? 1 : 2;
    return Response{};
  });
  rig.start();
  EXPECT_EQ(
      rig.answer("GET /ask HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("HTTP/1.1 2"),
      0U);
  EXPECT_EQ(answers, 2);
}

TEST_F(OperatorActions, Pages_AreCompleteForEveryFilter) {
  rig.start();
  std::multiset<std::string> all;
  std::multiset<std::string> in_a;
  std::multiset<std::string> in_both;
  for (int i = 0; i < 40; ++i) {
    const std::string user = "user" + std::to_string(i % 20);
    const std::string path = i % 3 == 0 ? "/b" : "/a";
    open(path, user);
    all.insert(user);
    if (path == "/a") in_a.insert(user);
    if (user.back() % 2 == 0) in_both.insert(user);
  }
  for (const std::uint32_t limit : {1U, 7U, 1'000U}) {
    EXPECT_EQ(users({}, limit), all);
    EXPECT_EQ(users(by_room("/a"), limit), in_a);
    EXPECT_EQ(users(by_room("both"), limit), in_both);
    EXPECT_EQ(users(by_user("user3"), limit), (std::multiset<std::string>{"user3", "user3"}));
    EXPECT_TRUE(users(by_user("nobody"), limit).empty());
    EXPECT_TRUE(users(by_room("nowhere"), limit).empty());
  }
  ConnectionFilter neither = by_user("user3");
  neither.room = "both";
  EXPECT_TRUE(users(neither, 10).empty());
  EXPECT_EQ(rig.server.find_connections({}, 0, 0).rows.size(), 1U) << "a page moves on";
  EXPECT_TRUE(rig.server.find_connections({}, ~std::uint64_t{0}, 10).complete);
}

// More connections than one question looks at, so that the reactor answers in several turns.
TEST_F(OperatorActions, CloseAll_EndsThoseAndNoOthers) {
  rig.start();
  constexpr int kMany = 300;
  static_assert(kMany > 2 * server::kClosesPerQuestion);
  for (int i = 0; i < kMany; ++i) open("/a", "bad1");
  open("/a", "good2");
  const std::size_t good = peers.size() - 1;
  const CloseResult closed =
      rig.server.close_connections(by_user("bad1"), CloseCode{4001}, "banned");
  EXPECT_TRUE(closed.complete);
  EXPECT_EQ(closed.closed, static_cast<std::uint64_t>(kMany));
  for (std::size_t i = 0; i < good; ++i) {
    ASSERT_EQ(Rig::frame(peers[i]).payload, test::close_payload(4001, "banned"));
  }
  const CloseResult again =
      rig.server.close_connections(by_user("bad1"), CloseCode{4001}, "banned");
  EXPECT_TRUE(again.complete);
  EXPECT_EQ(again.closed, 0U) << "they close already";
  publish("/a", "still here");
  EXPECT_EQ(Rig::frame(peers[good]).payload, "still here");
}

class OneReactor : public OperatorActions {
 protected:
  OneReactor() : OperatorActions(quiet(1)) {}
};

// The reactor serves others between two portions.
TEST_F(OneReactor, CloseAll_TakesATurnForEachPortion) {
  rig.start();
  constexpr std::uint64_t kPortions = 4;
  constexpr std::uint64_t kMany = (kPortions - 1) * server::kClosesPerQuestion + 16;
  for (std::uint64_t i = 0; i < kMany; ++i) open("/a", "bad1");
  const std::uint64_t before = rig.server.stats().turns_total;
  EXPECT_EQ(rig.server.close_connections({}, CloseCode::kPolicyViolation, "x").closed, kMany);
  // The reactor answers within a turn, and counts the turn when it ends.
  EXPECT_GE(rig.server.stats().turns_total, before + kPortions - 1);
}

TEST_F(OperatorActions, AnonymousUser_HasTheEmptyName) {
  rig.start();
  open("/a", "");
  open("/a", "somebody");
  EXPECT_EQ(rig.server.close_connections(by_user(""), CloseCode::kPolicyViolation, "x").closed, 1U);
  EXPECT_EQ(Rig::frame(peers[0]).payload, test::close_payload(1008, "x"));
  EXPECT_EQ(users(by_user("somebody"), 10).size(), 1U);
}

TEST_F(OperatorActions, RemovedMessage_IsNotReplayed) {
  Handlers late;
  late.open = [](Connection& c) { c.join("/a", Since::last(9)); };
  rig.server.route("/late", late);
  rig.start();
  publish("/a", "one");
  const Position second = publish("/a", "two");
  publish("/a", "three");
  EXPECT_EQ(rig.server.remove_message("/a", second), 1U);
  EXPECT_EQ(rig.server.remove_message("/a", second), 0U);
  EXPECT_EQ(rig.server.remove_message("nowhere", second), 0U);
  Peer first = rig.open("/late");
  EXPECT_EQ(Rig::frame(first).payload, "one");
  EXPECT_EQ(Rig::frame(first).payload, "three");
  EXPECT_EQ(rig.server.clear_history("/a"), 2U);
  Peer next = rig.open("/late");
  EXPECT_EQ(publish("/a", "four").seq, 4U);
  EXPECT_EQ(Rig::frame(next).payload, "four");
}

TEST_F(OperatorActions, ClosedRoom_EndsItsMembersAndItsHistoryAndMayReopen) {
  rig.start();
  open("/a", "one");
  open("/b", "two2");
  open("/a", "three");
  publish("/a", "x");
  for (const std::size_t i : {0U, 2U}) EXPECT_EQ(Rig::frame(peers[i]).payload, "x");
  const RoomCloseResult closed = rig.server.close_room("/a", CloseCode{4000}, "over");
  EXPECT_TRUE(closed.complete);
  EXPECT_EQ(closed.closed, 2U);
  EXPECT_EQ(closed.removed, 1U);
  for (const std::size_t i : {0U, 2U}) {
    EXPECT_EQ(Rig::frame(peers[i]).payload, test::close_payload(4000, "over"));
  }
  EXPECT_EQ(users(by_user("two2"), 10).size(), 1U);
  open("/a", "one");
  EXPECT_EQ(publish("/a", "y").seq, 2U);
  EXPECT_EQ(Rig::frame(peers.back()).payload, "y");
}

}  // namespace
}  // namespace wsd
