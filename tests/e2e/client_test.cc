// The library's client against the daemon, npm ws and Python websockets. And its example.
#include "wsd/client.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/server_process.h"
#include "support/tools.h"
#include "wsd/version.h"

namespace e2e {
namespace {

// Runs one connection to its end, in which the handlers talk to the server.
class Session {
 public:
  explicit Session(wsd::DeflateMode mode = wsd::DeflateMode::kNoContextTakeover)
      : client_(options(mode)) {
    EXPECT_EQ(client_.start(), "");
  }

  // Returns whether the connection was opened and has ended.
  bool run(const std::string& url, wsd::ConnectOptions options = {}) {
    handlers.close = [this](wsd::Connection&, const wsd::CloseInfo& info) {
      closed = info;
      reason = info.reason;
      opened = true;
      end();
    };
    const std::string wrong =
        client_.connect(url, std::move(options), handlers, [this](const wsd::ConnectError& why) {
          error = why;
          end();
        });
    EXPECT_EQ(wrong, "");
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(condition_.wait_for(lock, patience(), [this] { return ended_; }));
    lock.unlock();
    client_.stop();
    return opened;
  }

  wsd::Handlers handlers;
  bool opened = false;
  wsd::CloseInfo closed;
  std::string reason;
  wsd::ConnectError error;

 private:
  static wsd::ClientOptions options(wsd::DeflateMode mode) {
    wsd::ClientOptions options;
    options.deflate.mode = mode;
    return options;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    condition_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  bool ended_ = false;
  wsd::Client client_;
};

constexpr std::size_t kSizes[] = {0, 1, 125, 126, 65'535, 65'536, 1 << 20};

// Sends messages of all sizes, and `last` when all have come back. An empty `last` closes.
void expect_echoes(const std::string& url, wsd::DeflateMode mode, const std::string& last,
                   const wsd::ConnectOptions& options = {}, const std::string& subprotocol = {}) {
  Session session(mode);
  std::vector<std::size_t> received;
  session.handlers.open = [&](wsd::Connection& server) {
    EXPECT_EQ(server.subprotocol(), subprotocol);
    for (const std::size_t size : kSizes) server.send_binary(std::string(size, 'x'));
    server.send_text("h\xC3\xA9llo");
  };
  session.handlers.message = [&](wsd::Connection& server, const wsd::Message& message) {
    received.push_back(message.payload.size());
    if (message.type == wsd::MessageType::kBinary) return;
    EXPECT_EQ(message.payload, "h\xC3\xA9llo");
    if (last.empty()) {
      server.close(wsd::CloseCode::kNormalClosure, "bye");
    } else {
      server.send_text(last);
    }
  };
  ASSERT_TRUE(session.run(url, options)) << session.error.text;
  std::vector<std::size_t> expected(std::begin(kSizes), std::end(kSizes));
  expected.push_back(6);
  EXPECT_EQ(received, expected);
  EXPECT_TRUE(session.closed.clean);
  if (last.empty()) {
    EXPECT_EQ(session.closed.received, wsd::CloseCode::kNormalClosure);
  } else {
    EXPECT_EQ(session.closed.received, static_cast<wsd::CloseCode>(4000));
    EXPECT_EQ(session.reason, "asked");
  }
}

std::string url_of(const ServerProcess& server, const std::string& path) {
  return "ws://127.0.0.1:" + std::to_string(server.port()) + path;
}

TEST(LibraryClient, EchoesWithTheDaemon) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  for (const auto mode : {wsd::DeflateMode::kOff, wsd::DeflateMode::kNoContextTakeover}) {
    expect_echoes(url_of(server, "/echo"), mode, "");
  }
}

TEST(LibraryClient, Sees1001WhenTheDaemonDrains) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  Session session;
  session.handlers.open = [&](wsd::Connection&) { server.signal(SIGTERM); };
  ASSERT_TRUE(session.run(url_of(server, "/rooms/a"))) << session.error.text;
  EXPECT_EQ(session.closed.received, wsd::CloseCode::kGoingAway);
  EXPECT_TRUE(session.closed.clean);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status) << server.process().output();
  EXPECT_EQ(status->code, 0) << server.process().output();
}

TEST(LibraryClient, IsRejectedByTheDaemon) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  Session session;
  EXPECT_FALSE(session.run(url_of(server, "/nothing")));
  EXPECT_EQ(session.error.cause, wsd::ConnectCause::kRejected);
  EXPECT_EQ(session.error.http_status, 404);
}

// Starts an echo server of another project, and returns its URL.
std::string started(Subprocess& process) {
  const auto line = process.wait_for_line("^listening [0-9]+$");
  EXPECT_TRUE(line) << process.output();
  return line ? "ws://127.0.0.1:" + line->substr(10) + "/" : "";
}

// Both close handshakes, compression with and without context takeover, a Ping and a subprotocol.
void expect_to_talk_with(const Tool& tool, const std::string& script) {
  Subprocess process(tool.with({client_script(script)}));
  const std::string url = started(process);
  ASSERT_NE(url, "");
  expect_echoes(url, wsd::DeflateMode::kOff, "");
  EXPECT_TRUE(process.wait_for_line("^pong ")) << process.output();
  EXPECT_TRUE(process.wait_for_line("^closed 1000 bye$")) << process.output();
  expect_echoes(url, wsd::DeflateMode::kNoContextTakeover, "close", {.subprotocols = {"a", "b"}},
                "b");
  EXPECT_TRUE(process.wait_for_line("^closed 4000 ")) << process.output();
  if (!wsd::deflate_library().empty()) {
    expect_echoes(url, wsd::DeflateMode::kContextTakeover, "");
  }
}

TEST(ForeignServers, NodeTalksWithTheClient) {
  E2E_REQUIRE(node_with_ws());
  expect_to_talk_with(node_with_ws(), "echo_server.cjs");
}

TEST(ForeignServers, PythonTalksWithTheClient) {
  E2E_REQUIRE(python_with_websockets());
  expect_to_talk_with(python_with_websockets(), "echo_server.py");
}

TEST(Examples, Client) {
  Tool program = example("client");
  E2E_REQUIRE(program);
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  const Output output = run(program.with({url_of(server, "/echo"), "hello", "again"}));
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_EQ(output.out, "hello\nagain\n");
  const Output rejected = run(program.with({url_of(server, "/nothing"), "hello"}));
  EXPECT_EQ(rejected.status.code, 1);
  EXPECT_NE(rejected.err.find("404 Not Found"), std::string::npos) << rejected.all();
}

}  // namespace
}  // namespace e2e
