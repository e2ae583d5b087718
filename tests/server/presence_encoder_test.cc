// Presence through the public API: texts, infos, and pages.
#include "server/presence_encoder.h"

#include <gtest/gtest.h>

#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/peer.h"
#include "protocol/frame_writer.h"
#include "server/server_rig.h"
#include "wsd/server.h"

namespace wsd {
namespace {

using test::client_frame;
using test::kText;
using test::Peer;
using test::quiet;
using test::Signal;
using test::WireFrame;
using Rig = test::ServerRig;

std::string text_of(std::string_view room, std::string_view info) {
  return presence_text({room, PresenceKind::kJoined, "id", info});
}

TEST(PresenceText, IsOneLineOfJson) {
  EXPECT_EQ(text_of("lobby", "ann"),
            R"({"type":"joined","room":"lobby","member":"id","info":"ann"})");
  EXPECT_EQ(presence_text({"lobby", PresenceKind::kLeft, "id", ""}),
            R"({"type":"left","room":"lobby","member":"id","info":""})");
}

TEST(PresenceText, EscapesWhatWouldLeaveTheString) {
  EXPECT_EQ(text_of("r", "\",\"type\":\"left\\\n"),
            R"({"type":"joined","room":"r","member":"id","info":"\",\"type\":\"left\\\u000a"})");
  EXPECT_EQ(text_of("r", std::string("\0\x1f\x7f", 3)),
            R"({"type":"joined","room":"r","member":"id","info":"\u0000\u001f\u007f"})");
  EXPECT_EQ(text_of("r", "Zoë"), R"({"type":"joined","room":"r","member":"id","info":"Zoë"})");
}

TEST(PresenceText, NameThatIsNotUtf8_HasCodePointsOfItsBytes) {
  EXPECT_EQ(text_of("a\xFF\x80", ""),
            R"({"type":"joined","room":"a\u00ff\u0080","member":"id","info":""})");
}

TEST(MemberInfo, HasAtMost256BytesOfUtf8) {
  EXPECT_TRUE(server::is_member_info(""));
  EXPECT_TRUE(server::is_member_info(std::string(256, 'x')));
  EXPECT_FALSE(server::is_member_info(std::string(257, 'x')));
  EXPECT_FALSE(server::is_member_info("\xC0\x80"));
}

class EncoderOf {
 public:
  explicit EncoderOf(server::PresenceEncoder::Text text, std::size_t max_bytes = 64)
      : text_(std::move(text)), encoder_(text_, max_bytes, [this] { ++logged; }) {}
  SharedBytes frame() { return encoder_.presence_frame({"r", PresenceKind::kJoined, "id", "x"}); }
  int logged = 0;

 private:
  const server::PresenceEncoder::Text text_;
  server::PresenceEncoder encoder_;
};

TEST(PresenceEncoder, TextBecomesATextFrame) {
  EncoderOf encoder([](const PresenceEvent& event) { return "in: " + std::string(event.info); });
  const SharedBytes frame = encoder.frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(as_text(frame.bytes()), std::string("\x81\x05in: x"));
}

TEST(PresenceEncoder, UnusableText_MakesNoMessage) {
  for (const std::string& text : {std::string(), std::string("\xFF"), std::string(65, 'x')}) {
    EncoderOf encoder([&](const PresenceEvent&) { return text; });
    EXPECT_FALSE(encoder.frame());
    EXPECT_EQ(encoder.logged, 0);
  }
}

TEST(PresenceEncoder, ExceptionIsLogged_AndMakesNoMessage) {
  EncoderOf encoder([](const PresenceEvent&) -> std::string { throw std::runtime_error("no"); });
  EXPECT_FALSE(encoder.frame());
  EXPECT_EQ(encoder.logged, 1);
  EncoderOf exhausted([](const PresenceEvent&) -> std::string { throw std::bad_alloc(); });
  EXPECT_FALSE(exhausted.frame()) << "the shard would try again without end";
  EXPECT_EQ(exhausted.logged, 1);
}

ServerOptions with_presence() {
  ServerOptions options = quiet();
  options.presence.enabled = true;
  return options;
}

// Each client joins "room" with the text of its first message as its info.
class PresenceRig : public Rig {
 public:
  explicit PresenceRig(const ServerOptions& options = with_presence()) : Rig(options) {
    Handlers handlers;
    handlers.message = [this](Connection& from, const Message& message) {
      {
        // Before the join, because another reactor may send its message at once.
        const std::lock_guard lock(mutex_);
        ids_.push_back(from.member_id());
      }
      const SendResult result = from.join("room", {}, message.payload);
      if (result != SendResult::kSent) from.send_text("not joined");
    };
    server.route("/", handlers);
    start();
  }
  [[nodiscard]] Peer join(std::string_view info) {
    Peer peer = open();
    peer.send(client_frame(kText, info));
    return peer;
  }
  [[nodiscard]] std::string id(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return ids_.at(index);
  }
  // Returns whether the next message of the peer tells of the client that has joined as number
  // `index`.
  [[nodiscard]] bool tells(Peer& peer, std::string_view type, std::size_t index,
                           std::string_view info) {
    const WireFrame told = frame(peer);  // before id(), because the client may not have joined yet
    return told ==
           WireFrame{kText, R"({"type":")" + std::string(type) + R"(","room":"room","member":")" +
                                id(index) + R"(","info":")" + std::string(info) + R"("})"};
  }
  [[nodiscard]] RoomMembers members(const MembersQuery& query = {}) {
    RoomMembers members;
    Signal answered;
    EXPECT_EQ(server.hub().members("room", query,
                                   [&](const RoomMembers& page) {
                                     members = page;
                                     answered.raise();
                                   }),
              SendResult::kSent);
    EXPECT_TRUE(answered.wait());
    return members;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> ids_;
};

TEST(ServerPresence, ClientsSeeJoinsAndTheEndsOfOthers) {
  PresenceRig rig;
  Peer ann = rig.join("ann");
  EXPECT_TRUE(rig.tells(ann, "joined", 0, "ann"));
  {
    Peer bob = rig.join("bob");
    EXPECT_TRUE(rig.tells(bob, "joined", 1, "bob"));
    EXPECT_TRUE(rig.tells(ann, "joined", 1, "bob"));
    const RoomMembers page = rig.members();
    EXPECT_TRUE(page.presence);
    EXPECT_EQ(page.members.size(), 2U);
    EXPECT_EQ(page.last.seq, 2U);
  }
  EXPECT_TRUE(rig.tells(ann, "left", 1, "bob"));
  const RoomMembers page = rig.members();
  ASSERT_EQ(page.members.size(), 1U);
  EXPECT_EQ(page.members[0].id, rig.id(0));
  EXPECT_EQ(page.members[0].info, "ann");
}

TEST(ServerPresence, BadInfo_IsNotJoined) {
  PresenceRig rig;
  Peer ann = rig.join(std::string(257, 'x'));
  EXPECT_EQ(PresenceRig::frame(ann), (WireFrame{kText, "not joined"}));
  EXPECT_TRUE(rig.members().members.empty());
}

TEST(ServerPresence, TextOfTheApplication_IsPublished) {
  ServerOptions options = with_presence();
  options.presence.text = [](const PresenceEvent& event) {
    return std::string(event.kind == PresenceKind::kJoined ? "+" : "-") + std::string(event.info);
  };
  PresenceRig rig(options);
  Peer ann = rig.join("ann");
  EXPECT_EQ(PresenceRig::frame(ann), (WireFrame{kText, "+ann"}));
}

TEST(ServerPresence, RuleSelectsTheRooms) {
  ServerOptions options = with_presence();
  RoomRule rule;
  rule.pattern = "room";
  rule.presence = false;
  options.rooms = {rule};
  PresenceRig rig(options);
  Peer ann = rig.join("ann");
  ann.send(client_frame(kText, std::string(257, 'x')));
  EXPECT_EQ(PresenceRig::frame(ann), (WireFrame{kText, "not joined"}));
  EXPECT_FALSE(rig.members().presence);
}

TEST(ServerPresence, BeforeTheStartAndWithoutAConnection) {
  Server server(with_presence());
  EXPECT_EQ(server.hub().members("room", {}, [](const RoomMembers&) {}), SendResult::kClosed);
  EXPECT_EQ(Connection().member_id(), "");
  EXPECT_EQ(Connection().join("room", {}, "ann"), SendResult::kClosed);
}

}  // namespace
}  // namespace wsd
