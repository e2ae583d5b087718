// --mode echo: a fixed number of messages in transit on each connection. Each response triggers the
// next message.
#include <algorithm>

#include "bench/load/client.h"
#include "bench/load/frame.h"
#include "bench/measure.h"

namespace bench {

namespace {

class Echo final : public Client {
 public:
  explicit Echo(const Options& options)
      : Client(options),
        template_(options.size, options.binary),
        reply_size_(options.raw ? options.reply_bytes : template_.reply_size()),
        flows_(options.connections) {
    for (Flow& flow : flows_) flow.sent_at.resize(options.inflight);
  }
  void run() override;

 private:
  struct Flow {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::size_t position = 0;           // received bytes of the current reply
    std::vector<std::int64_t> sent_at;  // a ring, by message number
  };
  void on_bytes(Connection& connection, std::string_view bytes) override;
  void send_messages(Connection& connection, std::size_t count);

  Template template_;
  std::size_t reply_size_;
  std::vector<Flow> flows_;
  std::string batch_;
  bool refilling_ = false;
  bool measuring_ = false;
  std::int64_t now_ = 0;  // while measuring: when processing of the current bytes started
  Histogram latencies_;
};

void Echo::on_bytes(Connection& connection, std::string_view bytes) {
  if (measuring_) now_ = now_ns();
  Flow& flow = flows_[connection.index];
  std::size_t answers = 0;
  while (!bytes.empty()) {
    if (flow.answered == flow.sent) wrong(connection, "received more messages than were sent");
    const std::size_t piece = std::min(bytes.size(), reply_size_ - flow.position);
    if (!options_.raw) {
      const std::string_view expected = template_.reply(connection.index, flow.answered);
      if (expected.substr(flow.position, piece) != bytes.substr(0, piece)) {
        wrong(connection, "message " + std::to_string(flow.answered) + " came back different");
      }
    }
    bytes.remove_prefix(piece);
    flow.position += piece;
    if (flow.position < reply_size_) break;
    flow.position = 0;
    const std::int64_t sent_at = flow.sent_at[flow.answered % flow.sent_at.size()];
    if (measuring_ && sent_at != 0) latencies_.add(now_ - sent_at);
    ++flow.answered;
    ++answers;
  }
  progress_ += answers;
  if (!refilling_) return;
  if (options_.messages != 0) answers = std::min(answers, options_.messages - flow.sent);
  if (answers > 0) send_messages(connection, answers);
}

void Echo::send_messages(Connection& connection, std::size_t count) {
  Flow& flow = flows_[connection.index];
  batch_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    flow.sent_at[flow.sent % flow.sent_at.size()] = now_;
    const std::string_view request = template_.request(connection.index, flow.sent);
    ++flow.sent;
    if (count == 1) {
      send_bytes(connection, request);
    } else {
      batch_.append(request);
    }
  }
  if (count > 1) send_bytes(connection, batch_);
}

void Echo::run() {
  open_until(options_.connections);
  waiting_ = refilling_ = true;
  measuring_ = options_.messages != 0;
  if (measuring_) now_ = now_ns();
  const Interval whole(options_.pid);
  const std::size_t first =
      options_.messages == 0 ? options_.inflight : std::min(options_.inflight, options_.messages);
  for (const auto& connection : connections_) send_messages(*connection, first);
  JsonLine line;
  line.text("mode", "echo")
      .count("connections", options_.connections)
      .count("inflight", options_.inflight)
      .count("size", options_.size)
      .text("type", options_.binary ? "binary" : "text");
  if (options_.messages != 0) {
    const std::uint64_t all = std::uint64_t{options_.messages} * options_.connections;
    while (progress_ < all) step(1000);
    whole.put(line, kMessages, all);
  } else {
    run_for(static_cast<std::int64_t>(options_.warmup) * 1'000'000'000);
    measuring_ = true;
    const std::uint64_t before = progress_;
    const Interval interval(options_.pid);
    run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
    interval.put(line, kMessages, progress_ - before);
  }
  line.real("p50_us", latencies_.quantile_us(0.5), 1)
      .real("p99_us", latencies_.quantile_us(0.99), 1);
  put_memory(line, options_.pid);
  line.print();
}

}  // namespace

std::unique_ptr<Client> make_echo(const Options& options) {
  return std::make_unique<Echo>(options);
}

}  // namespace bench
