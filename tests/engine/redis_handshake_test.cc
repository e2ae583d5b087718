#include "engine/redis_handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace wsd::engine {
namespace {

// One reply from its text.
class Reply {
 public:
  explicit Reply(std::string_view text) : reader_(RespReader::Limits{}) {
    reader_.take(text);
    EXPECT_EQ(reader_.next(), RespReader::Result::kValue) << text;
  }
  // NOLINTNEXTLINE(google-explicit-constructor): it is that value
  operator RespValue() const { return reader_.value(); }

 private:
  RespReader reader_;
};

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string{text} + "\r\n";
}

std::string hello(std::string_view version, std::string_view mode, std::string_view id = ":7") {
  return "%3\r\n" + bulk("version") + bulk(version) + bulk("id") + std::string{id} + "\r\n" +
         bulk("mode") + bulk(mode);
}

class RedisHandshakeTest : public testing::Test {
 protected:
  RedisHandshakeTest() { settings_.password = "secret-word"; }

  LinkSettings settings_;
  FormerLink former_;
  RedisHandshake handshake_{settings_, former_};
};

TEST_F(RedisHandshakeTest, Versions_AreCompared) {
  for (const char* const version : {"7.0.0", "7.0.15", "7.2.4", "8.0.1", "10.1", "255.255.255"}) {
    EXPECT_TRUE(handshake_.hello(Reply{hello(version, "standalone")})) << version;
    EXPECT_EQ(handshake_.up().version, version);
  }
  for (const char* const version : {"6.2.14", "5.0", "0.7", "x7.0", "", "."}) {
    EXPECT_FALSE(handshake_.hello(Reply{hello(version, "standalone")})) << version;
  }
}

TEST_F(RedisHandshakeTest, Sentinel_IsRefusedForGood) {
  EXPECT_FALSE(handshake_.hello(Reply{hello("7.0.15", "sentinel")}));
  EXPECT_TRUE(handshake_.down().for_good);
  EXPECT_NE(handshake_.down().why.find("redis+sentinel://"), std::string::npos);
}

TEST_F(RedisHandshakeTest, HelloWithoutAnId_IsRefused) {
  for (const char* const id : {":0", ":-1", "+x", "_"}) {
    EXPECT_FALSE(handshake_.hello(Reply{hello("7.0.15", "standalone", id)})) << id;
    EXPECT_FALSE(handshake_.down().for_good);
  }
  EXPECT_FALSE(handshake_.hello(Reply{"+OK\r\n"}));
}

TEST_F(RedisHandshakeTest, HelloErrors_AreForGoodOrNot) {
  const struct {
    const char* error;
    bool for_good;
  } cases[] = {
      {"WRONGPASS invalid username-password pair or user is disabled.", true},
      {"NOAUTH HELLO must be called with the client already authenticated", true},
      {"ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `u`, `secret-word`",
       true},
      {"NOPROTO unsupported protocol version", true},
      {"DENIED Redis is running in protected mode because protected mode is enabled", true},
      {"NOPERM this user has no permissions to run the 'hello' command", true},
      {"LOADING Redis is loading the dataset in memory", false},
      {"ERR max number of clients reached", false},
      {"ERR something secret-word", false},
  };
  for (const auto& [error, for_good] : cases) {
    EXPECT_FALSE(handshake_.hello(Reply{"-" + std::string{error} + "\r\n"}));
    EXPECT_EQ(handshake_.down().for_good, for_good) << error;
    EXPECT_FALSE(handshake_.down().why.empty()) << error;
    EXPECT_EQ(handshake_.down().why.find("secret-word"), std::string::npos)
        << handshake_.down().why;
  }
}

TEST_F(RedisHandshakeTest, Replication_RequiresAMasterWithAReplid) {
  const std::string replid = "0123456789abcdef0123456789abcdef01234567";
  const auto info = [](std::string_view role, std::string_view id) {
    return Reply{bulk("# Replication\r\nrole:" + std::string{role} +
                      "\r\nconnected_slaves:0\r\nmaster_replid:" + std::string{id} + "\r\n")};
  };
  EXPECT_TRUE(handshake_.replication(info("master", replid)));
  EXPECT_EQ(handshake_.up().replid, replid);
  EXPECT_EQ(handshake_.up().replid_bits, 0x01234U);
  EXPECT_FALSE(handshake_.replication(info("slave", replid)));
  EXPECT_FALSE(handshake_.down().for_good);
  for (const std::string& id : {std::string{}, replid.substr(1), replid + "0",
                                "X" + replid.substr(1), std::string(40, ' ')}) {
    EXPECT_FALSE(handshake_.replication(info("master", id))) << id;
    EXPECT_TRUE(handshake_.down().for_good);
  }
  EXPECT_FALSE(handshake_.replication(Reply{":1\r\n"}));
  EXPECT_FALSE(handshake_.replication(Reply{"_\r\n"}));
}

TEST_F(RedisHandshakeTest, ReplicasWithMinReplicas_DoNotWarn) {
  const std::string text =
      "role:master\r\nconnected_slaves:2\r\nmin_slaves_good_slaves:2\r\nmaster_replid:" +
      std::string(40, 'c');
  EXPECT_TRUE(handshake_.replication(Reply{bulk(text)}));
  EXPECT_TRUE(handshake_.up().warnings.empty());
}

TEST_F(RedisHandshakeTest, Time_IsCheckedStrictly) {
  EXPECT_TRUE(handshake_.time(Reply{"*2\r\n$4\r\n2000\r\n$6\r\n500999\r\n"}, 1'000));
  EXPECT_EQ(handshake_.up().clock_offset_ms, 2'000'500 - 1'000);
  for (const char* const bad :
       {"*0\r\n", "*1\r\n$1\r\n1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\nx\r\n$1\r\n1\r\n",
        "*2\r\n$2\r\n-1\r\n$1\r\n0\r\n", "*2\r\n$19\r\n9223372036854775807\r\n$1\r\n0\r\n",
        "*2\r\n$1\r\n1\r\n$19\r\n9223372036854775807\r\n", "*2\r\n$1\r\n1\r\n$2\r\n-1\r\n"}) {
    EXPECT_FALSE(handshake_.time(Reply{bad}, 0)) << bad;
  }
}

TEST_F(RedisHandshakeTest, BufferLimits_WarnBelow64MiB) {
  const auto limits = [](std::string_view text) {
    return Reply{"%1\r\n" + bulk("client-output-buffer-limit") + bulk(text)};
  };
  for (const char* const fine :
       {"normal 0 0 0 slave 1 1 1 pubsub 0 0 0", "pubsub 67108864 8388608 60", "", "pubsub ",
        "pubsub x", "pubsub 99999999999999999999999 1 1"}) {
    EXPECT_TRUE(handshake_.buffer_limits(limits(fine)));
    EXPECT_TRUE(handshake_.up().warnings.empty()) << fine;
  }
  EXPECT_TRUE(handshake_.buffer_limits(Reply{"%0\r\n"}));
  EXPECT_TRUE(handshake_.buffer_limits(Reply{"-NOPERM no\r\n"}));
  EXPECT_TRUE(handshake_.buffer_limits(limits("normal 0 0 0 pubsub 67108863 8388608 60")));
  EXPECT_EQ(handshake_.up().warnings.size(), 1U);
  EXPECT_FALSE(handshake_.buffer_limits(Reply{"-LOADING x\r\n"}));
}

TEST_F(RedisHandshakeTest, ScriptLoad_RequiresASha) {
  std::string sha;
  EXPECT_TRUE(handshake_.script(Reply{bulk(std::string(40, 'e'))}, sha));
  EXPECT_EQ(sha, std::string(40, 'e'));
  EXPECT_FALSE(handshake_.script(Reply{bulk(std::string(39, 'e'))}, sha));
  EXPECT_FALSE(handshake_.script(Reply{bulk(std::string(40, '\n'))}, sha));
  EXPECT_FALSE(handshake_.script(Reply{"-ERR Error compiling script\r\n"}, sha));
}

TEST_F(RedisHandshakeTest, Probe_NamesAllThatIsDenied) {
  EXPECT_TRUE(handshake_.probed(Reply{"*0\r\n"}));
  EXPECT_FALSE(handshake_.probed(Reply{"*2\r\n" + bulk("XADD") + bulk("XSETID")}));
  EXPECT_TRUE(handshake_.down().for_good);
  EXPECT_EQ(handshake_.down().why,
            "The server does not permit XADD, XSETID: extend the user's ACL");
  EXPECT_FALSE(handshake_.probed(Reply{":1\r\n"}));
}

TEST_F(RedisHandshakeTest, Printable_HidesThePasswordAndControlCharacters) {
  EXPECT_EQ(printable("a secret-word b\r\n\x01\xff", "secret-word"), "a *** b????");
  EXPECT_EQ(printable("secret-wor", "secret-word"), "secret-wor");
  EXPECT_EQ(printable(std::string(300, 'x'), ""), std::string(200, 'x') + "...");
}

TEST_F(RedisHandshakeTest, InfoField_FindsWholeNamesOnly) {
  constexpr std::string_view kInfo = "# Title\r\nxrole:a\r\nrole:b\r\nrole_x:c\r\nlast:d";
  EXPECT_EQ(info_field(kInfo, "role"), "b");
  EXPECT_EQ(info_field(kInfo, "last"), "d");
  EXPECT_EQ(info_field(kInfo, "ole"), "");
  EXPECT_EQ(info_field("", "role"), "");
}

}  // namespace
}  // namespace wsd::engine
