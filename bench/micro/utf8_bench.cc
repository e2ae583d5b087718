// UTF-8 validation by script and by size. Compares feed_masked() with its two halves one after the
// other.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/utf8.h"
#include "protocol/utf8_kernels.h"

namespace {

using namespace wsd;
using namespace wsd::protocol;

// All bytes are below 0x80: ASCII stays ASCII however often it is masked, so no round has to undo
// it.
constexpr MaskingKey kKey = {0x37, 0x7a, 0x21, 0x3d};

enum class Script { kAscii, kRussian, kChinese, kMixed };

// Words in a seeded order, so that a branch predictor cannot learn the text.
std::vector<std::uint8_t> text_of(Script script, std::size_t size) {
  static constexpr std::string_view kWords[][4] = {
      {"hello ", "chat ", "websocket ", "to all, "},
      {"привет ", "всем, ", "как ", "дела? "},
      {"你好", "大家", "今天", "怎么样?"},
      {"hello ", "привет ", "你好", "🙂👍 "},
  };
  std::vector<std::uint8_t> text;
  std::mt19937 random(3);
  for (;;) {
    const std::string_view word = kWords[static_cast<int>(script)][random() % 4];
    if (text.size() + word.size() > size) {
      break;
    }
    text.insert(text.end(), word.begin(), word.end());
  }
  text.resize(size, ' ');
  return text;
}

void utf8_is_utf8(benchmark::State& state, Script script) {
  const auto text = text_of(script, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    bool valid = is_utf8(text);
    benchmark::DoNotOptimize(valid);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(utf8_is_utf8, ascii, Script::kAscii)->Arg(20)->Arg(125)->Arg(1024)->Arg(64 << 10);
BENCHMARK_CAPTURE(utf8_is_utf8, russian, Script::kRussian)->Arg(20)->Arg(1024)->Arg(64 << 10);
BENCHMARK_CAPTURE(utf8_is_utf8, chinese, Script::kChinese)->Arg(1024)->Arg(64 << 10);
BENCHMARK_CAPTURE(utf8_is_utf8, mixed, Script::kMixed)->Arg(20)->Arg(125)->Arg(1024)->Arg(64 << 10);

// Short payloads in turn at many places, as in mask_bench.cc.
template <class Check>
void check_masked_ascii(benchmark::State& state, Check check) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::size_t places = size < 256 ? 64 : 1;
  const std::size_t stride = (size + 63) / 64 * 64;
  auto text = text_of(Script::kAscii, places * stride);
  std::size_t place = 0;
  for (auto _ : state) {
    bool valid = check(MutableBytes(text).subspan(place * stride, size));
    benchmark::DoNotOptimize(valid);
    place = (place + 1) & (places - 1);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void utf8_feed_masked(benchmark::State& state) {
  check_masked_ascii(state, [](MutableBytes bytes) {
    Utf8Validator validator;
    return validator.feed_masked(bytes, kKey, 0);
  });
}
BENCHMARK(utf8_feed_masked)->Arg(7)->Arg(20)->Arg(125)->Arg(64 << 10)->Arg(16 << 20);

void utf8_mask_then_feed(benchmark::State& state) {
  check_masked_ascii(state, [](MutableBytes bytes) {
    apply_mask(bytes, kKey);
    Utf8Validator validator;
    return validator.feed(bytes);
  });
}
BENCHMARK(utf8_mask_then_feed)->Arg(7)->Arg(20)->Arg(125)->Arg(64 << 10)->Arg(16 << 20);

const bool kRegistered = [] {
  for (const Utf8Kernel& kernel : utf8_kernels()) {
    for (const auto& [name, script] :
         {std::pair{"ascii", Script::kAscii}, std::pair{"mixed", Script::kMixed}}) {
      if (!kernel.supported) {
        continue;
      }
      benchmark::RegisterBenchmark(("utf8_kernel/" + std::string(kernel.name) + '/' + name).c_str(),
                                   [kernel, script = script](benchmark::State& state) {
                                     const auto text = text_of(script, 64 << 10);
                                     for (auto _ : state) {
                                       bool valid = kernel.valid(text.data(), text.size());
                                       benchmark::DoNotOptimize(valid);
                                     }
                                     state.SetBytesProcessed(state.iterations() * (64 << 10));
                                   });
    }
  }
  return true;
}();

}  // namespace
