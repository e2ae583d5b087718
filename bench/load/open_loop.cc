// --mode openloop: messages are sent by the clock, whether or not earlier ones were answered. So a
// server that stalls is charged for every message that had to wait. Latency counts from the
// intended time.
#include <algorithm>
#include <deque>

#include "bench/load/client.h"
#include "bench/load/frame.h"
#include "bench/measure.h"

namespace bench {

namespace {

class OpenLoop final : public Client {
 public:
  explicit OpenLoop(const Options& options)
      : Client(options), template_(options.size, options.binary), flows_(options.connections) {}
  void run() override;

 private:
  struct Flow {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::size_t position = 0;
    std::deque<std::int64_t> intended;
  };
  void on_bytes(Connection& connection, std::string_view bytes) override;
  // Sends all messages that are due at `now`.
  void send_due(std::int64_t now);

  Template template_;
  std::vector<Flow> flows_;
  double gap_ns_ = 0;
  std::int64_t start_ = 0;
  std::int64_t measure_from_ = 0;
  std::uint64_t scheduled_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t measured_ = 0;
  Histogram latencies_;
  Histogram lags_;  // lateness of this client itself
};

void OpenLoop::on_bytes(Connection& connection, std::string_view bytes) {
  const std::int64_t now = now_ns();
  Flow& flow = flows_[connection.index];
  while (!bytes.empty()) {
    if (flow.answered == flow.sent) wrong(connection, "received more messages than were sent");
    const std::string_view expected =
        template_.reply(connection.index, flow.answered).substr(flow.position);
    const std::size_t piece = std::min(bytes.size(), expected.size());
    if (expected.substr(0, piece) != bytes.substr(0, piece)) {
      wrong(connection, "message " + std::to_string(flow.answered) + " came back different");
    }
    bytes.remove_prefix(piece);
    flow.position += piece;
    if (piece < expected.size()) break;
    flow.position = 0;
    ++flow.answered;
    ++progress_;
    const std::int64_t intended = flow.intended.front();
    flow.intended.pop_front();
    if (intended < measure_from_) continue;
    latencies_.add(now - intended);
    ++measured_;
  }
}

void OpenLoop::send_due(std::int64_t now) {
  while (scheduled_ < last_) {
    const auto intended =
        start_ + static_cast<std::int64_t>(static_cast<double>(scheduled_) * gap_ns_);
    if (intended > now) return;
    Connection& connection = *connections_[scheduled_ % connections_.size()];
    Flow& flow = flows_[connection.index];
    flow.intended.push_back(intended);
    send_bytes(connection, template_.request(connection.index, flow.sent++));
    if (intended >= measure_from_) lags_.add(now - intended);
    ++scheduled_;
    now = now_ns();
  }
}

void OpenLoop::run() {
  open_until(options_.connections);
  const auto rate = static_cast<double>(options_.rate);
  gap_ns_ = 1e9 / rate;
  start_ = now_ns();
  measure_from_ = start_ + static_cast<std::int64_t>(options_.warmup) * 1'000'000'000;
  last_ = std::uint64_t{options_.rate} * (options_.warmup + options_.seconds);
  waiting_ = true;
  while (now_ns() < measure_from_) {
    send_due(now_ns());
    step(0);
  }
  const Interval interval(options_.pid);
  // The loop polls without sleeping, because a sleep would make its own lateness part of the
  // figures.
  while (progress_ < last_) {
    send_due(now_ns());
    step(0);
  }
  JsonLine line;
  line.text("mode", "openloop")
      .count("connections", options_.connections)
      .count("rate", options_.rate)
      .count("size", options_.size);
  interval.put(line, kMessages, measured_);
  line.real("p50_us", latencies_.quantile_us(0.5), 1)
      .real("p90_us", latencies_.quantile_us(0.9), 1)
      .real("p99_us", latencies_.quantile_us(0.99), 1)
      .real("p999_us", latencies_.quantile_us(0.999), 1)
      .real("max_us", latencies_.quantile_us(1.0 - 1e-12), 1)
      .real("lag_p50_us", lags_.quantile_us(0.5), 1)
      .real("lag_p999_us", lags_.quantile_us(0.999), 1);
  line.print();
}

}  // namespace

std::unique_ptr<Client> make_open_loop(const Options& options) {
  return std::make_unique<OpenLoop>(options);
}

}  // namespace bench
