#include "net/reactor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "net/reactor_rig.h"

namespace wsd::net {
namespace {

using test::client_frame;
using test::close_payload;
using test::Peer;
using test::WireFrame;

SharedBytes text_frame(std::string_view text) {
  return protocol::make_frame(protocol::Opcode::kText, as_bytes(text));
}

std::string room_at(const ReactorRig& /*rig*/, hub::Hub& hub, std::uint32_t home) {
  for (int i = 0;; ++i) {
    std::string name = "room " + std::to_string(i);
    if (hub.home_of(name) == home) return name;
  }
}

// A child process that has all descriptors of this one until the destructor ends it. So does each
// child between fork() and exec(), for example the one of system(3).
class Child {
 public:
  Child() {
    EXPECT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0);
    process_ = ::fork();
    EXPECT_GE(process_, 0);
    if (process_ != 0) return;
    ::close(pipe_[1]);
    char end = 0;
    static_cast<void>(!::read(pipe_[0], &end, 1));
    ::_exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    for (const int each : pipe_) ::close(each);
    EXPECT_EQ(::waitpid(process_, nullptr, 0), process_);
  }

 private:
  std::array<int, 2> pipe_{};
  pid_t process_ = -1;
};

// Returns how many descriptors the epoll instances of this process watch (proc_pid_fdinfo(5)).
std::size_t watched_descriptors() {
  std::size_t count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::filesystem::path target = std::filesystem::read_symlink(each, gone);
    if (gone || target != "anon_inode:[eventpoll]") continue;
    std::ifstream info("/proc/self/fdinfo/" + each.path().filename().string());
    for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:") ? 1 : 0;
  }
  return count;
}

TEST(Reactor, AChildProcessHoldsTheDescriptors_AnEndedConnectionIsNotWatched) {
  ReactorRig rig;
  rig.app.handler = [](Connection& connection, const Message&) {
    connection.reset(CloseCause::kServerStopped);
  };
  const std::size_t before = watched_descriptors();
  Peer& peer = rig.open();
  EXPECT_EQ(watched_descriptors(), before + 1);
  const Child child;
  peer.send(client_frame(test::kText, "reset"));
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 0; }));
  EXPECT_EQ(watched_descriptors(), before);
  // The socket is still open in the child. A stale registration would report these bytes, with the
  // address of a connection that is freed.
  peer.send("x");
  for (int i = 0; i < 3; ++i) rig.turn();
  static_cast<void>(rig.open());
}

TEST(Reactor, AChildProcessHoldsTheDescriptors_AListenerOfADrainIsNotWatched) {
  ReactorRig rig;
  const std::size_t before = watched_descriptors();
  const Child child;
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  EXPECT_EQ(watched_descriptors(), before - 1);
}

TEST(Reactor, IsCurrentDuringItsTurnAlone) {
  ReactorRig rig;
  Reactor* seen = nullptr;
  rig.app.handler = [&](Connection&, const Message&) { seen = Reactor::current(); };
  Peer& peer = rig.open();
  peer.send(client_frame(test::kText, "x"));
  ASSERT_TRUE(rig.until([&] { return seen != nullptr; }));
  EXPECT_EQ(seen, &rig.reactor());
  EXPECT_EQ(Reactor::current(), nullptr);
}

TEST(Reactor, FindsItsOwnConnectionsAlone) {
  ReactorRig rig;
  static_cast<void>(rig.open());
  const ConnectionId id = rig.app.opened[0];
  EXPECT_NE(rig.reactor().find(id), nullptr);
  EXPECT_EQ(rig.reactor().find(id + 1), nullptr);
  EXPECT_EQ(rig.reactor().find(id | std::uint64_t{1} << 24), nullptr);
  EXPECT_EQ(rig.reactor().find(0), nullptr);
}

TEST(Reactor, EachConnectionIsReportedOnceWithItsCause) {
  ReactorSettings settings = calm_settings();
  settings.close_timeout = 3;
  ReactorRig rig(settings);
  rig.app.handler = [](Connection& connection, const Message& message) {
    if (message.payload == "close") {
      connection.close(CloseCause::kApplicationClosed, CloseCode::kNormalClosure, "");
    }
    if (message.payload == "abort") connection.reset(CloseCause::kServerStopped);
  };
  std::mt19937 random(5);
  constexpr std::size_t kConnections = 120;
  for (std::size_t i = 0; i < kConnections; ++i) {
    Peer& peer = random() % 4 == 0 ? rig.connect() : rig.open();
    if (random() % 2 == 0) peer.send(client_frame(test::kText, "begun", random() % 2 == 0));
    if (random() % 2 == 0) rig.turn();
    switch (random() % 7) {
      case 0:
        peer.send(client_frame(test::kText, "close"));
        break;
      case 1:
        peer.send(client_frame(test::kText, "abort"));
        break;
      case 2:
        peer.send(client_frame(test::kClose, close_payload(1000)));
        break;
      case 3:
        peer.send("\r\n\r\n nonsense");
        break;
      case 4:
        peer.reset();
        break;
      case 5:
        peer.close();
        break;
      default:
        break;
    }
    peer.shutdown_write();
  }
  // Connections that were reset before they were accepted are accepted anyway.
  rig.expect_all_over(kConnections);
}

TEST(Reactor, AnEndInACloseHandlerEndsAnother) {
  ReactorRig rig;
  rig.app.closed = [&](Connection& connection, const CloseInfo&) {
    for (const ConnectionId id : rig.app.opened) {
      Connection* const other = rig.reactor().find(id);
      if (other != nullptr && other != &connection) other->reset(CloseCause::kServerStopped);
    }
  };
  for (int i = 0; i < 5; ++i) static_cast<void>(rig.open());
  rig.reactor().find(rig.app.opened[2])->reset(CloseCause::kServerStopped);
  rig.turn();
  rig.expect_all_over(5);
}

TEST(Reactor, RefusesConnectionsOverTheLimit) {
  ReactorSettings settings = calm_settings();
  settings.max_connections = 1;
  ReactorRig rig(settings);
  Peer& first = rig.open();
  Peer& second = rig.connect();
  second.send(test::upgrade_request());
  ASSERT_TRUE(rig.until([&] { return second.end() == Peer::End::kFin; }));
  EXPECT_EQ(second.input.find("HTTP/1.1 503 "), 0U);
  EXPECT_NE(second.input.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kOverload);
  EXPECT_EQ(rig.app.requests, 1);
  second.close();
  first.close();
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 0; }));
  static_cast<void>(rig.open());
}

TEST(Reactor, AcceptingPausesWhileDescriptorsAreOutAndGoesOn) {
  ReactorRig rig;
  static_cast<void>(rig.open());  // UBSan opens a pipe when it first checks a type
  Peer& peer = rig.connect();
  peer.send(test::upgrade_request());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool told = rig.until([&] { return !rig.app.troubles.empty(); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(told);
  EXPECT_EQ(rig.app.troubles, std::vector<std::string>{"accept_paused"});
  EXPECT_TRUE(rig.until([&] { return !peer.take_head().empty(); }));
}

TEST(Reactor, ABurstOfConnectsIsAcceptedWhole) {
  ReactorRig rig;
  std::vector<Peer*> peers;
  for (int i = 0; i < 200; ++i) {  // more than one turn accepts
    peers.push_back(&rig.connect());
    peers.back()->send(test::upgrade_request());
  }
  EXPECT_TRUE(rig.until([&] { return rig.app.opened.size() == 200; }));
  EXPECT_EQ(std::set<ConnectionId>(rig.app.opened.begin(), rig.app.opened.end()).size(), 200U);
}

TEST(Reactor, APeerWithMuchToSayDoesNotKeepOthersWaiting) {
  ReactorRig rig;
  std::vector<ConnectionId> order;
  rig.app.handler = [&](Connection& connection, const Message&) {
    order.push_back(connection.id());
  };
  Peer& talker = rig.open();
  Peer& other = rig.open();
  std::string much;
  while (much.size() < 8'000'000) much += client_frame(test::kText, std::string(1000, 'x'));
  talker.send(much);
  other.send(client_frame(test::kText, "hello"));
  ASSERT_TRUE(rig.until([&] {
    return !order.empty() && std::count(order.begin(), order.end(), rig.app.opened[1]) == 1;
  }));
  EXPECT_LT(order.size(), 4000U);
  ASSERT_TRUE(rig.until([&] { return order.size() == 1 + much.size() / (1000 + 8); }));
}

// Drain, stop, destruction

TEST(Reactor, DrainsWithGoingAway) {
  ReactorRig rig;
  Peer& open = rig.open();
  Peer& fresh = rig.connect();
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 2; }));
  EXPECT_FALSE(rig.reactor().finished());
  rig.hub().command(Reactor::kDrain);
  const WireFrame frame = rig.frame(open);
  EXPECT_EQ(frame.opcode, test::kClose);
  EXPECT_EQ(frame.payload.substr(0, 2), close_payload(1001));
  ASSERT_TRUE(rig.until([&] { return fresh.end() == Peer::End::kFin; }));
  EXPECT_TRUE(rig.reactor().draining());
  EXPECT_FALSE(rig.reactor().finished());
  const Peer late(rig.connect().local_port());  // no process listens on a client's port
  EXPECT_EQ(late.end(), Peer::End::kReset);
  open.send(client_frame(test::kClose, close_payload(1001)));
  fresh.close();
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  for (const EndNote& each : rig.app.ends) {
    EXPECT_EQ(each.record.close.cause, CloseCause::kDrain);
  }
  rig.expect_all_over(2);
}

TEST(Reactor, CutsWhatIsLeftAtTheDrainTimeout) {
  ReactorSettings settings = calm_settings();
  settings.drain_timeout = 5;
  ReactorRig rig(settings);
  Peer& peer = rig.open();
  rig.hub().command(Reactor::kDrain);
  ASSERT_TRUE(rig.until([&] { return rig.reactor().finished(); }));
  ASSERT_TRUE(rig.until([&] { return peer.end() == Peer::End::kReset; }));
  EXPECT_EQ(rig.end().record.close.cause, CloseCause::kDrain);
}

TEST(Reactor, StopsAtOnce) {
  ReactorRig rig;
  for (int i = 0; i < 3; ++i) static_cast<void>(rig.open());
  rig.hub().command(Reactor::kDrain | Reactor::kStop);
  rig.turn();
  EXPECT_TRUE(rig.reactor().finished());
  rig.expect_all_over(3);
  EXPECT_EQ(rig.app.ends[0].record.close.cause, CloseCause::kServerStopped);
}

TEST(Reactor, DestructionReportsWhatLived) {
  ReactorRig rig;
  for (int i = 0; i < 3; ++i) static_cast<void>(rig.open());
  static_cast<void>(rig.connect());
  ASSERT_TRUE(rig.until([&] { return rig.counts.connections.load() == 4; }));
  rig.stop();
  EXPECT_EQ(rig.app.ends.size(), 4U);
  EXPECT_EQ(rig.app.closes.size(), 3U);
  EXPECT_EQ(rig.counts.connections.load(), 0U);
}

TEST(Reactor, MayBeDestroyedUnused) {
  const Reactor reactor;
  EXPECT_TRUE(reactor.valid());
}

// Several reactors

// Opens connections until each reactor has one, because the kernel chooses the reactor. Returns one
// connection per reactor.
std::vector<Connection*> one_on_each(ReactorRig& rig, std::vector<Peer*>& peers,
                                     std::uint32_t reactors) {
  std::vector<Connection*> found(reactors);
  peers.assign(reactors, nullptr);
  for (int tries = 0; tries < 500; ++tries) {
    Peer& peer = rig.open();
    const ConnectionId id = rig.app.opened.back();
    const std::uint32_t index = hub::shard_of(id);
    found[index] = rig.reactor(index).find(id);
    peers[index] = &peer;
    if (std::find(found.begin(), found.end(), nullptr) == found.end()) return found;
  }
  ADD_FAILURE() << "the kernel gave one of them nothing";
  return found;
}

TEST(Reactors, CarryMessagesToEachOther) {
  ReactorRig rig(calm_settings(), 2);
  std::vector<Peer*> peers;
  const std::vector<Connection*> connections = one_on_each(rig, peers, 2);
  const std::string room = room_at(rig, rig.hub(), 0);
  for (std::uint32_t i = 0; i < 2; ++i) rig.shard(i).join(*connections[i], room);
  for (int i = 0; i < 5; ++i) rig.turn();
  static_cast<void>(rig.shard(1).publish(room, text_frame("hello")));
  for (Peer* peer : peers) EXPECT_EQ(rig.frame(*peer), (WireFrame{test::kText, "hello"}));
  EXPECT_EQ(rig.hub().send(connections[1]->id(), text_frame("you")), SendResult::kSent);
  EXPECT_EQ(rig.frame(*peers[1]), (WireFrame{test::kText, "you"}));
}

// Reading from a publisher pauses if its messages exceed the limit of a gate. Reading resumes
// without another event.
TEST(Reactors, AHeldPublisherIsReadAgain) {
  for (const std::uint32_t home : {0U, 1U}) {
    ReactorRig rig(calm_settings(), 2, 4);
    std::vector<Peer*> peers;
    const std::vector<Connection*> connections = one_on_each(rig, peers, 2);
    const std::string room = room_at(rig, rig.hub(), home);
    rig.shard(1).join(*connections[1], room);
    for (int i = 0; i < 5; ++i) rig.turn();
    rig.app.handler = [&](Connection& connection, const Message& message) {
      Reactor& reactor = *Reactor::current();
      EXPECT_EQ(hub::shard_of(connection.id()), 0U);
      if (reactor.shard().publish(room, text_frame(message.payload)) ==
          hub::PublishOutcome::kCongested) {
        reactor.pause_publisher();
      }
    };
    constexpr int kMessages = 2000;
    for (int i = 0; i < kMessages; ++i) {
      peers[0]->send(client_frame(test::kText, std::to_string(i)));
      if (i % 100 == 0) rig.turn();
    }
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_EQ(rig.frame(*peers[1]), (WireFrame{test::kText, std::to_string(i)}));
    }
    EXPECT_EQ(rig.shard(home).publish_gate().queued(), 0U);
    EXPECT_EQ(rig.shard(1).deliver_gate().queued(), 0U);
  }
}

TEST(Reactors, LeaveTheRoomsOfEachOtherWhenTheyGo) {
  ReactorRig rig(calm_settings(), 2);
  std::vector<Peer*> peers;
  const std::vector<Connection*> connections = one_on_each(rig, peers, 2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    for (std::uint32_t home = 0; home < 2; ++home) {
      rig.shard(i).join(*connections[i], room_at(rig, rig.hub(), home));
    }
  }
  for (int i = 0; i < 5; ++i) rig.turn();
  for (Peer* peer : peers) peer->reset();
  ASSERT_TRUE(
      rig.until([&] { return rig.shard(0).home_count() + rig.shard(1).home_count() == 0; }));
  EXPECT_EQ(rig.shard(0).room_count() + rig.shard(1).room_count(), 0U);
}

}  // namespace
}  // namespace wsd::net
