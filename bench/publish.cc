// Publishes to a room with one member, for callgrind: the hub alone, without sockets.
//
//   publish MESSAGES PER_TURN HISTORY
//
// PER_TURN messages are published in each turn of the shard. HISTORY is the number of messages that
// the room keeps. The room has no engine.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"
#include "hub/hub.h"
#include "hub/member.h"

namespace {

using namespace wsd;

class Listener final : public hub::Member {
 public:
  void deliver(const hub::Batch& batch) override { delivered += batch.frames().size(); }
  void deliver(const SharedBytes&) override { ++delivered; }
  void close(CloseCause, CloseCode, std::string_view) override {}
  void join_refused(std::string_view, JoinRefusal) override {}
  void on_deadline(Tick) override {}

  std::size_t delivered = 0;
};

class NoWaker final : public hub::Waker {
 public:
  void wake() noexcept override {}
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    static_cast<void>(std::fprintf(stderr, "usage: publish MESSAGES PER_TURN HISTORY\n"));
    return 2;
  }
  const std::size_t messages = std::strtoul(argv[1], nullptr, 10);
  const std::size_t per_turn = std::strtoul(argv[2], nullptr, 10);
  hub::Shard::Options options;
  options.history = {static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)),
                     std::size_t{1} << 20, 100'000, std::size_t{1} << 30};
  NoWaker waker;
  hub::Hub hub({&waker}, options);
  hub::Shard& shard = hub.shard(0);
  Listener member;
  shard.add(member);
  shard.join(member, "bench");
  const std::vector<std::uint8_t> text(40, 'x');
  for (std::size_t sent = 0; sent < messages;) {
    for (std::size_t i = 0; i < per_turn && sent < messages; ++i, ++sent) {
      static_cast<void>(shard.publish("bench", SharedBytes::copy_of(text)));
    }
    shard.drain();
    shard.fan_out();
  }
  shard.remove(member);
  static_cast<void>(std::printf("{\"publishes\":%zu}\n", member.delivered));
  return 0;
}
