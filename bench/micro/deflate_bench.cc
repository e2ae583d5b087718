// A JSON text of 1 KiB, compressed and decompressed, each message independently (RFC 7692 §7.1.1);
// and one of 128 KiB, compressed for every window. `ratio` is the plain size by the compressed one.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "protocol/deflate.h"

namespace {

using namespace wsd;
using namespace wsd::protocol;

constexpr std::uint8_t kWindowBits = 15;

std::string json_text(std::size_t size) {
  std::string text = "{\"quotes\":[";
  for (unsigned i = 0; text.size() < size; ++i) {
    text += "{\"symbol\":\"S" + std::to_string(i * 7919 % 997) +
            "\",\"bid\":" + std::to_string(i * 104'729 % 100'000) + ".25,\"live\":true},";
  }
  text.resize(size);
  return text;
}

void deflate_message(benchmark::State& state) {
  const std::string text = json_text(1024);
  Deflater deflater(kWindowBits, static_cast<int>(state.range(0)));
  ByteBuffer out;
  for (auto _ : state) {
    if (!deflater.message(as_bytes(text), out)) state.SkipWithError("no memory");
    deflater.forget();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(deflate_message)->ArgName("level")->Arg(1)->Arg(6);

void deflate_for_window(benchmark::State& state) {
  const std::string text = json_text(std::size_t{128} << 10);
  Deflater deflater(static_cast<std::uint8_t>(state.range(0)), 1);
  ByteBuffer out;
  for (auto _ : state) {
    if (!deflater.message(as_bytes(text), out)) state.SkipWithError("no memory");
    deflater.forget();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["ratio"] = static_cast<double>(text.size()) / static_cast<double>(out.size());
}
BENCHMARK(deflate_for_window)->ArgName("bits")->DenseRange(9, 15);

void inflate_message(benchmark::State& state) {
  const std::string text = json_text(1024);
  Deflater deflater(kWindowBits, 6);
  ByteBuffer compressed;
  if (!deflater.message(as_bytes(text), compressed)) state.SkipWithError("no memory");
  Inflater inflater(kWindowBits);
  ByteBuffer out;
  WorkShare share(kInflateShare);
  for (auto _ : state) {
    share.begin_turn();
    Bytes rest = compressed.bytes();
    if (inflater.message(rest, out, text.size(), share) != Inflater::Status::kOk) {
      state.SkipWithError("not inflated");
    }
    inflater.forget();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(inflate_message);

}  // namespace
