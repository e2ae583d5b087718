// --mode handshakes: connect, the opening handshake, FIN, and again, --inflight at one time.
#include "bench/load/client.h"
#include "bench/measure.h"

namespace bench {

namespace {

class Handshakes final : public Client {
 public:
  explicit Handshakes(const Options& options) : Client(options) {}
  void run() override;

 private:
  void on_open(Connection& connection) override {
    ++progress_;
    end(connection);
    if (refilling_) open_one();
  }
  void on_bytes(Connection& connection, std::string_view /*bytes*/) override {
    wrong(connection, "bytes that nobody asked for");
  }
  bool refilling_ = true;
};

void Handshakes::run() {
  for (std::size_t i = 0; i < options_.inflight; ++i) open_one();
  run_for(static_cast<std::int64_t>(options_.warmup) * 1'000'000'000);
  const std::uint64_t before = progress_;
  const Interval interval(options_.pid);
  run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
  JsonLine line;
  line.text("mode", "handshakes").count("inflight", options_.inflight);
  interval.put(line, kHandshakes, progress_ - before);
  put_memory(line, options_.pid);
  line.print();
  refilling_ = false;
  while (!connections_.empty()) step(1000);
}

}  // namespace

std::unique_ptr<Client> make_handshakes(const Options& options) {
  return std::make_unique<Handshakes>(options);
}

}  // namespace bench
