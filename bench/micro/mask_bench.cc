// Masking beside memcpy of the same size, which touches the same memory without changing it.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "protocol/mask.h"
#include "protocol/mask_kernels.h"

namespace {

using namespace wsd;
using namespace wsd::protocol;

constexpr MaskingKey kKey = {0x37, 0xfa, 0x21, 0x3d};

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void mask_memcpy(benchmark::State& state) {
  const std::vector<std::uint8_t> from(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint8_t> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}
BENCHMARK(mask_memcpy)->Arg(20)->Arg(125)->Arg(1024)->Arg(64 << 10);

// Short payloads in turn at many places. Masking one place repeatedly would measure how long a load
// waits for the stores before it.
void mask_apply(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::size_t places = size < 256 ? 64 : 1;
  const std::size_t stride = (size + 63) / 64 * 64;
  std::vector<std::uint8_t> bytes(places * stride);
  std::size_t place = 0;
  for (auto _ : state) {
    apply_mask(MutableBytes(bytes).subspan(place * stride, size), kKey);
    benchmark::ClobberMemory();
    place = (place + 1) & (places - 1);
  }
  count_bytes(state);
}
BENCHMARK(mask_apply)->Arg(3)->Arg(7)->Arg(12)->Arg(20)->Arg(125)->Arg(1024)->Arg(64 << 10);

void mask_kernel(benchmark::State& state, const MaskKernel& kernel) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    kernel.apply(bytes.data(), bytes.size(), 0x12345678);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

// The reference of the tests, for comparison.
void mask_byte_loop(benchmark::State& state) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ kKey[i % 4]);
      benchmark::DoNotOptimize(bytes[i]);
    }
  }
  count_bytes(state);
}
BENCHMARK(mask_byte_loop)->Arg(20)->Arg(64 << 10);

const bool kRegistered = [] {
  for (const MaskKernel& kernel : mask_kernels()) {
    if (kernel.supported) {
      benchmark::RegisterBenchmark(
          ("mask_kernel/" + std::string(kernel.name)).c_str(),
          [kernel](benchmark::State& state) { mask_kernel(state, kernel); })
          ->Arg(64 << 10);
    }
  }
  return true;
}();

}  // namespace
