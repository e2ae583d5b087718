// The connections of a shared listening socket, and what becomes of them.
#include "net/intake.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/reactor_rig.h"
#include "net/socket.h"

namespace wsd::net {
namespace {

constexpr std::uint32_t kReactors = 4;

// Reactors that share a listening socket, as passed by another process.
class SharedRig {
 public:
  explicit SharedRig(ReactorSettings settings = calm_settings())
      : rig(std::move(settings), kReactors), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(::listen(fd_, 1024), 0);
    EXPECT_EQ(shared_.adopt(fd_, kReactors, {}), "");
    for (std::uint32_t i = 0; i < kReactors; ++i) EXPECT_TRUE(rig.reactor(i).listen(shared_));
  }

  // Connects, and waits until a reactor has the connection.
  test::Peer& connect() {
    const std::uint64_t before = accepted();
    peers_.emplace_back(test::port_of(shared_.name()));
    EXPECT_TRUE(rig.until([&] { return accepted() > before; }));
    return peers_.back();
  }
  void close(test::Peer& peer) {
    const std::size_t before = rig.counts.connections.load();
    peer.close();
    EXPECT_TRUE(rig.until([&] { return rig.counts.connections.load() < before; }));
  }
  [[nodiscard]] std::array<std::uint64_t, kReactors> current() {
    std::array<std::uint64_t, kReactors> counts{};
    for (std::uint32_t i = 0; i < kReactors; ++i) {
      counts[i] = rig.counts.balance.intake(i).connections();
    }
    return counts;
  }
  [[nodiscard]] std::array<std::uint64_t, kReactors> accepted_by() {
    std::array<std::uint64_t, kReactors> counts{};
    for (std::uint32_t i = 0; i < kReactors; ++i) {
      counts[i] = rig.reactor(i).stats().accepted.value();
    }
    return counts;
  }
  [[nodiscard]] std::uint64_t accepted() {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : accepted_by()) sum += each;
    return sum;
  }
  [[nodiscard]] std::uint16_t port() const { return test::port_of(shared_.name()); }

  ReactorRig rig;

 private:
  int fd_;
  Listener shared_;
  std::deque<test::Peer> peers_;
};

constexpr std::array<std::uint64_t, kReactors> kTenEach = {10, 10, 10, 10};

TEST(Intake, SharedSocket_KeptConnectionsAreEven) {
  SharedRig shared;
  for (int i = 0; i < 40; ++i) shared.connect();
  EXPECT_EQ(shared.current(), kTenEach);
}

TEST(Intake, SharedSocket_ConnectionsThatEndAtOnceAreEven) {
  SharedRig shared;
  for (int i = 0; i < 40; ++i) shared.close(shared.connect());
  EXPECT_EQ(shared.accepted_by(), kTenEach);
}

// All of them are accepted before any has arrived at its reactor.
TEST(Intake, SharedSocket_ABurstIsEven) {
  SharedRig shared;
  std::deque<test::Peer> peers;
  for (int i = 0; i < 40; ++i) peers.emplace_back(shared.port());
  ASSERT_TRUE(shared.rig.until([&] { return shared.accepted() == 40; }));
  EXPECT_EQ(shared.current(), kTenEach);
}

TEST(Intake, SharedSocket_ALoadFromElsewhereIsEvenedOut) {
  SharedRig shared;
  std::vector<test::Peer*> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(&shared.connect());
  while (shared.current()[2] != 0) {
    shared.close(*peers.back());
    peers.pop_back();
  }
  while (peers.size() < 40) peers.push_back(&shared.connect());
  EXPECT_EQ(shared.current(), kTenEach);
}

TEST(Intake, SharedSocket_EachConnectionIsServed) {
  SharedRig shared;
  for (std::uint32_t i = 0; i < 2 * kReactors; ++i) {
    test::Peer& peer = shared.connect();
    peer.send(test::upgrade_request());
    std::string head;
    ASSERT_TRUE(shared.rig.until([&] {
      peer.pump(~std::size_t{0});
      return !(head = peer.take_head()).empty();
    }));
    EXPECT_EQ(head.find("HTTP/1.1 101 "), 0U) << head;
  }
}

// One end of a connection, and the response that the other end gets.
class Pair {
 public:
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { ::close(ends_[1]); }
  [[nodiscard]] int server_end() const { return ends_[0]; }
  // Returns what was received until EOF, as far as it has arrived.
  [[nodiscard]] std::string received() {
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t count = ::recv(ends_[1], buffer.data(), buffer.size(), 0);
      ended_ = count == 0;
      if (count <= 0) return text_;
      text_.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  std::array<int, 2> ends_{};
  std::string text_;
  bool ended_ = false;
};

PeerAddress unix_peer() {
  PeerAddress peer;
  peer.storage.ss_family = AF_UNIX;
  return peer;
}

TEST(Intake, ConnectionThatArrivesDuringADrain_Gets503) {
  ReactorRig rig(calm_settings(), 2);
  Pair pair;
  AcceptBalance& balance = rig.counts.balance;
  ASSERT_TRUE(balance.choose(0) == 1 || balance.choose(0) == 1);  // on its way
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor(1).draining(); }));
  balance.intake(1).take(pair.server_end(), unix_peer());
  balance.arrived(1);
  ASSERT_TRUE(rig.until([&] { return pair.received().find("HTTP/1.1 503 ") == 0; }));
}

TEST(Intake, ConnectionThatArrivesAfterAStop_IsReset) {
  ReactorRig rig(calm_settings(), 2);
  Pair pair;
  rig.hub().command(Reactor::kStop);
  ASSERT_TRUE(rig.until([&] { return rig.reactor(1).draining(); }));
  rig.counts.balance.intake(1).take(pair.server_end(), unix_peer());
  rig.turn();
  EXPECT_EQ(pair.received(), "");
  EXPECT_TRUE(pair.ended());
  EXPECT_TRUE(rig.reactor(1).finished());
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kServerStopped);
}

// A connection that was one too many must not give its place to the next one.
TEST(Intake, ReplaceOldest_KeepsTheLimit) {
  ReactorSettings settings = calm_settings();
  settings.max_connections = 2;
  settings.replace_oldest = true;
  ReactorRig rig(settings);
  for (int i = 0; i < 2; ++i) static_cast<void>(rig.open());
  for (int i = 0; i < 4; ++i) {
    test::Peer& late = rig.connect();
    late.send(test::upgrade_request());
    ASSERT_TRUE(rig.until([&] { return late.input.find("HTTP/1.1 503 ") == 0; })) << late.input;
  }
}

TEST(Intake, ReplaceOldest_DrainEndsNoRequestInProgress) {
  ReactorSettings settings = calm_settings();
  settings.max_connections = 1;
  settings.replace_oldest = true;
  ReactorRig rig(settings);
  test::Peer& begun = rig.connect();
  begun.send("GET / HT");
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 1; }));
  rig.pass(2);  // the begin of the request is read
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().draining(); }));
  ASSERT_EQ(begun.input, "");
  Pair pair;
  rig.counts.balance.intake(0).take(pair.server_end(), unix_peer());
  ASSERT_TRUE(rig.until([&] { return pair.received().find("HTTP/1.1 503 ") == 0; }));
  begun.send("TP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(rig.until([&] { return begun.input.find("HTTP/1.1 ") == 0; })) << begun.input;
}

// As after a failed start: the other reactors end before they have read their mail.
TEST(Intake, ConnectionOnItsWayToAReactorThatNeverRuns_IsClosed) {
  auto shared = std::make_unique<SharedRig>();
  std::deque<test::Peer> peers;
  for (std::uint32_t i = 0; i < kReactors; ++i) peers.emplace_back(shared->port());
  ASSERT_TRUE(test::until([&] { return shared->rig.counts.balance.expects(kReactors - 1); },
                          [&] { shared->rig.reactor(0).turn(1); }));
  shared.reset();
  for (test::Peer& each : peers) {
    EXPECT_TRUE(test::until([&] { return each.end() != test::Peer::End::kOpen; },
                            [&] { each.wait_and_pump(); }));
  }
}

}  // namespace
}  // namespace wsd::net
