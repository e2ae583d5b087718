// Attacks before the opening handshake completes: request heads, connections, descriptors.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "hostile/honest.h"
#include "hostile/scenario.h"
#include "support/wire.h"

namespace hostile {
namespace {

using std::chrono::duration_cast;

// The memory that a connection may use before its handshake completes, including its request head.
constexpr std::size_t kKibPerHead = 4;

// A deadline may fire one tick early, and counts from the start of the turn that accepted the
// connection.
constexpr milliseconds kEarly{200};

// Request heads that arrive one byte at a time. The deadline applies to the whole head, so single
// bytes do not extend it. Every fourth peer sends nothing.
void slow_heads(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(4000, 500);
  constexpr milliseconds kDeadline{2000};
  attack.allow_kib(count * kKibPerHead + 2048);
  for (std::size_t i = 0; i < count; ++i) {
    Peer& peer = swarm.connect();
    peer.group = i % 4;
    // At once, because the server closes a silent peer without a response.
    if (peer.group != 0) swarm.send(peer, "G");
    if (i % 64 == 0) swarm.step(milliseconds(0));
  }
  const std::string head = "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
  std::size_t sent = 1;
  const bool all_gone = swarm.until(
      [&] {
        const std::string_view next =
            sent < head.size() ? std::string_view(head).substr(sent, 1) : "s";
        ++sent;
        for (Peer& peer : swarm.peers()) {
          if (peer.group != 0) swarm.send(peer, next);
        }
        swarm.run_for(milliseconds(50));
        return swarm.ended() == count;
      },
      kDeadline + Attack::kPatience);
  attack.expect(all_gone, "heads that never end are given up: " + std::to_string(swarm.ended()) +
                              " of " + std::to_string(count));
  attack.expect_count(swarm.count([](const Peer& peer) { return peer.status == 408; }),
                      count - count / 4, "slow heads answered by 408");
  milliseconds first = Attack::kPatience;
  milliseconds last{0};
  for (const Peer& peer : swarm.peers()) {
    if (!peer.over()) continue;
    const auto lasted = duration_cast<milliseconds>(peer.ended - peer.started);
    first = std::min(first, lasted);
    last = std::max(last, lasted);
  }
  attack.note("given up after " + std::to_string(first.count()) + " to " +
              std::to_string(last.count()) + " ms");
  attack.expect_count(swarm.count([&](const Peer& peer) { return attack.ended(peer); }), count,
                      "connections that end in order");
  if (!attack.quick()) {
    attack.expect(first >= kDeadline - kEarly, "no head is given up before its deadline");
    attack.expect(last <= kDeadline + milliseconds(2000), "the deadline is kept within 2 s");
  }
}

constexpr std::size_t kMaxConnections = 500;

// Far more connections than --max-connections. The server rejects the excess with 503 and serves
// the others. It accepts new clients when there is space again.
void connection_limit(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(8000, 1500);
  attack.allow_kib(count * kKibPerHead + 2048);
  for (std::size_t i = 0; i < count; ++i) {
    swarm.open("/echo");
    if (i % 64 == 0) swarm.step(milliseconds(0));
  }
  const auto refused = [&] {
    return swarm.count([&](const Peer& peer) { return peer.status == 503 && attack.ended(peer); });
  };
  attack.expect(
      swarm.until([&] { return swarm.opened() + swarm.ended() == count; }, Attack::kPatience),
      "each connection is served or refused: " + std::to_string(swarm.opened()) + " and " +
          std::to_string(swarm.ended()) + " of " + std::to_string(count));
  // Each reactor checks the shared count on its own.
  const std::size_t room = kMaxConnections - Honest::kConnections;
  attack.expect(swarm.opened() >= room && swarm.opened() <= room + 1,
                std::to_string(room) + " are let in: " + std::to_string(swarm.opened()));
  attack.expect_count(refused(), count - swarm.opened(), "refused by 503, and ended in order");
  attack.note(std::to_string(swarm.opened()) + " let in, " + std::to_string(refused()) +
              " refused");
  swarm.reset_all();
  const std::size_t before = swarm.opened();
  attack.expect(swarm.until(
                    [&] {
                      swarm.open("/echo");
                      swarm.run_for(milliseconds(20));
                      return swarm.opened() > before;
                    },
                    Attack::kPatience),
                "a newcomer is let in when there is room");
}

constexpr std::size_t kDescriptors = 256;
constexpr std::size_t kReserved = 16;  // at most so many are not for clients

// More connections than descriptors. The server pauses accepting without using CPU time, and
// resumes when descriptors are free. In the end it has served every client.
void descriptor_limit(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(2000, 1000);
  attack.allow_kib(count * kKibPerHead + 2048);
  for (std::size_t i = 0; i < count; ++i) swarm.open("/echo");
  const bool full = swarm.until(
      [&] { return attack.server().descriptors() >= kDescriptors - kReserved; }, Attack::kPatience);
  attack.expect(full, "the server uses all descriptors that clients may have");
  swarm.run_for(milliseconds(500));
  attack.expect(attack.server().lines_with("accept_paused") > 0, "the log tells of the pause");

  const auto watched = attack.either(milliseconds(4000), milliseconds(1500));
  const auto cpu_before = attack.server().cpu();
  const auto time_before = Clock::now();
  const std::size_t lines_before = attack.server().lines_with("accept_paused");
  swarm.run_for(watched);
  const double share = std::chrono::duration<double>(attack.server().cpu() - cpu_before).count() /
                       std::chrono::duration<double>(Clock::now() - time_before).count();
  const std::size_t complaints = attack.server().lines_with("accept_paused") - lines_before;
  attack.note("CPU while paused " + std::to_string(static_cast<int>(share * 100 + 0.5)) + " %");
  // The share includes the honest client's echoes. A reactor that spins would use all its time.
  attack.expect(share < 0.2, "a paused server does not spin: " + std::to_string(share) +
                                 " of a core, 0.2 allowed");
  attack.expect(complaints <= 12, "the log is not flooded: " + std::to_string(complaints));

  swarm.on_message = [&](Peer& peer, const FrameView& /*frame*/) { swarm.reset_peer(peer); };
  const std::string hello = e2e::text_frame("hello");
  const bool all_served = swarm.until(
      [&] {
        for (Peer& peer : swarm.peers()) {
          if (!peer.open() || peer.mark != 0) continue;
          peer.mark = 1;
          swarm.send(peer, hello);
        }
        return swarm.ended() == count;
      },
      2 * Attack::kPatience);
  const std::size_t served = swarm.count([](const Peer& peer) { return peer.messages == 1; });
  attack.expect(all_served, "everyone's turn comes");
  attack.expect_count(served, count, "connections that were served in the end");
  swarm.on_message = nullptr;
}

using Random = std::mt19937_64;

std::string garbage(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string tls_client_hello(Random& random) {
  return std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + garbage(random, 506);
}

enum HttpKind : std::size_t { kGarbage, kTls, kBrokenHead, kPipelined, kRefusedFirst, kHttpKinds };

constexpr std::uint64_t kPipelinedRequests = 200;

std::string http_input(HttpKind kind, Random& random) {
  std::string text;
  switch (kind) {
    case kGarbage:
      return garbage(random, 1 + random() % 4000);
    case kTls:
      return tls_client_hello(random);
    case kBrokenHead:
      text = e2e::RequestText::upgrade().text();
      text[random() % 12] = '\x01';
      return text;
    case kPipelined:
      for (std::uint64_t i = 0; i < kPipelinedRequests; ++i) {
        text += e2e::RequestText::get("/healthz").text();
      }
      return text;
    default:
      return e2e::RequestText::get("/healthz").add("Bad Name", "x").text() +
             e2e::RequestText::get("/healthz").text();
  }
}

// Input that is not WebSocket. The server rejects it at the first proof, with one response. Each
// pipelined request gets a response.
void http_garbage(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t waves = attack.either<std::size_t>(20, 4);
  constexpr std::size_t kPerWave = 500;
  attack.allow_kib(kPerWave * 4 * kKibPerHead + 4096);
  std::size_t wrong = 0;
  std::string example;
  for (std::size_t wave = 0; wave < waves; ++wave) {
    const std::size_t first = swarm.peers().size();
    for (std::size_t i = 0; i < kPerWave; ++i) {
      Random random(first + i);
      Peer& peer = swarm.connect();
      peer.group = i % kHttpKinds;
      swarm.send(peer, http_input(static_cast<HttpKind>(peer.group), random));
    }
    const auto answered = [&](const Peer& peer) {
      if (peer.group == kPipelined) return peer.responses == kPipelinedRequests && !peer.over();
      // Garbage may also be an unterminated head.
      return peer.over() || peer.group == kGarbage;
    };
    const auto all_answered = [&] {
      return std::all_of(swarm.peers().begin() + static_cast<std::ptrdiff_t>(first),
                         swarm.peers().end(), answered);
    };
    attack.expect(swarm.until(all_answered, Attack::kPatience),
                  "each request of wave " + std::to_string(wave) + " is answered");
    for (std::size_t i = first; i < swarm.peers().size(); ++i) {
      Peer& peer = swarm.peers()[i];
      const bool right = peer.group == kPipelined ? peer.status == 200
                         : peer.group == kGarbage ? peer.status != 101
                                                  : peer.responses == 1 && peer.status >= 400;
      if (!right && ++wrong == 1) {
        example = " (kind " + std::to_string(peer.group) + ": " + std::to_string(peer.responses) +
                  " responses, the last " + std::to_string(peer.status) + ")";
      }
      swarm.reset_peer(peer);
    }
  }
  attack.expect(wrong == 0, "each is refused once, pipelined ones answered each: " +
                                std::to_string(wrong) + " were not" + example);
}

// Connections that are reset in every state.
void reset_storm(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t waves = attack.either<std::size_t>(100, 12);
  constexpr std::size_t kPerWave = 200;
  attack.allow_kib(4 * kPerWave * kKibPerHead + 8192);
  const std::string request = e2e::RequestText::upgrade("/rooms/storm").text();
  const std::string message = e2e::binary_frame(std::string(3000, 'r'));
  const std::string stream = request + message + e2e::ping_frame("p") + message;
  for (std::size_t wave = 0; wave < waves; ++wave) {
    const std::size_t first = swarm.peers().size();
    Random random(wave);
    for (std::size_t i = 0; i < kPerWave; ++i) {
      Peer& peer = swarm.connect();
      const std::size_t cut = random() % (2 * stream.size());
      swarm.send(peer, std::string_view(stream).substr(0, cut > stream.size() ? 0 : cut));
      // Resets some before the kernel has reported the connection, and some after the server has
      // seen it.
      if (i % 3 == 0) swarm.reset_peer(peer);
    }
    swarm.step(milliseconds(0));
    for (std::size_t i = first; i < swarm.peers().size(); ++i) {
      if (i % 3 == 1) swarm.reset_peer(swarm.peers()[i]);
    }
    swarm.run_for(milliseconds(10));
    swarm.reset_all();
  }
  attack.note(std::to_string(waves * kPerWave) + " resets");
}

}  // namespace

std::vector<Scenario> http_scenarios() {
  return {
      {"slow_heads", {"--handshake-timeout", "2s"}, &slow_heads},
      {"connection_limit",
       {"--max-connections", std::to_string(kMaxConnections), "--reactors", "2"},
       &connection_limit},
      {"descriptor_limit", {"--reactors", "2"}, &descriptor_limit, kDescriptors},
      {"http_garbage", {}, &http_garbage},
      {"reset_storm", {}, &reset_storm},
  };
}

}  // namespace hostile
