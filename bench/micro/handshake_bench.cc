// The parts of an opening handshake: a browser's request head, and the accept key.
#include <benchmark/benchmark.h>

#include <string>

#include "protocol/accept_key.h"
#include "protocol/http_request.h"

namespace {

using namespace wsd;
using namespace wsd::protocol;

constexpr std::string_view kHead =
    "GET /rooms/lobby?token=abc HTTP/1.1\r\n"
    "Host: chat.example.com\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: https://chat.example.com\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "\r\n";

void request_head(benchmark::State& state) {
  const HeadLimits limits;
  RequestParser parser(limits);
  for (auto _ : state) {
    const auto status = parser.parse(as_bytes(kHead));
    if (status != RequestParser::Status::kComplete) state.SkipWithError("the head was refused");
    benchmark::DoNotOptimize(parser.request());
    parser.reset();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kHead.size()));
}
BENCHMARK(request_head);

void accept_key_of(benchmark::State& state) {
  for (auto _ : state) {
    AcceptKey key = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
    benchmark::DoNotOptimize(key);
  }
}
BENCHMARK(accept_key_of);

}  // namespace
