// Server::run_until_signal(): what ends it, and what its clients get.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "server/server_rig.h"

namespace wsd {
namespace {

using test::close_payload;
using test::Peer;
using test::quiet;
using test::ServerRig;

class RunUntilSignal : public ::testing::Test {
 protected:
  // Runs the server on a thread of its own, and returns a client of it.
  Peer run() {
    rig.server.route("/", {});
    EXPECT_EQ(rig.server.listen("127.0.0.1:0"), "");
    thread = std::thread([this] { result = rig.server.run_until_signal(); });
    const std::string address = rig.server.addresses().at(0);
    Peer peer(test::port_of(address));
    peer.send(test::upgrade_request());
    EXPECT_EQ(ServerRig::read_head(peer).find("HTTP/1.1 101 "), 0U);
    return peer;
  }
  void expect_drain(Peer& peer) {
    EXPECT_EQ(ServerRig::frame(peer).payload.substr(0, 2), close_payload(1001));
    peer.send(test::client_frame(test::kClose, close_payload(1001)));
    thread.join();
    EXPECT_EQ(result, 0);
  }

  ServerRig rig;
  std::thread thread;
  int result = -1;
};

TEST_F(RunUntilSignal, Sigterm_DrainsWith1001) {
  Peer peer = run();
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  expect_drain(peer);
  EXPECT_EQ(rig.server.forced_closes(), 0U);
}

TEST_F(RunUntilSignal, DrainByTheApplication_EndsItToo) {
  Peer peer = run();
  rig.server.drain();
  expect_drain(peer);
}

TEST(RunUntilSignalError, FailedStart_Returns1) {
  Server server(quiet());
  EXPECT_EQ(server.run_until_signal(), 1);
  EXPECT_EQ(server.run_until_signal(), 1) << "the first call has ended";
}

}  // namespace
}  // namespace wsd
