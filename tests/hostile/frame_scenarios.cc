// Attacks with small frames: control frames, fragments, and headers that announce large payloads.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hostile/scenario.h"
#include "support/wire.h"

namespace hostile {
namespace {

constexpr std::size_t kKibPerPeer = 8;

using Pattern = std::shared_ptr<const std::string>;

Pattern pattern(std::string_view bytes, std::size_t times) {
  auto text = std::make_shared<std::string>();
  text->reserve(bytes.size() * times);
  for (std::size_t i = 0; i < times; ++i) *text += bytes;
  return text;
}

constexpr std::uint64_t kForever = ~std::uint64_t{0};

bool all_open(Attack& attack, std::size_t count) {
  const bool open =
      attack.swarm().until([&] { return attack.swarm().opened() == count; }, Attack::kPatience);
  attack.expect(open, "all are let in");
  return open;
}

// Half of the peers send Pings as fast as they can. The others stay within
// --max-control-frames-per-second.
void ping_flood(Attack& attack) {
  Swarm& swarm = attack.swarm();
  constexpr std::size_t kPerGroup = 20;
  constexpr int kBurst = 400;
  attack.allow_kib(2 * kPerGroup * kKibPerPeer + 2048);
  for (std::size_t i = 0; i < 2 * kPerGroup; ++i) swarm.open("/echo").group = i % 2;
  if (!all_open(attack, 2 * kPerGroup)) return;
  const Pattern flood = pattern(e2e::ping_frame("0123456789"), 200);
  for (Peer& peer : swarm.peers()) {
    if (peer.group == 0) swarm.send_over_and_over(peer, flood, kForever);
  }
  const int bursts = attack.either(4, 2);
  int number = 0;
  for (int i = 0; i < bursts; ++i) {
    std::string burst;
    for (int k = 0; k < kBurst; ++k) burst += e2e::ping_frame(std::to_string(++number));
    for (Peer& peer : swarm.peers()) {
      if (peer.group == 1) swarm.send(peer, burst);
    }
    // A burst in each second of the server, two at most.
    swarm.run_for(milliseconds(1000));
  }
  const std::string last = std::to_string(number);
  const auto served = [&](const Peer& peer) { return peer.open() && peer.last_pong == last; };
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1008;
  };
  static_cast<void>(swarm.until(
      [&] { return swarm.count(served) == kPerGroup && swarm.count(refused) == kPerGroup; },
      Attack::kPatience));
  attack.expect_count(swarm.count(refused), kPerGroup, "over their budget and ended by 1008");
  attack.expect_count(swarm.count(served), kPerGroup, "within it and served to the last ping");
}

// Endless empty fragments, beside peers that send as many as are allowed.
void empty_fragments(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(400, 100);
  attack.allow_kib(count * kKibPerPeer + 2048);
  for (std::size_t i = 0; i < count; ++i) swarm.open("/echo");
  Peer& modest = swarm.open("/echo");
  modest.group = 1;
  if (!all_open(attack, count + 1)) return;
  std::string echo;
  swarm.on_message = [&](Peer& /*peer*/, const FrameView& frame) { echo = frame.payload; };
  std::string message = e2e::text_frame("a", false);
  for (int i = 0; i < 1000; ++i) message += e2e::continuation_frame("", false);
  swarm.send(modest, message + e2e::continuation_frame("b", true));
  const std::string begin = e2e::text_frame("", false);
  const Pattern flood = pattern(e2e::continuation_frame("", false), 1000);
  for (Peer& peer : swarm.peers()) {
    if (peer.group != 0) continue;
    swarm.send(peer, begin);
    swarm.send_over_and_over(peer, flood, 200);
  }
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1008;
  };
  static_cast<void>(swarm.until([&] { return swarm.count(refused) == count && !echo.empty(); },
                                Attack::kPatience));
  attack.expect_count(swarm.count(refused), count, "ended by 1008 at the cap");
  attack.expect(echo == "ab", "a message with empty fragments within the cap comes back");
  swarm.on_message = nullptr;
}

constexpr std::size_t kFragmentCap = 131'072;

// Returns a message of `size` bytes with one byte in each fragment.
std::string crumbled(std::size_t size) {
  std::string bytes;
  bytes.reserve(size * 7);
  for (std::size_t i = 0; i < size; ++i) {
    const std::string letter(1, static_cast<char>('a' + i % 26));
    const bool last = i + 1 == size;
    bytes += i == 0 ? e2e::text_frame(letter, last) : e2e::continuation_frame(letter, last);
  }
  return bytes;
}

// Returns the server's CPU time for `times` such messages by each of its peers.
double crumbs(Attack& attack, std::size_t size, std::uint64_t times) {
  Swarm& swarm = attack.swarm();
  const auto message = std::make_shared<const std::string>(crumbled(size));
  std::uint64_t wrong = 0;
  swarm.on_message = [&](Peer& /*peer*/, const FrameView& frame) {
    bool right = frame.payload.size() == size;
    for (std::size_t i = 0; right && i < size; ++i) {
      right = frame.payload[i] == static_cast<char>('a' + i % 26);
    }
    if (!right) ++wrong;
  };
  const auto before = attack.server().cpu();
  for (Peer& peer : swarm.peers()) {
    peer.messages = 0;
    swarm.send_over_and_over(peer, message, times);
  }
  const auto done = [&](const Peer& peer) { return peer.messages == times; };
  const std::size_t count = swarm.peers().size();
  static_cast<void>(swarm.until([&] { return swarm.count(done) == count; }, Attack::kPatience));
  attack.expect_count(swarm.count(done), count,
                      "have all messages of " + std::to_string(size) + " fragments back");
  attack.expect(wrong == 0, "every echo equals its message");
  swarm.on_message = nullptr;
  return std::chrono::duration<double>(attack.server().cpu() - before).count();
}

// As many one-byte fragments as a message may have, message after message. Then one more.
void tiny_fragments(Attack& attack) {
  Swarm& swarm = attack.swarm();
  constexpr std::size_t kPeers = 4;
  constexpr std::uint64_t kFewer = 16;
  const std::uint64_t times = attack.either<std::uint64_t>(8, 1);
  // The collected fragments, twice while the buffer grows, and the queued responses.
  attack.allow_kib(kPeers * 4 * (kFragmentCap >> 10) + 2048);
  for (std::size_t i = 0; i < kPeers; ++i) swarm.open("/echo");
  if (!all_open(attack, kPeers)) return;
  const double small = crumbs(attack, kFragmentCap / kFewer, times * kFewer);
  const double large = crumbs(attack, kFragmentCap, times);
  const double millions = static_cast<double>(kPeers * times * kFragmentCap) / 1e6;
  attack.note("CPU " + std::to_string(static_cast<int>(large / millions * 1000)) +
              " ns a fragment, " + std::to_string(static_cast<int>(small / millions * 1000)) +
              " in messages of a sixteenth");
  if (!attack.quick()) {
    attack.expect(large < 3 * small,
                  "the cost of a fragment does not depend on how many there are");
  }
  std::string over = e2e::text_frame("s", false);
  const std::string crumb = e2e::continuation_frame("x", false);
  for (std::size_t i = 0; i < kFragmentCap; ++i) over += crumb;
  for (Peer& peer : swarm.peers()) swarm.send(peer, over);
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1008;
  };
  static_cast<void>(swarm.until([&] { return swarm.count(refused) == kPeers; }, Attack::kPatience));
  attack.expect_count(swarm.count(refused), kPeers, "with one fragment too many ended by 1008");
}

// A header that announces more than the message limit ends the connection at once. A header that
// announces the limit costs only the bytes that arrived.
void giant_lengths(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(3000, 600);
  attack.allow_kib(count * kKibPerPeer + 2048);
  constexpr std::uint64_t kMaxMessage = std::uint64_t{16} << 20;
  const std::vector<std::uint64_t> lengths{~std::uint64_t{0} >> 1, std::uint64_t{1} << 30,
                                           kMaxMessage + 1};
  for (std::size_t i = 0; i < count; ++i) {
    Peer& peer = swarm.open("/echo");
    peer.group = i % 2;
    const std::uint64_t length = i % 2 == 0 ? lengths[i / 2 % lengths.size()] : kMaxMessage;
    swarm.send(peer,
               e2e::frame({.opcode = e2e::kBinary, .payload = "p", .claimed_length = length}));
    if (i % 64 == 0) swarm.step(milliseconds(0));
  }
  if (!all_open(attack, count)) return;
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1009;
  };
  static_cast<void>(
      swarm.until([&] { return swarm.count(refused) == count / 2; }, Attack::kPatience));
  attack.expect_count(swarm.count(refused), count / 2, "too long and ended by 1009");
  attack.expect_count(swarm.count([](const Peer& peer) { return peer.open(); }), count / 2,
                      "long and under way");
}

}  // namespace

std::vector<Scenario> frame_scenarios() {
  return {
      {"ping_flood", {"--max-control-frames-per-second", "1000"}, &ping_flood},
      {"empty_fragments", {}, &empty_fragments},
      {"tiny_fragments", {}, &tiny_fragments},
      {"giant_lengths", {}, &giant_lengths},
  };
}

}  // namespace hostile
