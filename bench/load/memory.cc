// --mode idle: the server's resident bytes for each idle connection.
// --mode large: its resident bytes before, during and after messages of --size on all connections.
#include <algorithm>

#include "bench/load/client.h"
#include "bench/load/frame.h"
#include "bench/measure.h"

namespace bench {

namespace {

constexpr std::int64_t kSettleNs = 1'000'000'000;

class Idle final : public Client {
 public:
  explicit Idle(const Options& options) : Client(options) {}
  void run() override;

 private:
  void on_bytes(Connection& connection, std::string_view bytes) override;
};

// An idle connection may receive only a Ping (RFC 6455 §5.5.2), and answers it at once.
void Idle::on_bytes(Connection& connection, std::string_view bytes) {
  const std::size_t size = bytes.size() < 2 ? 126 : static_cast<unsigned char>(bytes[1]);
  if (bytes.front() != '\x89' || size > 125 || bytes.size() != 2 + size) {
    wrong(connection, "received something other than one Ping while idle");
  }
  std::string pong{'\x8a', static_cast<char>(0x80 | size)};
  pong.append(kMaskKey.begin(), kMaskKey.end());
  send_bytes(connection, pong + masked(bytes.substr(2)));
}

void Idle::run() {
  // The first connection pays for the memory that a process uses once (code, buffers of a reactor).
  open_until(1);
  run_for(kSettleNs / 2);
  const std::int64_t rss_before = resident_bytes(options_.pid);
  const std::int64_t private_before = private_bytes(options_.pid);
  const std::int64_t start = now_ns();
  open_until(options_.connections + 1);
  const auto opening = static_cast<double>(now_ns() - start);
  run_for(static_cast<std::int64_t>(options_.seconds) * 1'000'000'000);
  const std::int64_t rss_after = resident_bytes(options_.pid);
  const std::int64_t private_after = private_bytes(options_.pid);
  const auto count = static_cast<double>(options_.connections);
  JsonLine()
      .text("mode", "idle")
      .count("connections", options_.connections)
      .real("open_seconds", opening / 1e9, 2)
      .count("rss_before_bytes", rss_before)
      .count("rss_after_bytes", rss_after)
      .count("private_before_bytes", private_before)
      .count("private_after_bytes", private_after)
      .real("rss_bytes_per_connection", static_cast<double>(rss_after - rss_before) / count, 0)
      .real("private_bytes_per_connection",
            static_cast<double>(private_after - private_before) / count, 0)
      .print();
}

class Large final : public Client {
 public:
  explicit Large(const Options& options)
      : Client(options), template_(options.size, options.binary), positions_(options.connections) {}
  void run() override;

 private:
  void on_bytes(Connection& connection, std::string_view bytes) override;

  Template template_;
  std::vector<std::size_t> positions_;  // bytes of the reply so far
};

void Large::on_bytes(Connection& connection, std::string_view bytes) {
  std::size_t& position = positions_[connection.index];
  const std::string_view expected = template_.reply(connection.index, 0).substr(position);
  if (!expected.starts_with(bytes)) wrong(connection, "the message came back different");
  position += bytes.size();
  if (bytes.size() == expected.size()) ++progress_;
}

void Large::run() {
  open_until(options_.connections);
  run_for(kSettleNs / 2);
  const std::int64_t before = resident_bytes(options_.pid);
  const Interval interval(options_.pid);
  waiting_ = true;
  for (const auto& connection : connections_) {
    send_bytes(*connection, template_.request(connection->index, 0));
  }
  while (progress_ < options_.connections) step(1000);
  JsonLine line;
  line.text("mode", "large")
      .count("connections", options_.connections)
      .count("size", options_.size);
  interval.put(line, kMessages, progress_);
  waiting_ = false;
  run_for(kSettleNs);
  line.count("rss_before_bytes", before)
      .count("rss_peak_bytes", peak_bytes(options_.pid))
      .count("rss_after_bytes", resident_bytes(options_.pid))
      .print();
}

}  // namespace

std::unique_ptr<Client> make_idle(const Options& options) {
  return std::make_unique<Idle>(options);
}

std::unique_ptr<Client> make_large(const Options& options) {
  return std::make_unique<Large>(options);
}

}  // namespace bench
