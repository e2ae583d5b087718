#include "daemon/auth/admission.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

const std::string kAnn = "ann-0123456789abcdef";
const std::string kBob = "bob-0123456789abcdef";

std::shared_ptr<const UserTable> table(const std::string& text) {
  const AuthFile file = parse_auth_file("users", text);
  EXPECT_EQ(file.error, "");
  return file.users;
}

// A connection that the table in force has admitted. `write`: to the room.
class Member {
 public:
  Member(Admissions& admissions, ConnectionId id, const std::string& token, const std::string& room,
         bool write)
      : id_(id),
        admissions_(admissions),
        admission_(std::make_unique<Admission>(admissions, grant(admissions, token, room, write))) {
  }
  [[nodiscard]] std::string_view open() {
    return admissions_.opened(*admission_, Connection(nullptr, id_));
  }

 private:
  static Grant grant(const Admissions& admissions, const std::string& token,
                     const std::string& room, bool write) {
    Grant grant{admissions.users(), nullptr, room, write};
    grant.user = grant.users->find(token);
    EXPECT_NE(grant.user, nullptr);
    return grant;
  }

  ConnectionId id_;
  Admissions& admissions_;
  std::unique_ptr<Admission> admission_;
};

std::string told(const std::vector<Revocation>& revoked) {
  std::string text;
  for (const Revocation& each : revoked) {
    text += std::to_string(each.connection.id()) + ": " + std::string(each.reason) + "\n";
  }
  return text;
}

class AdmissionsTest : public ::testing::Test {
 protected:
  AdmissionsTest() {
    EXPECT_EQ(told(admissions_.replace(
                  table(kAnn + " ann read=* write=*\n" + kBob + " bob read=news,chat\n"))),
              "");
  }
  Admissions admissions_;
};

TEST_F(AdmissionsTest, RemovedToken_RevokesAllItsConnections) {
  Member one(admissions_, 1, kAnn, "news", true);
  Member two(admissions_, 2, kBob, "news", false);
  Member three(admissions_, 3, kAnn, "", false);
  for (Member* each : {&one, &two, &three}) EXPECT_EQ(each->open(), "");
  EXPECT_EQ(told(admissions_.replace(table(kBob + " bob read=news,chat\n"))),
            "3: the token was revoked\n1: the token was revoked\n");
  EXPECT_EQ(told(admissions_.replace(table(kBob + " bob read=news,chat\n"))), "")
      << "each connection is revoked once";
  EXPECT_EQ(told(admissions_.replace(table("# nobody\n"))), "2: the token was revoked\n");
}

TEST_F(AdmissionsTest, LostRight_RevokesTheConnectionsThatUseIt) {
  Member reads_news(admissions_, 1, kAnn, "news", false);
  Member writes_news(admissions_, 2, kAnn, "news", true);
  Member writes_chat(admissions_, 3, kAnn, "chat", true);
  Member echo(admissions_, 4, kAnn, "", false);
  for (Member* each : {&reads_news, &writes_news, &writes_chat, &echo}) EXPECT_EQ(each->open(), "");
  EXPECT_EQ(told(admissions_.replace(table(kAnn + " ann read=news write=chat\n"))),
            "3: the rights of this user have changed\n2: the rights of this user have changed\n");
  EXPECT_EQ(told(admissions_.replace(table(kAnn + " ann read=* write=*\n"))), "")
      << "more rights end nothing";
  EXPECT_EQ(told(admissions_.replace(table(kAnn + " eve read=* write=*\n"))),
            "4: the rights of this user have changed\n1: the rights of this user have changed\n")
      << "the log would name the wrong user";
}

TEST_F(AdmissionsTest, EndedConnection_IsForgotten) {
  std::vector<std::unique_ptr<Member>> members;
  for (ConnectionId id = 1; id <= 4; ++id) {
    members.push_back(std::make_unique<Member>(admissions_, id, kAnn, "news", true));
    EXPECT_EQ(members.back()->open(), "");
  }
  const Member never_opened(admissions_, 5, kAnn, "news", true);
  members[3].reset();  // the first of the list
  members[1].reset();
  members[0].reset();  // the last one
  EXPECT_EQ(told(admissions_.replace(table("# nobody\n"))), "3: the token was revoked\n");
}

// The handshake was checked before a reload, and the connection is open after it.
TEST_F(AdmissionsTest, ReloadDuringTheHandshake_IsNoticed) {
  Member ann(admissions_, 1, kAnn, "news", true);
  Member bob(admissions_, 2, kBob, "news", false);
  EXPECT_EQ(told(admissions_.replace(table(kBob + " bob read=*\n"))), "");
  EXPECT_EQ(told(admissions_.replace(table(kBob + " bob read=news\n"))), "");
  EXPECT_EQ(ann.open(), "the token was revoked");
  EXPECT_EQ(bob.open(), "");
  EXPECT_EQ(told(admissions_.replace(table("# nobody\n"))), "2: the token was revoked\n");
}

}  // namespace
}  // namespace wsd::daemon
