// --mode handshakes: connect, opening handshake, FIN, and again, with --inflight at one time. With
// --rate, that many per second, or fewer if --inflight are not enough for it. With --messages, that
// many in all. With --reset, RST in place of FIN.
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
    if (refilling_ && options_.rate == 0) open_next();
  }
  void on_bytes(Connection& connection, std::string_view /*bytes*/) override {
    wrong(connection, "unexpected bytes");
  }
  // Opens a connection, unless --messages have been opened.
  void open_next();
  // Like run_for(), at --rate.
  void go_on_for(std::int64_t ns);

  bool refilling_ = true;
  std::uint64_t opened_ = 0;
};

void Handshakes::open_next() {
  if (options_.messages != 0 && opened_ == options_.messages) return;
  ++opened_;
  open_one();
}

void Handshakes::go_on_for(std::int64_t ns) {
  if (options_.rate == 0) {
    run_for(ns);
    return;
  }
  const std::int64_t start = now_ns();
  const double gap = 1e9 / static_cast<double>(options_.rate);
  std::uint64_t begun = 0;
  for (std::int64_t past = 0; past < ns; past = now_ns() - start) {
    while (static_cast<double>(begun) * gap <= static_cast<double>(past) &&
           connections_.size() < options_.inflight) {
      open_one();
      ++begun;
    }
    step(1);
  }
}

void Handshakes::run() {
  if (options_.rate == 0) {
    for (std::size_t i = 0; i < options_.inflight; ++i) open_next();
  }
  JsonLine line;
  line.text("mode", "handshakes").count("inflight", options_.inflight).count("rate", options_.rate);
  if (options_.messages != 0) {
    const Interval whole(options_.pid);
    while (progress_ < options_.messages) step(1000);
    whole.put(line, kHandshakes, progress_);
  } else {
    go_on_for(static_cast<std::int64_t>(options_.warmup) * 1'000'000'000);
    const std::uint64_t before = progress_;
    const Interval interval(options_.pid);
    go_on_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
    interval.put(line, kHandshakes, progress_ - before);
  }
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
