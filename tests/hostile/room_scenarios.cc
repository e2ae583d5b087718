// Attacks on rooms: members that join and leave all at once, do not read, or have vanished.
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hostile/scenario.h"
#include "support/wire.h"

namespace hostile {
namespace {

constexpr std::size_t kKibPerMember = 4;

std::string room(std::size_t number) { return "/rooms/room" + std::to_string(number); }

// Opens and joins `members` peers, kRoomSize in each room. A member has joined when its own message
// has come back, because the room's home shard may be on another thread.
constexpr std::size_t kRoomSize = 20;

bool herd_joins(Attack& attack, std::size_t members, const std::string& wave) {
  Swarm& swarm = attack.swarm();
  std::size_t joined = 0;
  std::size_t strays = 0;
  swarm.on_message = [&](Peer& peer, const FrameView& frame) {
    if (!frame.payload.starts_with(wave)) ++strays;
    if (peer.mark != 0 || frame.payload != wave + std::to_string(peer.index)) return;
    peer.mark = 1;
    ++joined;
  };
  for (std::size_t i = 0; i < members; ++i) {
    Peer& peer = swarm.open(room(i / kRoomSize));
    peer.group = i / kRoomSize;
    swarm.send(peer, e2e::text_frame(wave + std::to_string(peer.index)));
  }
  const bool all = swarm.until([&] { return joined == members; }, 2 * Attack::kPatience);
  attack.expect_count(joined, members, "of " + wave + "have joined");
  attack.expect(strays == 0, "no one hears of an earlier wave: " + std::to_string(strays));
  swarm.on_message = nullptr;
  return all;
}

// All peers connect and join a room, are dropped at once, and return at once.
void reconnect_herd(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t members = attack.either<std::size_t>(10'000, 2000);
  const int waves = attack.either(3, 2);
  // The server is still freeing the dropped connections when the next ones arrive.
  attack.allow_kib(2 * members * kKibPerMember + 4096);
  std::vector<std::size_t> firsts;
  for (int wave = 0; wave < waves; ++wave) {
    const std::size_t first = swarm.peers().size();
    const auto began = Clock::now();
    if (!herd_joins(attack, members, "wave " + std::to_string(wave) + " ")) return;
    attack.note(
        std::to_string(std::chrono::duration_cast<milliseconds>(Clock::now() - began).count()) +
        " ms");
    // One message in each room reaches each member exactly once.
    for (std::size_t i = first; i < swarm.peers().size(); ++i) swarm.peers()[i].messages = 0;
    std::size_t heard = 0;
    swarm.on_message = [&](Peer& /*peer*/, const FrameView& frame) {
      if (frame.payload == "to all") ++heard;
    };
    for (std::size_t i = first; i < swarm.peers().size(); i += kRoomSize) {
      swarm.send(swarm.peers()[i], e2e::text_frame("to all"));
    }
    static_cast<void>(swarm.until([&] { return heard >= members; }, Attack::kPatience));
    swarm.run_for(milliseconds(50));
    attack.expect_count(heard, members, "have received the message to all");
    swarm.on_message = nullptr;
    if (wave + 1 < waves) swarm.reset_all();
  }
}

constexpr std::size_t kQueueKib = 64;

// Members that never read. Their room carries far more data than all buffers on the path can store.
class StalledRoom {
 public:
  static constexpr std::size_t kStalled = 20;
  static constexpr std::size_t kReaders = 4;

  // Each burst has one message of each of these sizes.
  StalledRoom(Attack& attack, std::vector<std::size_t> sizes)
      : attack_(attack), swarm_(attack.swarm()), sizes_(std::move(sizes)) {
    swarm_.on_message = [this](Peer& peer, const FrameView& frame) { on_message(peer, frame); };
  }
  ~StalledRoom() { swarm_.on_message = nullptr; }
  StalledRoom(const StalledRoom&) = delete;
  StalledRoom& operator=(const StalledRoom&) = delete;

  bool join() {
    for (std::size_t i = 0; i < kReaders + kStalled; ++i) {
      Peer& peer = swarm_.open("/rooms/storm", {}, i < kReaders ? 0 : 4096);
      peer.group = i < kReaders ? 0 : 1;
      swarm_.send(peer, e2e::text_frame("hello " + std::to_string(i)));
    }
    // `mark`: the member's own greeting, and later the next expected number.
    const bool joined =
        swarm_.until([this] { return hellos_ == kReaders + kStalled; }, Attack::kPatience);
    attack_.expect(joined, "all have joined");
    for (Peer& peer : swarm_.peers()) {
      peer.reading = peer.group == 0;
      peer.mark = 0;
    }
    return joined;
  }

  // Sends bursts. The readers receive each burst before the next, so that only the stalled members'
  // queues can fill up.
  bool storm(std::size_t messages) {
    for (std::size_t i = 0; i < messages; i += sizes_.size()) {
      std::string burst;
      for (std::size_t k = 0; k < sizes_.size(); ++k) burst += e2e::text_frame(numbered(i + k));
      swarm_.send(swarm_.peers().front(), burst);
      const auto caught_up = [&](const Peer& peer) { return peer.mark == i + sizes_.size(); };
      const auto all = [&] {
        for (std::size_t reader = 0; reader < kReaders; ++reader) {
          if (!caught_up(swarm_.peers()[reader])) return false;
        }
        return true;
      };
      if (swarm_.until(all, Attack::kPatience)) continue;
      attack_.expect(false, "the readers lose nothing: stuck after " + std::to_string(i));
      return false;
    }
    attack_.expect(disorder_.empty(), "order holds: " + disorder_);
    return true;
  }

  // Lets the stalled members read until they have received a number from `goal` on. Messages
  // published meanwhile give each of them something to read.
  void read_on(std::size_t goal) {
    std::size_t next = goal;
    for (Peer& peer : swarm_.peers()) {
      if (peer.group == 1) swarm_.read_on(peer);
    }
    const auto caught_up = [&](const Peer& peer) { return peer.group == 0 || peer.mark > goal; };
    const bool all = swarm_.until(
        [&] {
          swarm_.send(swarm_.peers().front(), e2e::text_frame(numbered(next++)));
          swarm_.run_for(milliseconds(5));
          return swarm_.count(caught_up) == kReaders + kStalled;
        },
        Attack::kPatience);
    attack_.expect(all, "stalled members that read on catch up: " +
                            std::to_string(swarm_.count(caught_up) - kReaders) + " of " +
                            std::to_string(kStalled));
    attack_.expect(disorder_.empty(), "order holds: " + disorder_);
  }

  // Returns how many stalled members have received message `number`, or had it dropped.
  [[nodiscard]] std::size_t have(std::size_t number) const {
    std::size_t count = 0;
    for (const auto& numbers : received_) {
      for (const std::size_t each : numbers) count += each == number ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] std::size_t stalled_open() const {
    return swarm_.count([](const Peer& peer) { return peer.group == 1 && peer.open(); });
  }

 private:
  void on_message(Peer& peer, const FrameView& frame) {
    if (frame.payload.starts_with("hello ")) {
      if (frame.payload == "hello " + std::to_string(peer.index)) ++hellos_;
      return;
    }
    std::size_t number = 0;
    const char* const end = frame.payload.data() + frame.payload.size();
    if (std::from_chars(frame.payload.data(), end, number).ec != std::errc{} ||
        frame.payload.size() != numbered(number).size()) {
      disorder_ = "a message that no one sent";
      return;
    }
    // A reader must miss nothing. A stalled member may miss messages, but receives the others in
    // order.
    const bool right = peer.group == 0 ? number == peer.mark : number >= peer.mark;
    if (!right) {
      disorder_ = "peer " + std::to_string(peer.index) + " heard " + std::to_string(number) +
                  " where " + std::to_string(peer.mark) + " was due";
    }
    peer.mark = number + 1;
    if (peer.group == 1) received_[peer.index - kReaders].push_back(number);
  }

  [[nodiscard]] std::string numbered(std::size_t number) const {
    std::string text = std::to_string(number) + " ";
    text.resize(std::max(text.size(), sizes_[number % sizes_.size()]), '.');
    return text;
  }

  Attack& attack_;
  Swarm& swarm_;
  std::vector<std::size_t> sizes_;
  std::size_t hellos_ = 0;
  std::array<std::vector<std::size_t>, kStalled> received_;
  std::string disorder_;
};

// 1 KiB each, 16 MB in total or a quarter of it.
const std::vector<std::size_t> kEvenBurst(16, 1024);

std::size_t even_storm(const Attack& attack) {
  return kEvenBurst.size() * attack.either<std::size_t>(1000, 250);
}

// The stalled members wait for the same messages, which the server stores once.
void allow_queues(Attack& attack, std::size_t queue_kib) { attack.allow_kib(2 * queue_kib + 2048); }

void stalled_disconnect(Attack& attack) {
  allow_queues(attack, kQueueKib);
  StalledRoom members(attack, kEvenBurst);
  if (!members.join() || !members.storm(even_storm(attack))) return;
  const auto ended = [&] { return attack.server().lines_with("cause=slow_consumer"); };
  static_cast<void>(attack.swarm().until(
      [&] {
        attack.swarm().run_for(milliseconds(50));
        return ended() == StalledRoom::kStalled;
      },
      Attack::kPatience));
  attack.expect_count(ended(), StalledRoom::kStalled, "stalled members ended as slow consumers");
}

// Members that stall during a storm, stay connected, and read again afterwards.
std::optional<std::size_t> storm_over_stalled(Attack& attack, StalledRoom& members) {
  const std::size_t messages = even_storm(attack);
  if (!members.join() || !members.storm(messages)) return std::nullopt;
  attack.expect_count(members.stalled_open(), StalledRoom::kStalled, "stalled members are kept");
  members.read_on(messages);
  return messages;
}

void stalled_drop_newest(Attack& attack) {
  allow_queues(attack, kQueueKib);
  StalledRoom members(attack, kEvenBurst);
  const auto messages = storm_over_stalled(attack, members);
  if (!messages) return;
  attack.expect_count(members.have(0), StalledRoom::kStalled, "have the oldest");
  attack.expect_count(members.have(*messages - 1), 0, "have the newest of the storm");
}

void stalled_drop_oldest(Attack& attack) {
  allow_queues(attack, kQueueKib);
  StalledRoom members(attack, kEvenBurst);
  const auto messages = storm_over_stalled(attack, members);
  if (!messages) return;
  attack.expect_count(members.have(*messages - 1), StalledRoom::kStalled,
                      "have the newest of the storm");
  attack.expect_count(members.have(*messages / 2), 0, "have an old message");
}

constexpr std::size_t kLargeQueueKib = 1024;

// Large messages that do not fit a stalled member's queue, each with a small one that does. A
// queued message must not keep alive one that was not queued. Each burst is a block of 240 KB. The
// reactor caches 16 MiB of freed blocks for a moment, and the storm is far larger.
void stalled_small_beside_large(Attack& attack) {
  constexpr std::size_t kKeptBlocksKib = 16 * 1024;
  attack.allow_kib(2 * kLargeQueueKib + 2048 + kKeptBlocksKib);
  std::vector<std::size_t> burst(60, 4000);
  burst.back() = 1;
  const std::size_t messages = burst.size() * attack.either<std::size_t>(200, 160);
  StalledRoom members(attack, burst);
  if (!members.join() || !members.storm(messages)) return;
  attack.expect_count(members.stalled_open(), StalledRoom::kStalled, "stalled members are kept");
}

// Peers that have vanished: no byte comes from them. Beside them, some silent peers that answer
// Pings.
void half_open(Attack& attack) {
  Swarm& swarm = attack.swarm();
  const std::size_t gone = attack.either<std::size_t>(2000, 300);
  constexpr std::size_t kQuiet = 20;
  attack.allow_kib((gone + kQuiet) * kKibPerMember + 4096);
  for (std::size_t i = 0; i < gone + kQuiet; ++i) {
    Peer& peer = swarm.open(room(i % 10));
    peer.group = i < gone ? 0 : 1;
    if (i % 64 == 0) swarm.step(milliseconds(0));
  }
  attack.expect(swarm.until([&] { return swarm.opened() == gone + kQuiet; }, Attack::kPatience),
                "all are let in");
  for (Peer& peer : swarm.peers()) {
    if (peer.group == 0) peer.reading = peer.answers_ping = false;
  }
  const auto began = Clock::now();
  const auto ended = [&] { return attack.server().lines_with("cause=pong_timeout"); };
  static_cast<void>(swarm.until(
      [&] {
        swarm.run_for(milliseconds(50));
        return ended() >= gone;
      },
      Attack::kPatience));
  const auto lasted = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  attack.note("gone after " + std::to_string(lasted.count()) + " ms");
  if (!attack.quick())
    attack.expect(lasted < milliseconds(8000), "within interval, timeout and 2 s");
  // More than another round of Pings: peers that answer stay connected.
  swarm.run_for(milliseconds(5000));
  attack.expect_count(ended(), gone, "silent peers ended for want of a pong");
  attack.expect_count(swarm.count([](const Peer& peer) { return peer.group == 1 && peer.open(); }),
                      kQuiet, "quiet peers that answer pings");
  // The kernel of a silent peer has received a Ping, our Close with 1011, and the end.
  for (Peer& peer : swarm.peers()) {
    if (peer.group == 0) swarm.read_on(peer);
  }
  const auto over = [](const Peer& peer) { return peer.group == 0 && peer.over(); };
  static_cast<void>(swarm.until([&] { return swarm.count(over) == gone; }, Attack::kPatience));
  attack.expect_count(swarm.count(over), gone, "have TCP's end too");
  // The rooms contain only the remaining members, and these receive each other's messages.
  std::size_t heard = 0;
  swarm.on_message = [&](Peer& /*peer*/, const FrameView& /*frame*/) { ++heard; };
  swarm.send(swarm.peers()[gone], e2e::text_frame("anyone here?"));
  static_cast<void>(swarm.until([&] { return heard >= kQuiet / 10; }, Attack::kPatience));
  attack.expect_count(heard, kQuiet / 10, "in the room receive its messages");
  swarm.on_message = nullptr;
}

std::vector<std::string> stalled_flags(const char* policy, std::size_t queue_kib) {
  return {"--reactors",      "2",     "--socket-send-buffer", "16384",
          "--notsent-lowat", "16384", "--send-queue-bytes",   std::to_string(queue_kib) + "KiB",
          "--close-timeout", "300ms", "--slow-policy",        policy};
}

}  // namespace

std::vector<Scenario> room_scenarios() {
  return {
      {"reconnect_herd", {}, &reconnect_herd},
      {"stalled_disconnect", stalled_flags("disconnect", kQueueKib), &stalled_disconnect},
      {"stalled_drop_newest", stalled_flags("drop-newest", kQueueKib), &stalled_drop_newest},
      {"stalled_drop_oldest", stalled_flags("drop-oldest", kQueueKib), &stalled_drop_oldest},
      {"stalled_small_beside_large", stalled_flags("drop-newest", kLargeQueueKib),
       &stalled_small_beside_large},
      {"half_open",
       {"--ping-interval", "2s", "--pong-timeout", "4s", "--read-timeout", "off"},
       &half_open},
  };
}

}  // namespace hostile
