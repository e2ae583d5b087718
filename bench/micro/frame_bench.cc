// Frames through a session: masked messages back to back, as in a read step.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "protocol/frame_header.h"
#include "protocol/frame_writer.h"
#include "protocol/session.h"

namespace {

using namespace wsd;
using namespace wsd::protocol;

constexpr MaskingKey kKey = {0x37, 0x7a, 0x21, 0x3d};

std::vector<std::uint8_t> masked_frame(std::size_t size) {
  std::vector<std::uint8_t> frame(kMaxServerHeaderBytes);
  frame.resize(write_frame_header(frame.data(), Opcode::kText, size));
  frame[1] |= 0x80;
  frame.insert(frame.end(), kKey.begin(), kKey.end());
  for (std::size_t i = 0; i < size; ++i) {
    frame.push_back(static_cast<std::uint8_t>('a' ^ kKey[i % 4]));
  }
  return frame;
}

void frame_header_decode(benchmark::State& state) {
  const auto frame = masked_frame(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    FrameHeader header = decode_frame_header(frame);
    benchmark::DoNotOptimize(header);
  }
}
BENCHMARK(frame_header_decode)->Arg(20)->Arg(1024)->Arg(100'000);

// An item is a message. Each round needs new input, because the session unmasks it in place.
void session_messages(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  SessionLimits limits;
  Session session(limits);
  const std::string head =
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  std::vector<std::uint8_t> bytes(head.begin(), head.end());
  MutableBytes input(bytes);
  if (session.next(input, limits).kind != Event::Kind::kRequest) state.SkipWithError("no request");
  session.upgrade();
  std::vector<std::uint8_t> original;
  for (int i = 0; i < 32; ++i) {
    const auto frame = masked_frame(size);
    original.insert(original.end(), frame.begin(), frame.end());
  }
  std::int64_t messages = 0;
  for (auto _ : state) {
    bytes = original;
    input = bytes;
    while (session.next(input, limits).kind == Event::Kind::kMessage) ++messages;
  }
  if (messages != 32 * static_cast<std::int64_t>(state.iterations())) {
    state.SkipWithError("a message was lost");
  }
  state.SetItemsProcessed(messages);
}
BENCHMARK(session_messages)->Arg(20)->Arg(125)->Arg(1024);

}  // namespace
