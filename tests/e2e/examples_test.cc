// The programs in docs/examples stream, decide handshakes later, keep strangers out, and end in an
// orderly way.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <string>

#include "support/expect.h"
#include "support/patience.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

TEST(FileExample, StreamsToASlowReaderInBoundedMemory) {
  constexpr std::size_t kFileBytes = std::size_t{48} << 20;
  constexpr int kReceiveBuffer = 8'192;
  Tool program = example("file");
  E2E_REQUIRE(program);
  const TemporaryDirectory directory;
  std::string content(kFileBytes, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) {
    content[i] = static_cast<char>(i * 2'654'435'761U >> 24);
  }
  const std::string path = directory.write("large", content);
  ServerProcess server(program.with({path, "127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect(kReceiveBuffer);
  ASSERT_TRUE(opens(client, "/"));
  const std::size_t before = server.resident_kib();
  std::size_t most = before;
  std::size_t received = 0;
  for (int frames = 0; received < kFileBytes; ++frames) {
    const auto frame = client.read_frame();
    ASSERT_TRUE(frame.has_value()) << received;
    ASSERT_EQ(frame->opcode, kBinary) << received;
    ASSERT_EQ(content.compare(received, frame->payload.size(), frame->payload), 0) << received;
    received += frame->payload.size();
    // The client has not read the rest, so what the server holds of it is in its queue.
    if (frames % 64 == 0) most = std::max(most, server.resident_kib());
  }
  EXPECT_TRUE(receives_text(client, "end"));
  // The queue has at most 256 KiB and a message. A sanitizer's allocator keeps freed memory.
  if (!sanitized()) {
    EXPECT_LT(most - before, std::size_t{4} * 1'024);
  }
}

TEST(FileExample, MissingFile_IsRejected) {
  Tool program = example("file");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"/nowhere", "127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  client.send(RequestText::upgrade("/").text());
  EXPECT_TRUE(is_refused(client, {404}));
}

TEST(PresenceExample, TellsOfJoinsAndLeaves) {
  Tool program = example("presence");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(opens(ann, "/ann"));
  // The list and the message of the own join come in either order.
  const auto first = ann.read_frame();
  const auto second = ann.read_frame();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(first->payload == "+ ann" || second->payload == "+ ann");
  {
    RawClient bob = server.connect();
    ASSERT_TRUE(opens(bob, "/bob"));
    EXPECT_TRUE(receives_text(ann, "+ bob"));
  }
  EXPECT_TRUE(receives_text(ann, "- bob"));
  RawClient eve = server.connect();
  ASSERT_TRUE(opens(eve, "/" + std::string(257, 'x')));
  EXPECT_TRUE(is_closed_with(eve, 1008));
}

TEST(LookupExample, DecidesLater) {
  Tool program = example("lookup");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient ann = server.connect();
  ASSERT_TRUE(opens(ann, "/?ann"));
  ann.send(text_frame("bob"));
  EXPECT_TRUE(receives_text(ann, "ann: known"));
  ann.send(text_frame("eve"));
  EXPECT_TRUE(receives_text(ann, "ann: unknown"));
  ann.send(text_frame("ping"));
  EXPECT_TRUE(receives(ann, kPing, "example"));
  ann.send(pong_frame("example"));
  EXPECT_TRUE(receives_text(ann, "pong"));
  RawClient eve = server.connect();
  eve.send(RequestText::upgrade("/?eve").text());
  EXPECT_TRUE(is_refused(eve, {403}));
  EXPECT_TRUE(closes_normally(ann));
  // The first bytes of the next protocol may come with the request, before the verdict.
  RawClient early = server.connect();
  early.send(RequestText::upgrade("/?bob").text() + text_frame("ann"));
  EXPECT_TRUE(early.read_response().has_value());
  EXPECT_TRUE(receives_text(early, "bob: known"));
}

TEST(Examples, Signal_ClosesEachClientWith1001) {
  for (const int number : {SIGTERM, SIGINT}) {
    Tool program = example("echo");
    E2E_REQUIRE(program);
    ServerProcess server(program.with({"127.0.0.1:0"}));
    ASSERT_TRUE(server.listening());
    RawClient client = server.connect();
    ASSERT_TRUE(opens(client));
    server.signal(number);
    EXPECT_TRUE(is_closed_with(client, 1001));
    const auto status = server.wait_exit();
    ASSERT_TRUE(status);
    EXPECT_EQ(status->code, 0);
  }
}

TEST(Examples, SecondSignal_EndsAtOnce) {
  Tool program = example("echo");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_TRUE(opens(client));
  server.signal(SIGTERM);
  // The Close frame shows that the first signal has taken effect. The client does not answer it.
  const auto frame = client.read_frame();
  ASSERT_TRUE(frame);
  server.signal(SIGTERM);
  const auto status = server.wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->signal, SIGTERM);
}

TEST(Examples, SignIn) {
  Tool program = example("sign_in");
  E2E_REQUIRE(program);
  ServerProcess server(program.with({"127.0.0.1:0"}));
  ASSERT_TRUE(server.listening());

  RawClient stranger = server.connect();
  stranger.send(RequestText::upgrade("/rooms/team/a").text());
  EXPECT_TRUE(is_refused(stranger, {401}));

  RawClient page = server.connect();
  page.send("POST /sign-in?user=ann+b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  const auto response = page.read_response();
  ASSERT_TRUE(response);
  ASSERT_EQ(200, response->status);
  std::string cookie(response->get("Set-Cookie"));
  cookie.resize(cookie.find(';'));

  RawClient ann = server.connect();
  ann.send(RequestText::upgrade("/rooms/team/a").set("Cookie", "theme=dark; " + cookie).text());
  ASSERT_TRUE(is_upgraded(ann));
  ann.send(text_frame("hello"));
  EXPECT_TRUE(receives_text(ann, "ann b: hello"));
  ann.send(text_frame(std::string(5'000, 'x')));
  EXPECT_TRUE(is_ended_with(ann, 1009));
  EXPECT_TRUE(server.ends_cleanly());
}

}  // namespace
}  // namespace e2e
