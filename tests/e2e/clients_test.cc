// Clients of other projects: npm ws, Python websockets and curl. And the example programs.

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

std::string address_of(const ServerProcess& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

std::string ws_url(const ServerProcess& server, const std::string& path) {
  return "ws://" + address_of(server) + path;
}

std::string http_url(const ServerProcess& server, const std::string& path) {
  return "http://" + address_of(server) + path;
}

Command node_client(const std::vector<std::string>& arguments) {
  Command command = node_with_ws().with({client_script("ws_client.cjs")});
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

Command python_client(const std::vector<std::string>& arguments) {
  Command command = python_with_websockets().with({client_script("websockets_client.py")});
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

// Each script has its own shorter limit, so that it can report the event that it waited for.
constexpr auto kScriptPatience = std::chrono::seconds(60);

void expect_success(const Command& command) {
  const Output output = run(command, kScriptPatience);
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok "), std::string::npos) << output.all();
}

void expect_success(Subprocess& process) {
  const auto status = process.wait_exit(kScriptPatience);
  ASSERT_TRUE(status) << process.output();
  EXPECT_EQ(status->code, 0) << process.output();
}

TEST(ForeignClients, NodeEcho) {
  E2E_REQUIRE(node_with_ws());
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  expect_success(node_client({"echo", ws_url(server, "/echo")}));
}

TEST(ForeignClients, PythonEcho) {
  E2E_REQUIRE(python_with_websockets());
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  expect_success(python_client({"echo", ws_url(server, "/echo")}));
}

TEST(ForeignClients, NodeAndPythonTalkInARoom) {
  E2E_REQUIRE(node_with_ws());
  E2E_REQUIRE(python_with_websockets());
  ServerProcess server({"--reactors", "2"});
  ASSERT_TRUE(server.listening());
  const std::string url = ws_url(server, "/rooms/caf%C3%A9");
  Subprocess node(node_client({"chat", url, "node", "python"}));
  ASSERT_TRUE(node.wait_for_line("joined", 0, kScriptPatience)) << node.output();
  Subprocess python(python_client({"chat", url, "python", "node"}));
  expect_success(node);
  expect_success(python);
}

TEST(ForeignClients, EachSees1001OnSigterm) {
  E2E_REQUIRE(node_with_ws());
  E2E_REQUIRE(python_with_websockets());
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  Subprocess node(node_client({"wait", ws_url(server, "/echo")}));
  Subprocess python(python_client({"wait", ws_url(server, "/rooms/a")}));
  for (Subprocess* client : {&node, &python}) {
    ASSERT_TRUE(client->wait_for_line("^open$", 0, kScriptPatience)) << client->output();
  }
  EXPECT_TRUE(server.ends_cleanly()) << server.process().output();
  for (Subprocess* client : {&node, &python}) {
    EXPECT_TRUE(client->wait_for_line("^closed 1001$", 0, kScriptPatience)) << client->output();
    expect_success(*client);
  }
}

class ForeignCurl : public SharedServer {
 protected:
  // Returns the status line, header fields and body of GET `path`.
  static std::string fetch(const std::string& path, const std::vector<std::string>& more = {}) {
    Command command = curl().with({"--include", http_url(server(), path)});
    command.argv.insert(command.argv.end(), more.begin(), more.end());
    const Output output = run(command);
    EXPECT_EQ(output.status.code, 0) << output.all();
    return output.out;
  }
};

TEST_F(ForeignCurl, Health) {
  E2E_REQUIRE(curl());
  const std::string answer = fetch("/healthz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  const std::string head = fetch("/healthz", {"--head"});
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
}

TEST_F(ForeignCurl, Page) {
  E2E_REQUIRE(curl());
  const std::string answer = fetch("/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("text/html"), std::string::npos) << answer;
  EXPECT_NE(answer.find("</html>"), std::string::npos) << answer;
}

TEST_F(ForeignCurl, SeveralUrlsOnOneConnection) {
  E2E_REQUIRE(curl());
  const Output output = run(
      curl().with({"--write-out", "%{http_code} %{num_connects}\n", "--output", "/dev/null",
                   http_url(server(), "/healthz"), "--output", "/dev/null", http_url(server(), "/"),
                   "--output", "/dev/null", http_url(server(), "/healthz")}));
  EXPECT_EQ(output.out, "200 1\n200 0\n200 0\n") << output.all();
}

TEST_F(ForeignCurl, WebSocketPathAsksForAnUpgrade) {
  E2E_REQUIRE(curl());
  const std::string answer = fetch("/echo");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426 ")) << answer;
}

TEST_F(ForeignCurl, HandMadeUpgradeGets101) {
  E2E_REQUIRE(curl());
  Subprocess process(
      curl().with({"--dump-header", "-", "--no-buffer", "--http1.1", "--header",
                   "Connection: Upgrade", "--header", "Upgrade: websocket", "--header",
                   "Sec-WebSocket-Key: " + std::string(kSampleKey), "--header",
                   "Sec-WebSocket-Version: 13", http_url(server(), "/echo")}));
  EXPECT_TRUE(process.wait_for_line("^HTTP/1.1 101 ")) << process.output();
  EXPECT_TRUE(process.wait_for_line("^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\\+xOo=$"))
      << process.output();
}

TEST(Examples, Echo) {
  Tool program = example("echo");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(echoes(client));
  EXPECT_TRUE(closes_normally(client));
}

TEST(Examples, Chat) {
  Tool program = example("chat");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(opens(ann, "/rooms/lobby?user=ann"));
  EXPECT_TRUE(receives_text(ann, "ann joined"));
  RawClient bob = server.connect();
  ASSERT_TRUE(opens(bob, "/rooms/lobby?user=bob"));
  EXPECT_TRUE(receives_text(ann, "bob joined"));
  EXPECT_TRUE(receives_text(bob, "bob joined"));
  ann.send(text_frame("hello"));
  EXPECT_TRUE(receives_text(ann, "ann: hello"));
  EXPECT_TRUE(receives_text(bob, "ann: hello"));
  EXPECT_TRUE(closes_normally(bob));
  EXPECT_TRUE(receives_text(ann, "bob left"));
  RawClient nobody = server.connect();
  nobody.send(RequestText::upgrade("/rooms/lobby").text());
  EXPECT_TRUE(is_refused(nobody, {400}));
}

TEST(Examples, Cursors_MessageDoesNotComeBack) {
  Tool program = example("cursors");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  RawClient bob = server.connect();
  ASSERT_TRUE(opens(ann, "/cursors"));
  ASSERT_TRUE(opens(bob, "/cursors"));
  ann.send(text_frame("ann 1,1"));
  EXPECT_TRUE(receives_text(bob, "ann 1,1"));
  bob.send(text_frame("bob 2,2"));
  EXPECT_TRUE(receives_text(ann, "bob 2,2")) << "and not its own message";
  EXPECT_TRUE(closes_normally(bob));
}

}  // namespace
}  // namespace e2e
