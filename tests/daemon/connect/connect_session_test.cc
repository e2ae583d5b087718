#include "daemon/connect/connect_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

// A session with what it has given out so far.
struct Driver {
  ConnectCommand command = {};
  bool terminal = false;
  ConnectSession session{command, terminal};
  std::vector<std::string> sent = {};
  bool closed = false;
  std::string text = {};
  std::vector<std::string> notes = {};

  explicit Driver(ConnectCommand of = {}, bool on_terminal = false)
      : command(std::move(of)), terminal(on_terminal) {}

  Driver& open(const std::string& subprotocol = "") {
    session.opened(subprotocol, 0);
    return take();
  }
  Driver& input(const std::string& bytes) {
    session.input(bytes);
    return take();
  }
  Driver& end_input(std::uint64_t now_ms = 0) {
    session.input_ended(now_ms);
    return take();
  }
  Driver& receive(MessageType type, const std::string& payload, std::uint64_t now_ms = 0) {
    session.received(type, payload, now_ms);
    return take();
  }
  Driver& take() {
    ConnectSession::Output output = session.take();
    for (auto& message : output.messages) sent.push_back(std::move(message.payload));
    closed = closed || output.close.has_value();
    text += output.text;
    notes.insert(notes.end(), output.notes.begin(), output.notes.end());
    return *this;
  }
};

using Lines = std::vector<std::string>;

TEST(ConnectSession, EachLineIsAMessage_HoweverTheInputIsDivided) {
  const std::string input = "one\n\nthree \r\nfour";
  for (std::size_t split = 0; split <= input.size(); ++split) {
    Driver run;
    run.open().input(input.substr(0, split)).input(input.substr(split)).end_input();
    EXPECT_EQ(run.sent, (Lines{"one", "", "three \r", "four"})) << split;
    EXPECT_TRUE(run.closed);
  }
}

TEST(ConnectSession, InputWaitsForTheConnection) {
  Driver run;
  EXPECT_FALSE(run.session.wants_input(0));
  run.open();
  EXPECT_TRUE(run.session.wants_input(0));
  EXPECT_TRUE(run.session.wants_input(ConnectSession::kQueueMark));
  EXPECT_FALSE(run.session.wants_input(ConnectSession::kQueueMark + 1)) << "back-pressure";
  run.end_input();
  EXPECT_FALSE(run.session.wants_input(0));
}

TEST(ConnectSession, NoInput_LeavesTheInputAlone) {
  Driver run({.no_input = true});
  run.open();
  EXPECT_FALSE(run.session.wants_input(0));
  EXPECT_FALSE(run.closed);
}

TEST(ConnectSession, LineBeyondTheLimit_ClosesWithStatus1) {
  Driver fits({.max_message_bytes = 4});
  fits.open().input("1234\n");
  EXPECT_EQ(fits.sent, Lines{"1234"});
  for (const std::string line : {"12345\n", "12345"}) {
    Driver run({.max_message_bytes = 4});
    run.open().input("ok\n" + line).input("more\n");
    EXPECT_EQ(run.sent, Lines{"ok"});
    EXPECT_TRUE(run.closed);
    ASSERT_EQ(run.notes.size(), 2U);
    EXPECT_EQ(run.notes[1], "line 2 of the input exceeds --max-message 4: raise it");
    run.session.ended({.cause = CloseCause::kApplicationClosed, .clean = true});
    EXPECT_EQ(run.session.exit_status(), 1);
  }
}

TEST(ConnectSession, LineThatIsNotUtf8_ClosesWithStatus1) {
  Driver run;
  run.open().input("\xff\n");
  EXPECT_TRUE(run.sent.empty());
  EXPECT_TRUE(run.closed);
  EXPECT_EQ(run.notes.back(), "line 1 of the input is not UTF-8: send the input with --binary");
}

TEST(ConnectSession, Binary_SendsPiecesAndPrintsBytes) {
  Driver run({.binary = true, .max_message_bytes = 4});
  run.open().input(
      "a\nb\xff"
      "c");
  EXPECT_EQ(run.sent, (Lines{"a\nb\xff", "c"}));
  run.receive(MessageType::kBinary, std::string("\0\xff", 2)).receive(MessageType::kText, "x");
  EXPECT_EQ(run.text, std::string("\0\xffx", 3));
}

TEST(ConnectSession, MessagesArePrintedAsLines) {
  Driver run;
  run.open().receive(MessageType::kText, "a\x1b[2J").receive(MessageType::kBinary, "\xff");
  EXPECT_EQ(run.text, "a\x1b[2J\n/w==\n");
  Driver on_terminal({}, true);
  on_terminal.open().receive(MessageType::kText, "a\x1b[2J\tb\x7f");
  EXPECT_EQ(on_terminal.text, "a\\x1b[2J\tb\\x7f\n");
  Driver beyond_ascii({}, true);
  beyond_ascii.open().receive(MessageType::kText,
                              "\xc2\x9b"
                              "1m \xc3\xa9 \xc2\xa0");
  EXPECT_EQ(beyond_ascii.text,
            "\\xc2\\x9b"
            "1m \xc3\xa9 \xc2\xa0\n");
}

TEST(ConnectSession, Json_PrintsOneObjectForEachEvent) {
  Driver run({.url = "ws://a/", .json = true});
  run.open("chat").receive(MessageType::kText, "a\"\n").receive(MessageType::kBinary, "\xff");
  run.session.ended({.cause = CloseCause::kPeerClosed,
                     .sent = CloseCode::kNormalClosure,
                     .received = static_cast<CloseCode>(4001),
                     .reason = "why",
                     .clean = true});
  run.take();
  EXPECT_EQ(run.text,
            "{\"event\":\"open\",\"url\":\"ws://a/\",\"subprotocol\":\"chat\"}\n"
            "{\"event\":\"message\",\"text\":\"a\\\"\\u000a\"}\n"
            "{\"event\":\"message\",\"base64\":\"/w==\"}\n"
            "{\"event\":\"close\",\"code\":4001,\"reason\":\"why\",\"cause\":\"peer_closed\","
            "\"clean\":true}\n");
  Driver refused({.json = true});
  refused.session.failed("rejected", 403, "no");
  refused.take();
  EXPECT_EQ(refused.text,
            "{\"event\":\"error\",\"cause\":\"rejected\",\"status\":403,\"text\":\"no\"}\n");
}

TEST(ConnectSession, Json_HasThePositionsOfARoom) {
  Driver run({.json = true});
  run.open("ws+meta.nchan");
  run.text.clear();
  run.receive(MessageType::kText, "id: 7:9\n\nid: 1\n\nx")
      .receive(MessageType::kText, "id: 7:10\ncontent-type: application/vnd.wsd.gap\n\n")
      .receive(MessageType::kText, "no head");
  EXPECT_EQ(run.text,
            "{\"event\":\"message\",\"id\":\"7:9\",\"text\":\"id: 1\\u000a\\u000ax\"}\n"
            "{\"event\":\"message\",\"id\":\"7:10\",\"content_type\":\"application/vnd.wsd.gap\","
            "\"text\":\"\"}\n"
            "{\"event\":\"message\",\"text\":\"no head\"}\n");
}

TEST(ConnectSession, Messages_ClosesAfterThatMany) {
  Driver run({.messages = 2});
  run.open().input("a\n").end_input();
  EXPECT_FALSE(run.closed) << "the end of the input does not close";
  run.receive(MessageType::kText, "1");
  EXPECT_FALSE(run.closed);
  run.receive(MessageType::kText, "2");
  EXPECT_TRUE(run.closed);
  run.receive(MessageType::kText, "3");
  EXPECT_EQ(run.text, "1\n2\n");
}

TEST(ConnectSession, Wait_ClosesAfterSilence) {
  Driver run({.wait_ms = 100});
  run.open();
  EXPECT_EQ(run.session.deadline_ms(), std::nullopt);
  run.end_input(1'000);
  EXPECT_EQ(run.session.deadline_ms(), 1'100U);
  run.receive(MessageType::kText, "1", 1'090);
  run.session.tick(1'189);
  EXPECT_FALSE(run.take().closed);
  run.session.tick(1'190);
  EXPECT_TRUE(run.take().closed);
  EXPECT_EQ(run.session.deadline_ms(), std::nullopt);
}

TEST(ConnectSession, InputThatEndsEarly_ClosesOnceTheConnectionIsOpen) {
  Driver run;
  run.end_input();
  EXPECT_FALSE(run.closed);
  run.open();
  EXPECT_TRUE(run.closed);
}

TEST(ConnectSession, Interrupt_ClosesOrGivesUp) {
  Driver open;
  open.open();
  open.session.interrupted();
  EXPECT_TRUE(open.take().closed);
  EXPECT_FALSE(open.session.finished());
  Driver connecting;
  connecting.session.interrupted();
  EXPECT_TRUE(connecting.session.finished());
  EXPECT_EQ(connecting.session.exit_status(), 130);
}

TEST(ConnectSession, OutputThatFails_ClosesWithStatus1) {
  Driver run;
  run.open();
  run.session.output_failed();
  EXPECT_TRUE(run.take().closed);
  EXPECT_EQ(run.notes.back(), "cannot write to standard output");
  run.session.ended({.cause = CloseCause::kApplicationClosed, .clean = true});
  EXPECT_EQ(run.session.exit_status(), 1);
}

TEST(ConnectSession, NoConnection_HasStatus69) {
  Driver run;
  run.session.failed("unreachable", 0, "no server");
  EXPECT_EQ(run.take().notes, Lines{"no server"});
  EXPECT_TRUE(run.session.finished());
  EXPECT_EQ(run.session.exit_status(), 69);
}

ConnectionEnd by_server(int code) {
  return {.cause = CloseCause::kPeerClosed,
          .sent = CloseCode::kNormalClosure,
          .received = static_cast<CloseCode>(code),
          .reason = {},
          .clean = true};
}

TEST(ConnectSession, ExitStatusFollowsTheCloseCode) {
  for (const int code : {1000, 1001, 1005}) EXPECT_EQ(connect_status(by_server(code)), 0) << code;
  for (int code = 1007; code <= 1014; ++code) {
    EXPECT_EQ(connect_status(by_server(code)), code - 900);
  }
  EXPECT_EQ(connect_status(by_server(1002)), 102);
  EXPECT_EQ(connect_status(by_server(3000)), 120);
  EXPECT_EQ(connect_status(by_server(3999)), 120);
  EXPECT_EQ(connect_status(by_server(4000)), 121);
  EXPECT_EQ(connect_status(by_server(4999)), 121);
  // We closed: only whether the server has answered counts.
  EXPECT_EQ(connect_status({.cause = CloseCause::kApplicationClosed,
                            .sent = static_cast<CloseCode>(4000),
                            .received = static_cast<CloseCode>(4000),
                            .reason = {},
                            .clean = true}),
            0);
  EXPECT_EQ(connect_status({.cause = CloseCause::kApplicationClosed, .reason = {}}), 1);
  EXPECT_EQ(connect_status({.cause = CloseCause::kEof, .reason = {}}), 1);
  EXPECT_EQ(connect_status({.cause = CloseCause::kReset, .reason = {}}), 1);
  // The server has violated the protocol, and we have failed the connection.
  EXPECT_EQ(
      connect_status(
          {.cause = CloseCause::kProtocolError, .sent = CloseCode::kProtocolError, .reason = {}}),
      102);
}

TEST(ConnectSession, Slash_RunsCommands) {
  Driver run({.slash = true});
  run.open().input("a\n/ping b\n//c\n/d\n");
  EXPECT_EQ(run.sent, (Lines{"a", "b", "/c"}));
  ASSERT_EQ(run.notes.size(), 2U);
  EXPECT_EQ(run.notes[1].substr(0, 24), "line 4 of the input: \"/d");
  EXPECT_FALSE(run.closed);
  run.session.pong("b");
  EXPECT_EQ(run.take().notes.back(), "pong \"b\"");
  run.session.input("/close 4001 bye\nlater\n");
  const ConnectSession::Output output = run.session.take();
  ASSERT_TRUE(output.close.has_value());
  EXPECT_EQ(output.close->code, CloseCode{4001});
  EXPECT_EQ(output.close->reason, "bye");
  EXPECT_TRUE(output.messages.empty());
}

TEST(ConnectSession, WithoutSlash_LinesAreMessages) {
  Driver run;
  run.open().input("/ping\n//\n");
  EXPECT_EQ(run.sent, (Lines{"/ping", "//"}));
}

TEST(ConnectSession, PongWithoutSlash_IsNotReported) {
  Driver run({.json = true});
  run.open();
  run.text.clear();
  run.session.pong("b");
  EXPECT_EQ(run.take().text, "");
}

TEST(ConnectSession, Pong_IsAnEventInJson) {
  Driver run({.json = true, .slash = true});
  run.open();
  run.text.clear();
  run.session.pong("b");
  run.session.pong("\xff");
  EXPECT_EQ(run.take().text,
            "{\"event\":\"pong\",\"text\":\"b\"}\n{\"event\":\"pong\",\"base64\":\"/w==\"}\n");
}

}  // namespace
}  // namespace wsd::daemon
