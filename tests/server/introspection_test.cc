// Lists the connections and rooms of a running server, and closes a connection by its id.
#include "server/introspection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "server/server_rig.h"

namespace wsd {
namespace {

using test::client_frame;
using test::Peer;
using test::quiet;
using Rig = test::ServerRig;

Handlers joiner() {
  Handlers handlers;
  handlers.upgrade = [](const Request& request) {
    return Upgrade::accept(std::string(request.query()));
  };
  handlers.open = [](Connection& c) {
    c.join(c.path());
    c.send_text(std::to_string(c.id()));
  };
  handlers.message = [](Connection& c, const Message& m) { c.send(m); };
  return handlers;
}

void add_routes(Server& server) {
  server.route("/a", joiner());
  server.route("/b", joiner());
}

std::vector<std::string> users(const Listing<ConnectionInfo>& listing) {
  std::vector<std::string> names;
  for (const ConnectionInfo& each : listing.rows) names.push_back(each.user);
  return names;
}

TEST(Listing, BeforeStartThereIsNothingToAsk) {
  const Server server;
  EXPECT_FALSE(server.connections({}).complete);
  EXPECT_FALSE(server.rooms(10).complete);
  EXPECT_FALSE(server.close_connection(1, CloseCode::kNormalClosure, ""));
  EXPECT_EQ(server.stats().reactors, 0U);
}

TEST(Listing, Connections_ComeFromAllReactors) {
  std::vector<Peer> peers;
  std::vector<std::string> ids;
  Rig rig(quiet(3));
  add_routes(rig.server);
  rig.start();
  for (int i = 0; i < 9; ++i) {
    peers.push_back(rig.open("/a?user" + std::to_string(i)));
    ids.push_back(Rig::frame(peers.back()).payload);
  }
  peers[4].send(client_frame(test::kText, "hello"));
  EXPECT_EQ(Rig::frame(peers[4]).payload, "hello");
  const auto all = rig.server.connections({ConnectionOrder::kAge, 100});
  EXPECT_TRUE(all.complete);
  EXPECT_EQ(all.total, 9U);
  ASSERT_EQ(all.rows.size(), 9U);
  for (const ConnectionInfo& each : all.rows) {
    EXPECT_EQ(each.state, ConnectionState::kOpen);
    EXPECT_EQ(each.path, "/a");
    EXPECT_EQ(each.remote.find("127.0.0.1:"), 0U);
    EXPECT_EQ(each.rooms, 1U);
    const bool talked = each.user == "user4";
    EXPECT_EQ(each.messages_in, talked ? 1U : 0U);
    EXPECT_EQ(each.messages_out, talked ? 2U : 1U);
    EXPECT_EQ(ids[static_cast<std::size_t>(each.user.back() - '0')], std::to_string(each.id));
  }
  const auto few = rig.server.connections({ConnectionOrder::kQueue, 4});
  EXPECT_EQ(few.total, 9U);
  EXPECT_EQ(few.rows.size(), 4U);
  EXPECT_EQ(users(few), users(rig.server.connections({ConnectionOrder::kQueue, 4})))
      << "connections with equal values have a fixed order";
}

TEST(Listing, TheLongestQueueComesFirst) {
  Rig rig(quiet(1));
  Handlers handlers = joiner();
  handlers.open = [](Connection& c) {
    if (c.user() == "slow") c.send_binary(std::string(8U << 20, 'x'));
  };
  rig.server.route("/", handlers);
  rig.start();
  const Peer first = rig.open("/?first");
  Peer slow = rig.connect();
  slow.send(test::upgrade_request("/?slow"));
  Listing<ConnectionInfo> listing;
  ASSERT_TRUE(test::until(
      [&] {
        listing = rig.server.connections({ConnectionOrder::kQueue, 1});
        return listing.rows.size() == 1 && listing.rows[0].queued_bytes != 0;
      },
      [] { std::this_thread::yield(); }));
  EXPECT_EQ(listing.rows[0].user, "slow");
  EXPECT_EQ(listing.total, 2U);
}

TEST(Listing, Rooms_CountMembersOfAllReactors) {
  std::vector<Peer> peers;
  Rig rig(quiet(3));
  add_routes(rig.server);
  rig.start();
  for (int i = 0; i < 5; ++i) peers.push_back(rig.open("/a"));
  for (int i = 0; i < 2; ++i) peers.push_back(rig.open("/b"));
  Listing<RoomInfo> rooms;
  ASSERT_TRUE(test::until(
      [&] {
        rooms = rig.server.rooms(10);
        return rooms.rows.size() == 2 && rooms.rows[0].members + rooms.rows[1].members == 7;
      },
      [] { std::this_thread::yield(); }));
  EXPECT_TRUE(rooms.complete);
  EXPECT_EQ(rooms.total, 2U);
  EXPECT_EQ(rooms.rows[0].name, "/a");
  EXPECT_EQ(rooms.rows[0].members, 5U);
  EXPECT_EQ(rooms.rows[1].members, 2U);
  EXPECT_EQ(rig.server.rooms(1).rows.size(), 1U);
  EXPECT_EQ(rig.server.stats().rooms, 2U);
  EXPECT_EQ(rig.server.stats().room_members, 7U);
}

TEST(Listing, AConnectionIsClosedByItsIdOnce) {
  Rig rig(quiet(2));
  add_routes(rig.server);
  rig.start();
  Peer peer = rig.open("/a");
  const ConnectionId id = std::stoull(Rig::frame(peer).payload);
  EXPECT_FALSE(rig.server.close_connection(id + 1, CloseCode::kPolicyViolation, "no"));
  EXPECT_FALSE(rig.server.close_connection(0, CloseCode::kPolicyViolation, "no"));
  EXPECT_FALSE(rig.server.close_connection(~ConnectionId{0}, CloseCode::kPolicyViolation, "no"));
  EXPECT_TRUE(rig.server.close_connection(id, CloseCode::kPolicyViolation, "closed by operator"));
  EXPECT_EQ(Rig::frame(peer).payload, test::close_payload(1008, "closed by operator"));
  EXPECT_FALSE(rig.server.close_connection(id, CloseCode::kPolicyViolation, "again"));
}

TEST(Listing, CalledOnReactorThread_ReturnsIncompleteAtOnce) {
  std::atomic<int> answers{0};
  Rig rig(quiet(1));
  rig.server.http("/ask", [&](const Request&) {
    answers = rig.server.connections({}).complete || rig.server.rooms(1).complete ? 1 : 2;
    return Response{};
  });
  rig.start();
  static_cast<void>(rig.answer("GET /ask HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(answers.load(), 2);
}

TEST(Listing, AfterStop_ListingIsIncomplete) {
  Rig rig(quiet(2));
  rig.start();
  rig.server.stop();
  const auto listing = rig.server.connections({});
  EXPECT_FALSE(listing.complete);
  EXPECT_TRUE(listing.rows.empty());
  EXPECT_TRUE(rig.server.stats().draining);
}

}  // namespace
}  // namespace wsd
