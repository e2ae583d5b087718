// A daemon that is stopped for a while, as by a debugger, a cgroup freezer or an overloaded host.

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/expect.h"
#include "support/patience.h"
#include "support/server_process.h"

namespace e2e {
namespace {

// More than one epoll_wait can report.
constexpr std::size_t kTalkers = 300;
constexpr std::size_t kSilent = 20;

::testing::AssertionResult echoed(RawClient& client, const std::string& text) {
  const auto frame = client.read_frame();
  if (!frame) return ::testing::AssertionFailure() << end_name(client.end());
  if (frame->payload != text) return ::testing::AssertionFailure() << frame->describe();
  return ::testing::AssertionSuccess();
}

// Stops the server, and waits until all its threads are stopped. A thread that still runs would
// read data that comes before the suspension.
bool stop(ServerProcess& server) {
  server.signal(SIGSTOP);
  const std::string tasks = "/proc/" + std::to_string(server.pid()) + "/task";
  return eventually([&] {
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "stat");
      std::string line;
      std::getline(file, line);
      const std::size_t name_end = line.rfind(") ");
      if (name_end == std::string::npos || line[name_end + 2] != 'T') return false;
    }
    return true;
  });
}

TEST(Suspension, DisconnectsNoClient) {
  ServerProcess server({"--reactors", "1", "--ping-interval", "off", "--read-timeout", "6s",
                        "--write-timeout", "6s"});
  ASSERT_TRUE(server.listening());
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < kTalkers + kSilent; ++i) {
    clients.push_back(server.connect());
    clients.back().send(RequestText::upgrade().text());
  }
  for (RawClient& client : clients) ASSERT_TRUE(is_upgraded(client));
  for (RawClient& client : clients) client.send(text_frame("before"));
  for (RawClient& client : clients) ASSERT_TRUE(echoed(client, "before"));
  ASSERT_TRUE(stop(server));
  for (std::size_t i = 0; i < kTalkers; ++i) clients[i].send(text_frame("meanwhile"));
  // Longer than a client may be silent.
  std::this_thread::sleep_for(std::chrono::seconds(7));
  server.signal(SIGCONT);
  for (std::size_t i = 0; i < kTalkers; ++i) ASSERT_TRUE(echoed(clients[i], "meanwhile")) << i;
  // The silent clients were silent for a moment before the suspension, and now for 2 s more.
  std::this_thread::sleep_for(std::chrono::seconds(2));
  for (RawClient& client : clients) client.send(text_frame("after"));
  for (RawClient& client : clients) ASSERT_TRUE(echoed(client, "after"));
}

// What clients sent during the suspension arrives at once, but they did not send it at once.
TEST(Suspension, CountsForNoRate) {
  ServerProcess server({"--reactors", "1", "--max-messages-per-second", "5",
                        "--max-bytes-per-second", "1KiB", "--max-control-frames-per-second", "5"});
  ServerProcess door({"--reactors", "2", "--max-handshakes-per-second", "3"});
  ASSERT_TRUE(server.listening());
  ASSERT_TRUE(door.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(echoes(client, "before"));
  ASSERT_TRUE(stop(server));
  ASSERT_TRUE(stop(door));
  // Half of what the limits allow for six seconds, and three times that of one second.
  std::string meanwhile;
  for (int i = 0; i < 15; ++i) {
    meanwhile += text_frame("message " + std::to_string(i) + std::string(180, '.'));
    meanwhile += ping_frame(std::to_string(i));
  }
  ASSERT_TRUE(client.send(meanwhile));
  std::vector<RawClient> guests;
  for (int i = 0; i < 9; ++i) {
    guests.push_back(door.connect());
    ASSERT_TRUE(guests.back().send(RequestText::upgrade().text()));
  }
  std::this_thread::sleep_for(std::chrono::seconds(6));
  server.signal(SIGCONT);
  door.signal(SIGCONT);
  for (int i = 0; i < 15;) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame) << i << " " << end_name(client.end());
    if (frame->opcode == kPong) continue;
    ASSERT_EQ(frame->payload.substr(0, 8), "message ") << frame->describe();
    ++i;
  }
  for (RawClient& guest : guests) ASSERT_TRUE(is_upgraded(guest));
}

}  // namespace
}  // namespace e2e
