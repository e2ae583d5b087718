// Frames and messages (RFC 6455 §5 to §8) on an echo. Each row is one connection, with the close
// code that must end it or the messages that must come back.

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

struct BadRow {
  std::string name;
  std::string bytes;
  unsigned code;
};

void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }

class BadFrames : public SharedServer, public ::testing::WithParamInterface<BadRow> {};

TEST_P(BadFrames, EndTheConnection) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(GetParam().bytes);
  EXPECT_TRUE(is_ended_with(client, GetParam().code));
}

TEST_P(BadFrames, EndTheConnectionInAnyCut) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send_in_pieces(GetParam().bytes, 1);
  EXPECT_TRUE(is_ended_with(client, GetParam().code));
}

// Messages that were complete before the violation are delivered. Nothing after it is.
TEST_P(BadFrames, LeaveWholeMessagesBeforeThem) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("before") + GetParam().bytes + text_frame("after"));
  EXPECT_TRUE(receives_text(client, "before"));
  EXPECT_TRUE(is_ended_with(client, GetParam().code));
}

std::string bad_name(const ::testing::TestParamInfo<BadRow>& info) { return info.param.name; }

std::vector<BadRow> header_rows() {
  std::vector<BadRow> rows{
      {"UnmaskedText", frame({.payload = "hello", .mask = false}), 1002},
      {"UnmaskedEmptyText", frame({.mask = false}), 1002},
      {"UnmaskedPing", frame({.opcode = kPing, .payload = "hello", .mask = false}), 1002},
      {"UnmaskedClose", frame({.opcode = kClose, .payload = close_payload(1000), .mask = false}),
       1002},
      {"Rsv1", frame({.payload = "hello", .rsv = 4}), 1002},
      {"Rsv2", frame({.payload = "hello", .rsv = 2}), 1002},
      {"Rsv3", frame({.payload = "hello", .rsv = 1}), 1002},
      {"Rsv1OnPing", frame({.opcode = kPing, .rsv = 4}), 1002},
      {"Rsv1OnContinuation",
       text_frame("a", false) + frame({.opcode = kContinuation, .payload = "b", .rsv = 4}), 1002},
      {"FragmentedPing", frame({.opcode = kPing, .payload = "a", .fin = false}), 1002},
      {"FragmentedPong", frame({.opcode = kPong, .payload = "a", .fin = false}), 1002},
      {"FragmentedClose", frame({.opcode = kClose, .payload = close_payload(1000), .fin = false}),
       1002},
      {"LongPing", ping_frame(std::string(126, 'p')), 1002},
      {"LongPong", pong_frame(std::string(126, 'p')), 1002},
      {"LongClose", close_frame(1000, std::string(124, 'r')), 1002},
      {"PingLengthIn16Bits", frame({.opcode = kPing, .payload = "p", .form = LengthForm::k16}),
       1002},
      {"Length125In16Bits", frame({.payload = std::string(125, 'a'), .form = LengthForm::k16}),
       1002},
      {"Length0In16Bits", frame({.form = LengthForm::k16}), 1002},
      {"Length65535In64Bits",
       frame({.opcode = kBinary, .payload = std::string(65535, 'a'), .form = LengthForm::k64}),
       1002},
      {"Length5In64Bits", frame({.payload = "hello", .form = LengthForm::k64}), 1002},
      {"LengthTopBit",
       frame(
           {.opcode = kBinary, .form = LengthForm::k64, .claimed_length = std::uint64_t{1} << 63}),
       1002},
      {"LengthTwoTo64Less4",
       frame({.opcode = kBinary, .form = LengthForm::k64, .claimed_length = ~std::uint64_t{3}}),
       1002},
      {"LengthTwoTo63Less1",
       frame(
           {.opcode = kBinary, .form = LengthForm::k64, .claimed_length = ~std::uint64_t{0} >> 1}),
       1009},
      {"Length1GiB", frame({.opcode = kBinary, .claimed_length = std::uint64_t{1} << 30}), 1009},
      {"ContinuationFirst", continuation_frame("hello", true), 1002},
      {"ContinuationFirstWithoutFin", continuation_frame("hello", false), 1002},
      {"TextInsideText", text_frame("a", false) + text_frame("b"), 1002},
      {"BinaryInsideText", text_frame("a", false) + binary_frame("b", false), 1002},
      {"HttpRequest", RequestText::get("/").text(), 1002},
  };
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    rows.push_back({"Opcode" + std::to_string(opcode), frame({.opcode = opcode}), 1002});
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Header, BadFrames, ::testing::ValuesIn(header_rows()), bad_name);

std::vector<BadRow> text_rows() {
  const auto text = [](std::string_view bytes) {
    return text_frame(std::string("ok ") + std::string(bytes));
  };
  return {
      {"Overlong", text("\xc0\x80"), 1007},
      {"Overlong3", text("\xe0\x80\x80"), 1007},
      {"Overlong4", text("\xf0\x80\x80\x80"), 1007},
      {"Surrogate", text("\xed\xa0\x80"), 1007},
      {"AboveUnicode", text("\xf4\x90\x80\x80"), 1007},
      {"ByteFf", text("\xff"), 1007},
      {"LoneContinuation", text("\x80"), 1007},
      {"FiveBytes", text("\xf8\x88\x80\x80\x80"), 1007},
      {"CutAtTheEnd", text("\xe2\x82"), 1007},
      {"CutAtTheEndOfTheLastFragment",
       text_frame("a\xe2", false) + continuation_frame("\x82", true), 1007},
      {"NewCharacterInsideOne", text_frame("\xe2", false) + continuation_frame("a", true), 1007},
      // Fail-fast: the server waits neither for FIN nor for the rest of the fragment.
      {"BadSecondFragment", text_frame("good", false) + continuation_frame("\xff", false), 1007},
      {"BadStartOfALongFragment", frame({.payload = "\xff", .claimed_length = 1000000}), 1007},
      {"BadCloseReason", close_frame(1000, "\xc3("), 1007},
      {"CutCloseReason", close_frame(1000, "\xe2\x82"), 1007},
  };
}

INSTANTIATE_TEST_SUITE_P(Text, BadFrames, ::testing::ValuesIn(text_rows()), bad_name);

std::vector<BadRow> close_rows() {
  std::vector<BadRow> rows{
      {"OneByte", frame({.opcode = kClose, .payload = "\x03"}), 1002},
  };
  for (const unsigned code :
       {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U}) {
    rows.push_back({"Code" + std::to_string(code), close_frame(code), 1002});
  }
  for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 1012U,
                              1013U, 1014U, 3000U, 3999U, 4000U, 4999U}) {
    rows.push_back({"Code" + std::to_string(code) + "IsEchoed", close_frame(code, "bye"), code});
  }
  rows.push_back({"LongestReason", close_frame(1000, std::string(123, 'r')), 1000});
  rows.push_back({"InsideAMessage", text_frame("partial", false) + close_frame(1001), 1001});
  rows.push_back({"BeforeMore", close_frame(1001) + ping_frame("x") + close_frame(1000), 1001});
  rows.push_back({"BeforeNonsense", close_frame(4000) + "\xff\xff\xff\xff", 4000});
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Close, BadFrames, ::testing::ValuesIn(close_rows()), bad_name);

struct EchoRow {
  std::string name;
  std::string bytes;
  std::vector<std::pair<int, std::string>> messages;
  std::vector<std::string> pongs = {};
};

void PrintTo(const EchoRow& row, std::ostream* out) { *out << row.name; }

class GoodFrames : public SharedServer, public ::testing::WithParamInterface<EchoRow> {
 protected:
  // Messages and Pongs each come in order. A Pong may overtake messages or come after them.
  static void expect_echo(RawClient& client) {
    std::vector<std::pair<int, std::string>> messages;
    std::vector<std::string> pongs;
    while (messages.size() < GetParam().messages.size() || pongs.size() < GetParam().pongs.size()) {
      auto frame = client.read_frame();
      ASSERT_TRUE(frame) << end_name(client.end());
      ASSERT_TRUE(frame->fin && frame->rsv == 0 && !frame->masked) << frame->describe();
      if (frame->opcode == kPong) {
        pongs.push_back(frame->payload);
      } else {
        messages.emplace_back(frame->opcode, frame->payload);
      }
    }
    EXPECT_EQ(messages, GetParam().messages);
    EXPECT_EQ(pongs, GetParam().pongs);
    EXPECT_TRUE(echoes(client));
    EXPECT_TRUE(closes_normally(client));
  }
};

TEST_P(GoodFrames, AreEchoed) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(GetParam().bytes);
  expect_echo(client);
}

TEST_P(GoodFrames, AreEchoedWhenEachByteIsASegment) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  // Pieces of an odd size split large frames at every kind of position, in an acceptable time.
  client.send_in_pieces(GetParam().bytes, GetParam().bytes.size() < 4096 ? 1 : 1021);
  expect_echo(client);
}

std::vector<EchoRow> echo_rows() {
  const std::string long_text(70000, 't');
  return {
      {"Empty", text_frame(""), {{kText, ""}}},
      {"EmptyBinary", binary_frame(""), {{kBinary, ""}}},
      {"Text",
       text_frame("h\xc3\xa9llo \xf0\x9f\x90\x8d"),
       {{kText, "h\xc3\xa9llo \xf0\x9f\x90\x8d"}}},
      {"BinaryOfAnyBytes", binary_frame("\xff\xc0\x80"), {{kBinary, "\xff\xc0\x80"}}},
      {"Length125", text_frame(std::string(125, 'a')), {{kText, std::string(125, 'a')}}},
      {"Length126", text_frame(std::string(126, 'a')), {{kText, std::string(126, 'a')}}},
      {"Length65535", text_frame(std::string(65535, 'a')), {{kText, std::string(65535, 'a')}}},
      {"Length65536", text_frame(std::string(65536, 'a')), {{kText, std::string(65536, 'a')}}},
      {"Several",
       text_frame("1") + binary_frame("2") + text_frame("3"),
       {{kText, "1"}, {kBinary, "2"}, {kText, "3"}}},
      {"Fragments",
       text_frame("a", false) + continuation_frame("b", false) + continuation_frame("c", true),
       {{kText, "abc"}}},
      {"EmptyFragments",
       text_frame("", false) + continuation_frame("", false) + continuation_frame("", true),
       {{kText, ""}}},
      {"LargeFragments",
       binary_frame(long_text, false) + continuation_frame(long_text, true),
       {{kBinary, long_text + long_text}}},
      {"CodePointOverFragmentsAndAPing",
       text_frame("\xe2", false) + ping_frame("between") + continuation_frame("\x82\xac", true),
       {{kText, "\xe2\x82\xac"}},
       {"between"}},
      {"EmptyPing", ping_frame(), {}, {""}},
      {"LongestPing", ping_frame(std::string(125, '\xff')), {}, {std::string(125, '\xff')}},
      {"UnsolicitedPongs", pong_frame() + pong_frame("x") + text_frame("y"), {{kText, "y"}}},
      {"PongInsideAMessage",
       text_frame("a", false) + pong_frame("x") + continuation_frame("b", true),
       {{kText, "ab"}}},
  };
}

INSTANTIATE_TEST_SUITE_P(All, GoodFrames, ::testing::ValuesIn(echo_rows()),
                         [](const ::testing::TestParamInfo<EchoRow>& row) {
                           return row.param.name;
                         });

class Frames : public SharedServer {};

TEST_F(Frames, PingOfEveryLengthIsAnswered) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  for (std::size_t size = 0; size <= 125; ++size) {
    const std::string payload(size, static_cast<char>(size));
    client.send(ping_frame(payload));
    ASSERT_TRUE(receives(client, kPong, payload)) << size;
  }
}

TEST_F(Frames, EmptyCloseIsAnswered) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(frame({.opcode = kClose}));
  const auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->opcode, kClose);
  EXPECT_TRUE(answer->payload.empty() || answer->close_code() == 1000) << answer->describe();
  EXPECT_EQ(client.read_end(), End::kFin);
}

TEST_F(Frames, CloseCodesFrom5000AreRefusedOrEchoed) {
  for (const unsigned code : {5000U, 65535U}) {
    RawClient client = server().connect();
    ASSERT_TRUE(opens(client));
    client.send(close_frame(code));
    const auto answer = client.read_frame();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->opcode, kClose);
    EXPECT_TRUE(answer->close_code() == 1002 || answer->close_code() == code) << answer->describe();
    EXPECT_EQ(client.read_end(), End::kFin);
  }
}

TEST_F(Frames, ContinuationAfterAWholeMessageEndsTheConnection) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  client.send(text_frame("a", false) + continuation_frame("b", true) +
              continuation_frame("c", true));
  EXPECT_TRUE(receives_text(client, "ab"));
  EXPECT_TRUE(is_ended_with(client, 1002));
}

TEST_F(Frames, EndInTheMiddleOfAFrameDeliversNothing) {
  for (const bool reset : {false, true}) {
    RawClient client = server().connect();
    ASSERT_TRUE(opens(client));
    const std::string address = client.local_address();
    const std::string whole = text_frame("never delivered");
    client.send(whole.substr(0, whole.size() - 1));
    if (reset) {
      client.reset();
    } else {
      client.shutdown_write();
      EXPECT_EQ(client.read_end(), End::kFin);
    }
    const auto line = server().wait_for_end_of(address);
    ASSERT_TRUE(line);
    EXPECT_EQ(log_value(*line, "cause"), reset ? "reset" : "eof") << *line;
    EXPECT_EQ(log_value(*line, "messages_in"), "0") << *line;
  }
}

// RFC 6455 §7.1.1: the server ends TCP first, without waiting for the peer.
TEST_F(Frames, ServerEndsTcpAfterTheCloseExchange) {
  const std::size_t before = server().open_descriptors();
  RawClient client = server().connect();
  ASSERT_TRUE(opens(client));
  EXPECT_TRUE(closes_normally(client));
  EXPECT_TRUE(server().descriptors_return_to(before));
}

TEST_F(Frames, LogLine_ReportsTheCauseOfTheEnd) {
  RawClient client = server().connect();
  const std::string address = client.local_address();
  ASSERT_TRUE(opens(client));
  ASSERT_TRUE(echoes(client, "hello"));
  client.send(close_frame(4321, "because"));
  ASSERT_TRUE(is_ended_with(client, 4321));
  const auto line = server().wait_for_end_of(address);
  ASSERT_TRUE(line);
  EXPECT_EQ(log_value(*line, "event"), "connection_end") << *line;
  EXPECT_EQ(log_value(*line, "cause"), "peer_closed") << *line;
  EXPECT_EQ(log_value(*line, "code_received"), "4321") << *line;
  EXPECT_EQ(log_value(*line, "messages_in"), "1") << *line;
  EXPECT_EQ(log_value(*line, "messages_out"), "1") << *line;
  EXPECT_NE(log_value(*line, "id"), "") << *line;
  EXPECT_NE(log_value(*line, "duration_ms"), "") << *line;
}

}  // namespace
}  // namespace e2e
