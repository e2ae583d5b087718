// The RESP3 codec: a push and a reply, as one publish brings to its own node, and a page of 500
// messages. `per_pair` is the time of one push and one reply.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/batch_text.h"
#include "engine/resp_reader.h"
#include "engine/resp_writer.h"

namespace {

using namespace wsd::engine;

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string batch(std::size_t size) {
  std::string text;
  append_head(text, {1'795'989'613'123, {0xa1b2c3d4, 0}, 57, 1});
  append_message(text, {false, std::string(size, 'x')});
  return text;
}

constexpr std::string_view kId = "4503599627370496-123456";

// `pairs` pairs arrive with one call of recv().
void push_and_reply(benchmark::State& state) {
  const std::string id(kId);
  const std::string pair =
      ">3\r\n" + bulk("smessage") + bulk("wsd1:{chat}") + bulk(id + " " + batch(100)) + bulk(id);
  std::string bytes;
  for (std::int64_t i = 0; i < state.range(0); ++i) bytes += pair;
  RespReader reader(RespReader::Limits{});
  std::size_t nodes = 0;
  for (auto _ : state) {
    reader.take(bytes);
    while (reader.next() == RespReader::Result::kValue) nodes += reader.value().size();
  }
  if (nodes != static_cast<std::size_t>(state.iterations() * state.range(0)) * 5) {
    state.SkipWithError("values are missing");
  }
  state.counters["per_pair"] = benchmark::Counter(
      static_cast<double>(state.range(0)),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(push_and_reply)->ArgName("pairs")->Arg(1)->Arg(16)->Arg(128);

// In pieces of 16 KiB, as they are received.
void page(benchmark::State& state) {
  std::string bytes = "*1001\r\n";
  for (int i = 0; i < 500; ++i) bytes += bulk(std::string(kId)) + bulk(batch(400));
  bytes += bulk("end");
  RespReader reader(RespReader::Limits{});
  for (auto _ : state) {
    for (std::size_t at = 0; at < bytes.size(); at += 16'384) {
      reader.take(std::string_view(bytes).substr(at, 16'384));
      const bool last = at + 16'384 >= bytes.size();
      if ((reader.next() == RespReader::Result::kValue) != last) state.SkipWithError("no page");
    }
    benchmark::DoNotOptimize(reader.value().size());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(page);

void publish_command(benchmark::State& state) {
  const std::string text = batch(100);
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_command(out, {"EVALSHA", "0123456789abcdef0123456789abcdef01234567", "1", "wsd1:{chat}",
                         Decimal(4'503'599'627'370'496), "4503599627370496-123328", "1", text});
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(publish_command);

void read_batch(benchmark::State& state) {
  const std::string text = batch(100);
  for (auto _ : state) {
    BatchReader reader;
    if (!reader.begin(text)) state.SkipWithError("not a batch");
    benchmark::DoNotOptimize(reader.next().payload.size());
  }
}
BENCHMARK(read_batch);

}  // namespace
