// --mode broadcast: all connections are in one room, and --senders of them publish. Each publishes
// its next message when its previous one has come back or, with --rate, in turn by the clock. Each
// member must receive each message of each sender, once and in order. With --rate, the latency of
// each delivery is measured from the time at which the message was due.
#include <algorithm>

#include "bench/load/client.h"
#include "bench/load/frame.h"
#include "bench/measure.h"

namespace bench {

namespace {

class Broadcast final : public Client {
 public:
  explicit Broadcast(const Options& options)
      : Client(options),
        template_(options.size, options.binary),
        reply_size_(options.raw ? options.reply_bytes : template_.reply_size()),
        members_(options.connections) {
    for (Member& member : members_) member.next.resize(options.senders);
  }
  void run() override;

 private:
  struct Member {
    std::vector<std::uint64_t> next;  // by sender: the number of its next message
    std::string partial;              // the beginning of a frame
    std::uint64_t sent = 0;           // messages that this sender has sent
  };
  void on_bytes(Connection& connection, std::string_view bytes) override;
  void on_frame(Connection& connection, std::string_view frame);
  void send_next(Connection& connection);
  // With --rate: sends due messages during `ns`.
  void send_for(std::int64_t ns);
  // Returns the time at which the message with this number over all senders is due.
  [[nodiscard]] std::int64_t due_ns(std::uint64_t number) const {
    const double gap_ns = 1e9 / static_cast<double>(options_.rate);
    return start_ + static_cast<std::int64_t>(static_cast<double>(number) * gap_ns);
  }

  Template template_;
  std::size_t reply_size_;
  std::vector<Member> members_;
  bool refilling_ = false;
  std::int64_t start_ = 0;
  std::uint64_t scheduled_ = 0;
  Histogram latencies_;
  bool measuring_ = false;
};

void Broadcast::on_bytes(Connection& connection, std::string_view bytes) {
  std::string& partial = members_[connection.index].partial;
  if (!partial.empty()) {
    const std::size_t piece = std::min(bytes.size(), reply_size_ - partial.size());
    partial.append(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (partial.size() < reply_size_) return;
    on_frame(connection, partial);
    partial.clear();
  }
  while (bytes.size() >= reply_size_) {
    on_frame(connection, bytes.substr(0, reply_size_));
    bytes.remove_prefix(reply_size_);
  }
  partial.assign(bytes);
}

void Broadcast::on_frame(Connection& connection, std::string_view frame) {
  const Template::Stamp stamp =
      options_.raw ? template_.masked_stamp(frame) : template_.stamp(frame);
  Member& member = members_[connection.index];
  if (stamp.connection >= member.next.size()) wrong(connection, "a message from an unknown sender");
  std::uint64_t& next = member.next[stamp.connection];
  // With --raw, the end of a request comes back as it was sent.
  const std::string_view expected = options_.raw ? template_.request(stamp.connection, next)
                                                 : template_.reply(stamp.connection, next);
  if (!expected.ends_with(frame)) {
    wrong(connection, "not message " + std::to_string(next) + " of sender " +
                          std::to_string(stamp.connection) + " as it was sent, but one stamped " +
                          std::to_string(stamp.sequence));
  }
  if (measuring_) {
    latencies_.add(now_ns() - due_ns(next * options_.senders + stamp.connection));
  }
  ++next;
  ++progress_;
  if (stamp.connection == connection.index && options_.rate == 0) send_next(connection);
}

void Broadcast::send_next(Connection& connection) {
  Member& member = members_[connection.index];
  if (!refilling_ || (options_.messages != 0 && member.sent == options_.messages)) return;
  send_bytes(connection, template_.request(connection.index, member.sent++));
}

void Broadcast::send_for(std::int64_t ns) {
  for (const std::int64_t end = now_ns() + ns; now_ns() < end;) {
    const std::int64_t wait = due_ns(scheduled_) - now_ns();
    if (wait <= 0) send_next(*connections_[scheduled_++ % options_.senders]);
    step(static_cast<int>(std::max<std::int64_t>(wait, 0) / 1'000'000));
  }
}

void Broadcast::run() {
  open_until(options_.connections);
  // A join has no response, so this pause waits for the last one.
  run_for(300'000'000);
  waiting_ = refilling_ = true;
  const Interval whole(options_.pid);
  start_ = now_ns();
  for (std::size_t i = 0; options_.rate == 0 && i < options_.senders; ++i) {
    send_next(*connections_[i]);
  }
  const auto run_seconds = [this](std::size_t seconds) {
    const auto ns = static_cast<std::int64_t>(seconds) * 1'000'000'000;
    options_.rate == 0 ? run_for(ns) : send_for(ns);
  };
  JsonLine line;
  line.text("mode", "broadcast")
      .count("connections", options_.connections)
      .count("senders", options_.senders)
      .count("rate", options_.rate)
      .count("size", options_.size);
  if (options_.messages != 0) {
    const std::uint64_t all =
        std::uint64_t{options_.messages} * options_.senders * options_.connections;
    while (progress_ < all) step(1000);
    whole.put(line, kDeliveries, all);
  } else {
    run_seconds(options_.warmup);
    const std::uint64_t before = progress_;
    measuring_ = options_.rate != 0;
    const Interval interval(options_.pid);
    run_seconds(options_.seconds);
    interval.put(line, kDeliveries, progress_ - before);
    if (measuring_) {
      line.real("p50_us", latencies_.quantile_us(0.5), 1)
          .real("p99_us", latencies_.quantile_us(0.99), 1);
    }
  }
  put_memory(line, options_.pid);
  line.print();
}

}  // namespace

std::unique_ptr<Client> make_broadcast(const Options& options) {
  return std::make_unique<Broadcast>(options);
}

}  // namespace bench
