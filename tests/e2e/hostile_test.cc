// Peers that send nonsense, and one honest peer. The server keeps running and serves the honest
// one.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"

namespace e2e {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) { return random() % bound; }

std::string garbage(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// A frame that is correct, or has one error.
std::string odd_frame(Random& random) {
  static constexpr LengthForm kForms[] = {LengthForm::kMinimal, LengthForm::kMinimal,
                                          LengthForm::k16, LengthForm::k64};
  FrameSpec spec{.opcode = static_cast<int>(below(random, 16)),
                 .payload = garbage(random, below(random, 300)),
                 .fin = below(random, 4) != 0,
                 .rsv = below(random, 8) == 0 ? static_cast<int>(below(random, 8)) : 0,
                 .mask = below(random, 8) != 0,
                 .form = kForms[below(random, 4)]};
  if (below(random, 8) == 0) spec.claimed_length = random() >> below(random, 64);
  return frame(spec);
}

std::string odd_request(Random& random) {
  std::string request = RequestText::upgrade().text();
  for (std::size_t changes = 1 + below(random, 4); changes > 0; --changes) {
    const std::size_t at = below(random, request.size());
    switch (below(random, 3)) {
      case 0:
        request[at] = static_cast<char>(random());
        break;
      case 1:
        request.erase(at, 1 + below(random, 8));
        break;
      default:
        request.insert(at, garbage(random, 1 + below(random, 8)));
    }
    if (request.empty()) break;
  }
  return request;
}

class Hostile : public SharedServer {
 protected:
  static void SetUpTestSuite() { start({"--reactors", "2"}); }

  void SetUp() override {
    SharedServer::SetUp();
    honest_ = server().connect();
    ASSERT_TRUE(opens(honest_));
  }
  void TearDown() override {
    EXPECT_TRUE(echoes(honest_));
    RawClient newcomer = server().connect();
    EXPECT_TRUE(opens(newcomer));
    EXPECT_TRUE(echoes(newcomer));
    newcomer.close();
    honest_.close();
    SharedServer::TearDown();
  }

  // The connection ends when the peer ends it, whatever it sent.
  static void finish(RawClient& client, Random& random) {
    switch (below(random, 3)) {
      case 0:
        client.reset();
        break;
      case 1:
        client.shutdown_write();
        EXPECT_NE(client.read_until_end(), End::kTimeout);
        break;
      default:
        client.close();
    }
  }

  RawClient honest_;
};

TEST_F(Hostile, GarbageInsteadOfARequest) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RawClient client = server().connect();
    ASSERT_TRUE(client.connected());
    client.send(garbage(random, 1 + below(random, 5000)));
    finish(client, random);
    if (seed % 10 == 0) {
      ASSERT_TRUE(echoes(honest_));
    }
  }
}

TEST_F(Hostile, RequestsWithBrokenBytes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RawClient client = server().connect();
    ASSERT_TRUE(client.connected());
    client.send_in_pieces(odd_request(random), 1 + below(random, 100));
    finish(client, random);
    if (seed % 10 == 0) {
      ASSERT_TRUE(echoes(honest_));
    }
  }
}

TEST_F(Hostile, GarbageAfterTheHandshake) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RawClient client = server().connect();
    ASSERT_TRUE(opens(client, seed % 2 == 0 ? "/echo" : "/rooms/garbage"));
    client.send_in_pieces(garbage(random, 1 + below(random, 5000)), 1 + below(random, 500));
    finish(client, random);
    if (seed % 10 == 0) {
      ASSERT_TRUE(echoes(honest_));
    }
  }
}

TEST_F(Hostile, OddFrames) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RawClient client = server().connect();
    ASSERT_TRUE(opens(client, seed % 2 == 0 ? "/echo" : "/rooms/odd"));
    std::string frames;
    for (std::size_t count = 1 + below(random, 20); count > 0; --count) {
      frames += odd_frame(random);
    }
    client.send_in_pieces(frames, 1 + below(random, 2000));
    finish(client, random);
    if (seed % 10 == 0) {
      ASSERT_TRUE(echoes(honest_));
    }
  }
}

TEST_F(Hostile, ResetsInTheMiddleOfEverything) {
  const std::string request = RequestText::upgrade().text();
  const std::string message = binary_frame(std::string(100000, 'r'));
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    RawClient client = server().connect();
    ASSERT_TRUE(client.connected());
    const std::string stream = request + message + ping_frame("p") + message;
    client.send(stream.substr(0, below(random, seed % 2 == 0 ? request.size() : stream.size())));
    client.reset();
    if (seed % 10 == 0) {
      ASSERT_TRUE(echoes(honest_));
    }
  }
}

// Members of an active room reset their connections, so that deliveries go to dead sockets.
TEST_F(Hostile, MembersVanishWhileTheRoomTalks) {
  RawClient talker = server().connect();
  ASSERT_TRUE(opens(talker, "/rooms/vanish"));
  ASSERT_TRUE(echoes(talker, "joined"));
  for (int round = 0; round < 30; ++round) {
    std::vector<RawClient> members;
    for (int i = 0; i < 10; ++i) {
      members.push_back(server().connect());
      ASSERT_TRUE(opens(members.back(), "/rooms/vanish"));
    }
    for (int i = 0; i < 20; ++i) {
      const std::string message = std::to_string(round) + "." + std::to_string(i);
      talker.send(text_frame(message));
      if (i % 2 == 0) members[static_cast<std::size_t>(i / 2)].reset();
      ASSERT_TRUE(receives_text(talker, message));
    }
  }
}

TEST_F(Hostile, TlsClientHello) {
  const std::string hello =
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(506, '\x42');
  RawClient client = server().connect();
  client.send(hello);
  EXPECT_EQ(client.read_until_end(), End::kFin);
}

TEST_F(Hostile, ManySilentConnections) {
  std::vector<RawClient> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(server().connect());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(echoes(honest_));
  for (std::size_t i = 0; i < silent.size(); i += 2) silent[i].reset();
}

}  // namespace
}  // namespace e2e
