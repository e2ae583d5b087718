// permessage-deflate (RFC 7692) on the wire. The compressed bytes come from its §7.2.3 or from
// zlib, never from the server's codec.
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "support/expect.h"
#include "support/patience.h"
#include "support/raw_client.h"
#include "support/server_process.h"
#include "support/wire.h"

namespace e2e {
namespace {

const std::string kHello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);  // §7.2.3.1
constexpr int kRsv1 = 4;

FrameSpec compressed(int opcode, std::string payload, bool fin = true) {
  FrameSpec spec;
  spec.opcode = opcode;
  spec.payload = std::move(payload);
  spec.fin = fin;
  spec.rsv = kRsv1;
  return spec;
}

// Returns raw DEFLATE as a message carries it (§7.2.1).
std::string deflated(const std::string& plain) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
  out.resize(out.size() - stream.avail_out - 4);
  deflateEnd(&stream);
  return out;
}

std::string inflated(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -15), Z_OK);
  const std::string input = bytes + std::string("\x00\x00\xff\xff", 4);
  std::string out(std::size_t{1} << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  EXPECT_TRUE(result == Z_OK || result == Z_BUF_ERROR) << result;
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

// Opens a connection that offers `offer`. Returns the extensions that the server accepted, or
// "refused" without a 101.
std::string negotiates(RawClient& client, const std::string& offer,
                       const std::string& target = "/echo") {
  client.send(RequestText::upgrade(target).set("Sec-WebSocket-Extensions", offer).text());
  const auto response = client.read_response();
  if (!response || response->status != 101) return "refused";
  return response->get("Sec-WebSocket-Extensions");
}

testing::AssertionResult opens_compressed(RawClient& client, const std::string& target = "/echo") {
  const std::string agreed = negotiates(client, "permessage-deflate", target);
  if (agreed.starts_with("permessage-deflate")) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "agreed on '" << agreed << "'";
}

class Compressed : public SharedServer {};

TEST_F(Compressed, Rfc7692_5_ServerAgreesAndEchoes) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  client.send(frame(compressed(kText, kHello)));
  EXPECT_TRUE(receives_text(client, "Hello")) << "small: it need not be compressed";
  const std::string large(5000, 'x');
  client.send(frame(compressed(kText, deflated(large))));
  const auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rsv, kRsv1) << answer->describe();
  EXPECT_LT(answer->payload.size(), large.size() / 10);
  EXPECT_EQ(inflated(answer->payload), large);
  EXPECT_TRUE(closes_normally(client));
}

TEST_F(Compressed, Rfc7692_6_PlainMessagesAreStillAllowed) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  EXPECT_TRUE(echoes(client, "plain"));
  EXPECT_TRUE(closes_normally(client));
}

TEST_F(Compressed, Rfc7692_6_2_FragmentsWithAPingBetween) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  client.send(frame(compressed(kText, kHello.substr(0, 3), false)));
  client.send(ping_frame("between"));
  client.send(continuation_frame(kHello.substr(3), true));
  EXPECT_TRUE(receives(client, kPong, "between"));
  EXPECT_TRUE(receives_text(client, "Hello"));
  EXPECT_TRUE(closes_normally(client));
}

TEST_F(Compressed, Rfc7692_7_2_3_MessagesThatLookOdd) {
  const std::vector<std::string> forms = {
      std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11),           // stored
      std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8),                        // final block
      std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)};  // two blocks
  for (const std::string& form : forms) {
    RawClient client = server().connect();
    ASSERT_TRUE(opens_compressed(client));
    client.send(frame(compressed(kText, form)));
    EXPECT_TRUE(receives_text(client, "Hello")) << printable(form);
    client.send(frame(compressed(kBinary, std::string(1, '\0'))));
    EXPECT_TRUE(receives(client, kBinary, ""));
    EXPECT_TRUE(closes_normally(client));
  }
}

TEST_F(Compressed, Rfc7692_6_Rsv1WhereItMeansNothing) {
  struct Row {
    const char* name;
    std::string bytes;
  };
  FrameSpec continuation = compressed(kContinuation, kHello.substr(3));
  for (const Row& row :
       std::vector<Row>{{"ping", frame(compressed(kPing, ""))},
                        {"close", frame(compressed(kClose, close_payload(1000)))},
                        {"continuation", frame(compressed(kText, kHello.substr(0, 3), false)) +
                                             frame(continuation)}}) {
    RawClient client = server().connect();
    ASSERT_TRUE(opens_compressed(client));
    client.send(row.bytes);
    EXPECT_TRUE(is_ended_with(client, 1002)) << row.name;
  }
  RawClient plain = server().connect();
  ASSERT_TRUE(opens(plain));
  plain.send(frame(compressed(kText, kHello)));
  EXPECT_TRUE(is_ended_with(plain, 1002)) << "not agreed on";
}

TEST_F(Compressed, Rfc7692_7_2_2_InvalidDeflateDataFails) {
  for (const std::string& bad : {std::string("\xff\xff\xff"), std::string("\x00\x05\x00\xfa", 4)}) {
    RawClient client = server().connect();
    ASSERT_TRUE(opens_compressed(client));
    client.send(frame(compressed(kText, bad)));
    EXPECT_TRUE(is_ended_with(client, 1007)) << printable(bad);
  }
}

TEST_F(Compressed, Rfc6455_8_1_InflatedTextMustBeUtf8) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  client.send(frame(compressed(kText, deflated("\xed\xa0\x80"))));
  EXPECT_TRUE(is_ended_with(client, 1007));
}

TEST_F(Compressed, Rfc7692_7_1_1_ClientWindowIsNotKept) {
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  client.send(frame(compressed(kText, kHello)));
  EXPECT_TRUE(receives_text(client, "Hello"));
  // §7.2.3.2: the message refers to the window of the first one, which client_no_context_takeover
  // forbids.
  client.send(frame(compressed(kText, std::string("\xf2\x00\x11\x00\x00", 5))));
  EXPECT_TRUE(is_ended_with(client, 1007));
}

TEST_F(Compressed, Rfc7692_8_BombEndsIn1009WithoutItsMemory) {
  const std::string bomb = deflated(std::string(std::size_t{200} << 20, '\0'));
  ASSERT_LT(bomb.size(), std::size_t{1} << 20);
  const std::size_t before = server().resident_kib();
  RawClient client = server().connect();
  ASSERT_TRUE(opens_compressed(client));
  client.send(frame(compressed(kBinary, bomb)));
  EXPECT_TRUE(is_ended_with(client, 1009));
  // The message limit is 16 MiB. A sanitizer adds its shadow memory.
  const std::size_t slack = sanitized() ? 64 * 1024 : 1024;
  EXPECT_LT(server().resident_kib(), before + 16 * 1024 + slack);
}

TEST_F(Compressed, Rfc7692_5_OffersInOrderOfPreference) {
  struct Row {
    const char* offer;
    const char* agreed;
  };
  const std::string end = "; server_no_context_takeover; client_no_context_takeover";
  for (const Row& row : std::vector<Row>{
           {"permessage-deflate; server_max_window_bits=16, permessage-deflate", ""},
           {"permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10",
            "; server_max_window_bits=10"},
           {"permessage-deflate; server_max_window_bits=8, permessage-deflate", ""},
           {"x-other, permessage-deflate; client_max_window_bits", ""}}) {
    RawClient client = server().connect();
    EXPECT_EQ(negotiates(client, row.offer), "permessage-deflate" + end + row.agreed) << row.offer;
  }
  RawClient declined = server().connect();
  EXPECT_EQ(negotiates(declined, "permessage-deflate; client_max_window_bits=16"), "");
  EXPECT_TRUE(echoes(declined));
}

TEST_F(Compressed, RoomReachesMembersOfEveryKind) {
  const std::vector<std::string> offers = {"", "permessage-deflate",
                                           "permessage-deflate; server_max_window_bits=9",
                                           "permessage-deflate"};
  std::vector<RawClient> members;
  for (const std::string& offer : offers) {
    members.push_back(server().connect());
    if (offer.empty()) {
      ASSERT_TRUE(opens(members.back(), "/rooms/mixed"));
    } else {
      ASSERT_NE(negotiates(members.back(), offer, "/rooms/mixed"), "refused");
    }
    // A member has joined when its own message comes back.
    members.back().send(text_frame("here"));
    for (;;) {
      const auto frame = members.back().read_frame();
      ASSERT_TRUE(frame);
      if (frame->payload == "here") break;
    }
  }
  const std::string large(3000, 'r');
  members.front().send(text_frame(large));
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::optional<Frame> frame;
    do {
      frame = members[i].read_frame();
      ASSERT_TRUE(frame) << i;
    } while (frame->payload == "here");
    EXPECT_EQ(frame->rsv, i == 0 ? 0 : kRsv1) << i;
    EXPECT_EQ(i == 0 ? frame->payload : inflated(frame->payload), large) << i;
  }
}

TEST(Deflate, Rfc7692_7_1_1_TakeoverKeepsBothWindows) {
  ServerProcess server({"--deflate", "on", "--deflate-threshold", "0"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  ASSERT_EQ(negotiates(client, "permessage-deflate"), "permessage-deflate");
  std::string first;
  for (int i = 0; i < 2; ++i) {
    client.send(frame(compressed(kText, deflated(std::string(300, 'a') + "bcdefghijklmnop"))));
    const auto answer = client.read_frame();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->rsv, kRsv1);
    if (i == 0) first = answer->payload;
    if (i == 1) {
      EXPECT_LT(answer->payload.size(), first.size());
    }
  }
  EXPECT_TRUE(closes_normally(client));
}

TEST(Deflate, ContextMemoryLimit_FallsBackToNoContextTakeover) {
  ServerProcess server({"--deflate", "on", "--deflate-memory", "400KiB"});
  ASSERT_TRUE(server.listening());
  RawClient first = server.connect();
  EXPECT_EQ(negotiates(first, "permessage-deflate"), "permessage-deflate");
  RawClient second = server.connect();
  EXPECT_EQ(negotiates(second, "permessage-deflate"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_TRUE(echoes(second));
}

// Safari on iOS 15 shares its window across messages, although it agreed not to. The log says so.
TEST(Deflate, Rfc7692_7_1_1_2_ClientThatSharesItsWindow_IsNamedInTheLog) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  EXPECT_EQ(negotiates(client, "permessage-deflate"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  client.send(frame(compressed(kText, kHello)));
  ASSERT_TRUE(client.read_frame());
  client.send(frame(compressed(kText, std::string("\xf2\x00\x11\x00\x00", 5))));  // §7.2.3.2
  EXPECT_TRUE(is_closed_with(client, 1007));
  const auto line = server.process().wait_for_line("connection_end");
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("violation=CompressionContext"), std::string::npos) << *line;
}

TEST(Deflate, ExcludedUserAgents_GetNoCompression) {
  ServerProcess server({"--no-deflate-for", "Version/15.", "--no-deflate-for", "OS 15_"});
  ASSERT_TRUE(server.listening());
  const auto extensions = [&](const std::string& agent) {
    RawClient client = server.connect();
    RequestText request = RequestText::upgrade();
    request.set("Sec-WebSocket-Extensions", "permessage-deflate");
    if (!agent.empty()) request.set("User-Agent", agent);
    client.send(request.text());
    const auto response = client.read_response();
    EXPECT_TRUE(response && response->status == 101) << agent;
    EXPECT_TRUE(echoes(client)) << agent;
    return response ? response->get("Sec-WebSocket-Extensions") : std::string();
  };
  EXPECT_EQ(extensions("Mozilla/5.0 (iPhone; CPU iPhone OS 15_1 like Mac OS X) Safari/604.1"), "");
  EXPECT_EQ(extensions("Mozilla/5.0 (Macintosh) Version/15.1 Safari/605.1.15"), "");
  EXPECT_NE(extensions("Mozilla/5.0 (Macintosh) Version/16.0 Safari/605.1.15"), "");
  EXPECT_NE(extensions(""), "");
}

TEST(Deflate, OffMeansNoExtension) {
  ServerProcess server({"--deflate", "off"});
  ASSERT_TRUE(server.listening());
  RawClient client = server.connect();
  EXPECT_EQ(negotiates(client, "permessage-deflate"), "");
  EXPECT_TRUE(echoes(client));
}

}  // namespace
}  // namespace e2e
