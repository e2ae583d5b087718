// Attacks with large messages: highly compressed, never finished, or at line rate.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hostile/scenario.h"
#include "support/wire.h"

namespace hostile {
namespace {

constexpr std::size_t kMib = 1024;  // in KiB

// RFC 1951's bit order: numbers start with their lowest bit, codes with their highest.
class BitWriter {
 public:
  void number(unsigned value, int bits) {
    for (int i = 0; i < bits; ++i) bit((value >> i) & 1U);
  }
  void code(std::string_view digits) {
    for (const char digit : digits) bit(digit == '1' ? 1U : 0U);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void bit(unsigned value) {
    if (used_ == 0) bytes_.push_back('\0');
    bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | value << used_);
    used_ = (used_ + 1) % 8;
  }
  std::string bytes_;
  unsigned used_ = 0;
};

// Returns `size` zeros as a permessage-deflate payload (RFC 7692 §7.2.1) of a thousandth of the
// size. The block has codes of two bits for each 258 bytes (RFC 1951 §3.2.7).
std::string bomb(std::size_t size) {
  BitWriter out;
  out.number(0, 1);   // not the last block
  out.number(2, 2);   // with its own codes
  out.number(29, 5);  // 286 literal and length codes
  out.number(0, 5);   // one distance code
  out.number(
      14, 4);  // 18 code length codes, in this order: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
  for (const unsigned length : {0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2}) {
    out.number(length, 3);
  }
  const std::string_view zeros = "0";  // symbol 18 with 7 extra bits: 11 to 138 unused codes
  const std::string_view one = "10";
  const std::string_view two = "11";
  out.code(two);  // literal 0
  out.code(zeros);
  out.number(138 - 11, 7);
  out.code(zeros);
  out.number(117 - 11, 7);
  out.code(two);  // 256, end of block
  out.code(zeros);
  out.number(28 - 11, 7);
  out.code(one);   // 285, a length of 258
  out.code(one);   // distance 1
  out.code("10");  // literal 0
  for (std::size_t made = 1; made < size; made += 258) out.code("00");
  out.code("11");    // end of block
  out.number(0, 3);  // the empty stored block whose tail is not sent
  return out.bytes();
}

constexpr std::size_t kMaxMessageKib = 16 * kMib;

// Messages of 200 KB that inflate to 200 MiB.
void bombs(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(100, 40);
  const std::string payload = bomb(std::size_t{200} << 20);
  const auto message = std::make_shared<const std::string>(
      e2e::frame({.opcode = e2e::kBinary, .payload = payload, .rsv = 4}));
  attack.note(std::to_string(payload.size()) + " bytes each");
  // One message at the limit in each reactor, with its buffer of half the size before it grew, and
  // the bytes that each peer has sent.
  constexpr std::size_t kReactors = 2;
  attack.allow_kib(kReactors * kMaxMessageKib * 3 / 2 + count * 260 + 4 * kMib);
  // The sent bytes are in blocks that are too small for the allocator to free at once.
  attack.may_keep_kib(count * payload.size() / 1024);
  for (std::size_t i = 0; i < count; ++i) swarm.open("/echo", "permessage-deflate");
  attack.expect(swarm.until([&] { return swarm.opened() == count; }, Attack::kPatience),
                "all are let in");
  if (!swarm.peers().front().deflate) {
    attack.skip("this server does not speak permessage-deflate");
    return;
  }
  const auto before = attack.server().cpu();
  for (Peer& peer : swarm.peers()) swarm.send_over_and_over(peer, message, 1);
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1009;
  };
  static_cast<void>(swarm.until([&] { return swarm.count(refused) == count; }, Attack::kPatience));
  attack.expect_count(swarm.count(refused), count, "ended by 1009");
  const double cpu = std::chrono::duration<double>(attack.server().cpu() - before).count();
  attack.note("CPU " + std::to_string(static_cast<int>(cpu * 1000 / static_cast<double>(count))) +
              " ms each");
  if (!attack.quick()) {
    attack.expect(cpu < static_cast<double>(count), "none costs a second");
  }
}

constexpr std::size_t kInputKib = 64 * kMib;

// Unfinished messages that exceed --max-input-bytes. The peer that exceeds the limit gets 1013. The
// others continue.
void unfinished_messages(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t count = attack.either<std::size_t>(400, 150);
  constexpr std::size_t kSent = std::size_t{1} << 20;
  constexpr std::size_t kWhole = 2 * kSent;
  // The limit, the messages in progress when it is exceeded, and the memory that two reactors cache
  // for a moment.
  constexpr std::size_t kKeptKib = std::size_t{2} * 16 * kMib;
  attack.allow_kib(kInputKib + 12 * kMib + kKeptKib);
  for (std::size_t i = 0; i < count; ++i) swarm.open("/echo");
  attack.expect(swarm.until([&] { return swarm.opened() == count; }, Attack::kPatience),
                "all are let in");
  const std::string whole = e2e::binary_frame(std::string(kWhole, 'u'));
  const std::size_t header = whole.size() - kWhole;
  const auto first = std::make_shared<const std::string>(whole.substr(0, header + kSent));
  for (Peer& peer : swarm.peers()) swarm.send_over_and_over(peer, first, 1);
  const auto refused = [&](const Peer& peer) {
    return attack.ended(peer) && peer.close_code == 1013;
  };
  const auto has_sent = [](const Peer& peer) { return peer.over() || !Swarm::unsent(peer); };
  static_cast<void>(swarm.until([&] { return swarm.count(has_sent) == count; }, Attack::kPatience));
  const std::size_t within = kInputKib * 1024 / kWhole;
  static_cast<void>(
      swarm.until([&] { return swarm.count(refused) >= count - 2 * within; }, Attack::kPatience));
  attack.expect(swarm.count(refused) >= count - 2 * within && swarm.count(refused) < count,
                "some are refused, some may go on: " + std::to_string(swarm.count(refused)) +
                    " of " + std::to_string(count) + " refused");
  attack.note(std::to_string(swarm.count(refused)) + " refused");

  const std::string rest = whole.substr(header + kSent);
  for (Peer& peer : swarm.peers()) swarm.send(peer, rest);
  const auto served = [](const Peer& peer) { return peer.messages == 1; };
  static_cast<void>(swarm.until([&] { return swarm.count(refused) + swarm.count(served) == count; },
                                Attack::kPatience));
  attack.expect_count(swarm.count(refused) + swarm.count(served), count, "refused or served");
  attack.expect(swarm.count(served) >= within / 4,
                "messages within the bound come back: " + std::to_string(swarm.count(served)));
}

// One peer sends frames of 64 KiB and another small ones, both as fast as the server accepts them.
void hot_senders(Attack& attack) {
  Swarm& swarm = attack.swarm();
  constexpr std::size_t kLarge = std::size_t{64} << 10;
  constexpr std::size_t kSmall = 16;
  constexpr std::size_t kSmallInOne = 512;
  const std::uint64_t times = attack.either<std::uint64_t>(8000, 1000);
  attack.allow_kib(8 * kMib);
  Peer& large = swarm.open("/echo");
  Peer& small = swarm.open("/echo");
  attack.expect(swarm.until([&] { return swarm.opened() == 2; }, Attack::kPatience),
                "both are let in");
  std::string many;
  for (std::size_t i = 0; i < kSmallInOne; ++i) many += e2e::text_frame(std::string(kSmall, 's'));
  const auto began = Clock::now();
  swarm.send_over_and_over(
      large, std::make_shared<const std::string>(e2e::binary_frame(std::string(kLarge, 'L'))),
      times);
  swarm.send_over_and_over(small, std::make_shared<const std::string>(many), times);
  static_cast<void>(
      swarm.until([&] { return large.messages == times && small.messages == times * kSmallInOne; },
                  Attack::kPatience));
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  attack.expect_count(large.messages, times, "large echoes");
  attack.expect_count(small.messages, times * kSmallInOne, "small echoes");
  attack.expect(
      large.message_bytes == times * kLarge && small.message_bytes == times * kSmallInOne * kSmall,
      "no byte is lost");
  attack.note(
      std::to_string(static_cast<int>(static_cast<double>(large.message_bytes) / seconds / 1e6)) +
      " MB/s and " +
      std::to_string(static_cast<int>(static_cast<double>(small.messages) / seconds / 1e3)) +
      "k messages/s");
}

}  // namespace

std::vector<Scenario> message_scenarios() {
  return {
      {"bombs", {"--reactors", "2"}, &bombs},
      {"unfinished_messages", {"--max-input-bytes", "64MiB"}, &unfinished_messages},
      {"hot_senders", {}, &hot_senders},
  };
}

}  // namespace hostile
