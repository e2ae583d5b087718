#include "daemon/auth/authenticator.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "daemon/fake_request.h"

namespace wsd::daemon {
namespace {

const std::string kAnn = "ann-0123456789abcdef";
const std::string kBob = "bob-0123456789abcdef";

class AuthenticatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "wsd-gate-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    write(kAnn + " ann read=* write=*\n" + kBob + " bob read=news,chat-* write=chat-*\n");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void write(const std::string& text) {
    // Replaces the file atomically, as a careful operator does.
    const std::string fresh = directory_ + "/fresh";
    std::ofstream(fresh) << text;
    ::chmod(fresh.c_str(), 0600);
    std::filesystem::rename(fresh, path());
  }
  std::string path() const { return directory_ + "/users"; }
  AuthOptions options() const { return {.file = path()}; }

 private:
  std::string directory_;
};

FakeRequest with(const std::string& token) {
  FakeRequest request;
  request.field("Authorization", "Bearer " + token);
  return request;
}

TEST_F(AuthenticatorTest, WithoutFile_AllowsEveryone) {
  const Authenticator authenticator({});
  EXPECT_FALSE(authenticator.guarded());
  EXPECT_EQ(authenticator.authorize(FakeRequest()).status, 101);
  const Upgrade room = authenticator.authorize_room(FakeRequest(), "news");
  EXPECT_EQ(room.status, 101);
  EXPECT_EQ(room.data, nullptr);
  EXPECT_EQ(authenticator.authorize_room(FakeRequest(), "").status, 400);
}

TEST_F(AuthenticatorTest, Rfc9110_15_5_2_MissingOrWrongToken_IsRejected) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  for (const FakeRequest& request :
       {FakeRequest(), with("wrong-0123456789abcdef"), with(""), with(kAnn + "x"), with("x" + kAnn),
        with(kAnn.substr(1)), with(kAnn + ' ' + kBob)}) {
    for (const bool room : {false, true}) {
      const Upgrade verdict =
          room ? authenticator.authorize_room(request, "news") : authenticator.authorize(request);
      EXPECT_EQ(verdict.status, 401);
      EXPECT_EQ(verdict.headers, (Headers{{"WWW-Authenticate", "Bearer"}}));
      EXPECT_EQ(verdict.body.find("0123"), std::string::npos);
    }
  }
  EXPECT_EQ(authenticator.authorize_room(FakeRequest(), "").status, 401)
      << "before the name is judged";
}

TEST_F(AuthenticatorTest, BeforeFirstLoad_RejectsEveryone) {
  const Authenticator authenticator(options());
  EXPECT_EQ(authenticator.authorize(with(kAnn)).status, 401);
  EXPECT_EQ(authenticator.authorize(with("")).status, 401);
}

TEST_F(AuthenticatorTest, RightsDependOnTheRoom) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  const Upgrade ann = authenticator.authorize_room(with(kAnn), "anything");
  EXPECT_EQ(ann.status, 101);
  EXPECT_EQ(ann.user, "ann");
  EXPECT_EQ(ann.data, nullptr);
  const Upgrade bob = authenticator.authorize_room(with(kBob), "chat-1");
  EXPECT_EQ(bob.user, "bob");
  EXPECT_EQ(bob.data, nullptr);
  const Upgrade reader = authenticator.authorize_room(with(kBob), "news");
  EXPECT_EQ(reader.status, 101);
  EXPECT_NE(dynamic_cast<const ReadOnlyMember*>(reader.data.get()), nullptr);
  const Upgrade stranger = authenticator.authorize_room(with(kBob), "secrets");
  EXPECT_EQ(stranger.status, 403);
  EXPECT_EQ(stranger.body, "this user may not read this room");
  EXPECT_EQ(authenticator.authorize(with(kBob)).status, 101);
  EXPECT_EQ(authenticator.authorize_room(with(kAnn), "").status, 400);
}

TEST_F(AuthenticatorTest, Response_SelectsBearerNeverTheToken) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  FakeRequest offered;
  offered.offer("bearer").offer(kAnn).offer("chat");
  EXPECT_EQ(authenticator.authorize(offered).subprotocol, "bearer");
  EXPECT_EQ(authenticator.authorize_room(offered, "news").subprotocol, "bearer");
  EXPECT_EQ(authenticator.authorize(with(kAnn)).subprotocol, "");
}

TEST_F(AuthenticatorTest, SeveralAuthorizationsAreABadRequest) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  FakeRequest request = with(kAnn);
  request.field("Authorization", "Bearer " + kAnn);
  EXPECT_EQ(authenticator.authorize(request).status, 400);
  EXPECT_EQ(authenticator.authorize_room(request, "news").status, 400);
}

TEST_F(AuthenticatorTest, CookieHasTheConfiguredName) {
  AuthOptions other = options();
  other.cookie = "sid";
  Authenticator authenticator(other);
  ASSERT_EQ(authenticator.load().error, "");
  EXPECT_EQ(authenticator.authorize(FakeRequest().field("Cookie", "sid=" + kAnn)).status, 101);
  EXPECT_EQ(authenticator.authorize(FakeRequest().field("Cookie", "wsd_token=" + kAnn)).status,
            401);
}

TEST_F(AuthenticatorTest, Reload_ReplacesUsersUnlessFileIsInvalid) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  write("short ann\n");
  EXPECT_EQ(authenticator.load().error,
            path() + ":1: the token has 5 characters; it must have 16 to 512");
  EXPECT_EQ(authenticator.authorize(with(kAnn)).status, 101);
  std::filesystem::remove(path());
  EXPECT_NE(authenticator.load().error, "");
  EXPECT_EQ(authenticator.authorize(with(kAnn)).status, 101);
  write(kBob + " bob\n");
  EXPECT_EQ(authenticator.load().error, "");
  EXPECT_EQ(authenticator.authorize(with(kAnn)).status, 401);
  EXPECT_EQ(authenticator.authorize(with(kBob)).status, 101);
  EXPECT_EQ(authenticator.authorize_room(with(kBob), "chat-1").status, 403);
}

TEST_F(AuthenticatorTest, RevokeOnReload_AttachesTheGrantToEachConnection) {
  AuthOptions revoking = options();
  revoking.revoke_on_reload = true;
  for (const bool revokes : {false, true}) {
    Authenticator authenticator(revokes ? revoking : options());
    ASSERT_EQ(authenticator.load().error, "");
    EXPECT_EQ(authenticator.authorize(with(kAnn)).data != nullptr, revokes);
    EXPECT_EQ(authenticator.authorize_room(with(kAnn), "news").data != nullptr, revokes);
    EXPECT_NE(authenticator.authorize_room(with(kBob), "news").data, nullptr);
    EXPECT_EQ(authenticator.authorize(with("wrong-0123456789abcdef")).data, nullptr);
  }
}

// Handshakes of several reactors while the file changes, well or badly: each sees one whole table.
TEST_F(AuthenticatorTest, HandshakesDuringReload_Succeed) {
  Authenticator authenticator(options());
  ASSERT_EQ(authenticator.load().error, "");
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> reactors;
  for (int i = 0; i < 3; ++i) {
    reactors.emplace_back([&] {
      while (!stop) {
        const Upgrade verdict = authenticator.authorize_room(with(kAnn), "news");
        if (verdict.status != 101 || verdict.user != "ann") ++wrong;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    write(i % 2 == 0 ? "broken\n" : kBob + " bob\n" + kAnn + " ann read=*\n");
    EXPECT_EQ(authenticator.load().error.empty(), i % 2 == 1);
  }
  stop = true;
  for (std::thread& each : reactors) each.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace wsd::daemon
