#include "net/accept_balance.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

TEST(AcceptBalance, OneReactor_KeepsItsConnections) {
  ReactorRig rig;
  EXPECT_EQ(rig.counts.balance.choose(0), 0U);
  EXPECT_FALSE(rig.counts.balance.expects(0));
}

// The connections that reactor 0 keeps are not on their way, so it seems to have none.
TEST(AcceptBalance, ConnectionsOnTheirWayCount) {
  ReactorRig rig(calm_settings(), 3);
  AcceptBalance& balance = rig.counts.balance;
  std::array<int, 3> chosen{};
  for (int i = 0; i < 9; ++i) ++chosen[balance.choose(0)];
  EXPECT_LE(chosen[1], 1);
  EXPECT_LE(chosen[2], 1);
  EXPECT_EQ(balance.expects(1), chosen[1] == 1);
}

TEST(AcceptBalance, EqualLoads_TakeTurns) {
  ReactorRig rig(calm_settings(), 4);
  AcceptBalance& balance = rig.counts.balance;
  std::array<int, 4> chosen{};
  for (int i = 0; i < 40; ++i) {
    const std::uint32_t to = balance.choose(2);
    ++chosen[to];
    if (to != 2) balance.arrived(to);
  }
  EXPECT_EQ(chosen, (std::array<int, 4>{10, 10, 10, 10}));
}

TEST(AcceptBalance, ClosedReactor_GetsNoConnection) {
  ReactorRig rig(calm_settings(), 2);
  AcceptBalance& balance = rig.counts.balance;
  balance.close(1);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(balance.choose(0), 0U);
  EXPECT_FALSE(balance.expects(1));
}

// Gives a reactor a connection that it did not get by choose().
void give(ReactorRig& rig, std::uint32_t reactor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  PeerAddress peer;
  peer.storage.ss_family = AF_UNIX;
  rig.counts.balance.intake(reactor).take(ends[0], peer);
  ::close(ends[1]);
}

TEST(AcceptBalance, FewestConnections_Win) {
  ReactorRig rig(calm_settings(), 3);
  give(rig, 0);
  give(rig, 2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(rig.counts.balance.choose(2), 1U);
    rig.counts.balance.arrived(1);
  }
}

TEST(AcceptBalance, FullReactor_GetsNoConnection) {
  ReactorRig rig(calm_settings(), 2);
  for (int i = 0; i < 5; ++i) give(rig, 0);
  AcceptBalance balance(3);
  balance.open(0, rig.counts.balance.intake(0));
  balance.open(1, rig.counts.balance.intake(1));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(balance.choose(0), 1U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(balance.choose(0), 0U);
  balance.arrived(1);
  EXPECT_EQ(balance.choose(0), 1U);
}

// A reactor that drains must wait for the connections that were sent before.
TEST(AcceptBalance, AConnectionOnItsWay_KeepsADrainingReactorRunning) {
  ReactorRig rig(calm_settings(), 2);
  AcceptBalance& balance = rig.counts.balance;
  ASSERT_TRUE(balance.choose(0) == 1 || balance.choose(0) == 1);
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor(0).finished(); }));
  rig.turn();
  EXPECT_TRUE(rig.reactor(1).draining());
  EXPECT_FALSE(rig.reactor(1).finished());
  balance.arrived(1);
  EXPECT_TRUE(rig.reactor(1).finished());
}

}  // namespace
}  // namespace wsd::net
