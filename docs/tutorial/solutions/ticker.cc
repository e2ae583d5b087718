// Exercise 3: a dashboard with a fast source and slow readers.
//   ticker [ADDRESS [PRICES_PER_SECOND]]; then connect to "/" and receive prices
#include <wsd/server.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "serve.h"

namespace {

constexpr std::string_view kRoom = "prices";

// Runs on a thread of the application. If the home reactor is overloaded, publish() returns
// kCongested and this price is skipped. The next price is newer anyway.
void publish_prices(const std::stop_token& stop, wsd::Hub hub, int per_second) {
  const auto step = std::chrono::nanoseconds(1'000'000'000 / per_second);
  auto next = std::chrono::steady_clock::now();
  long skipped = 0;
  for (long price = 1; !stop.stop_requested(); ++price) {
    const std::string text = "price " + std::to_string(price);
    if (hub.publish(kRoom, wsd::MessageType::kText, text) == wsd::SendResult::kCongested) {
      ++skipped;
    }
    std::this_thread::sleep_until(next += step);
  }
  std::fprintf(stderr, "skipped at the source: %ld\n", skipped);
}

}  // namespace

int main(int argc, char** argv) {
  wsd::ServerOptions options;
  // Old prices are worthless. A slow reader loses the oldest prices and keeps its connection.
  options.limits.slow_policy = wsd::SlowPolicy::kDropOldest;
  options.limits.send_queue_frames = 64;
  wsd::Server server(options);
  wsd::Handlers handlers;
  handlers.open = [](wsd::Connection& reader) { reader.join(kRoom); };
  server.route("/", handlers);

  std::jthread source;
  const int per_second = argc > 2 ? std::max(1, std::atoi(argv[2])) : 10;
  const int status = chat::serve(server, argc > 1 ? argv[1] : "127.0.0.1:9003", [&] {
    source = std::jthread(publish_prices, server.hub(), per_second);
  });
  std::fprintf(stderr, "dropped for slow readers: %llu\n",
               static_cast<unsigned long long>(server.stats().messages_dropped_total));
  return status;
}
