#include "faults/harness.h"

#include <dirent.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/name_hash.h"
#include "faults/calls.h"
#include "faults/edge_tracker.h"
#include "net/application.h"
#include "net/reactor.h"
#include "protocol/deflate.h"

namespace wsd::faults {
namespace {

Harness* current_harness = nullptr;

// The longest time that the kernel may take to carry a byte over loopback.
constexpr int kNetworkMs = 3;

constexpr std::uint32_t kCloseTimeoutMs = 1000;

ServerOptions server_options(const Harness::Options& options, int log_fd) {
  ServerOptions all;
  all.reactors = options.reactors;
  all.log.level = LogLevel::kDebug;
  all.log.format = LogFormat::kJson;
  all.log.fd = log_fd;
  all.limits.close_timeout_ms = kCloseTimeoutMs;
  // A slow reader then has a backlog in the server after about 100 KiB.
  all.upgrade.socket_send_buffer = std::size_t{16} << 10;
  all.drain_window_ms = 0;
  all.drain_timeout_ms = 3000;
  if (options.context_takeover) all.deflate.mode = DeflateMode::kContextTakeover;
  return all;
}

std::string value_of(const std::string& line, const std::string& key) {
  const std::string before = "\"" + key + "\":\"";
  const std::size_t at = line.find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

std::string show(const std::optional<test::WireFrame>& frame) {
  if (!frame) return "nothing";
  return "opcode " + std::to_string(frame->opcode) + ", " + std::to_string(frame->payload.size()) +
         " bytes '" + frame->payload.substr(0, 40) + "'";
}

}  // namespace

int open_descriptors() {
  DIR* const list = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(list) != nullptr) ++count;
  ::closedir(list);
  return count;
}

Harness::Harness(const Options& options)
    : options_(options),
      descriptors_before_(open_descriptors()),
      log_fd_(::memfd_create("log", MFD_CLOEXEC)) {
  current_harness = this;
  watch().reset();
  calls().reset();
  server_ = std::make_unique<Server>(server_options(options, log_fd_));
  add_routes(*server_);
}

Harness::~Harness() {
  clients_.clear();
  scheduler_.release();
  server_.reset();
  if (log_fd_ >= 0) ::close(log_fd_);
  current_harness = nullptr;
}

void Harness::note_reactor(hub::Shard& shard, net::ProcessCounters& counts) {
  if (current_harness == nullptr) return;
  current_harness->shards_.push_back(&shard);
  current_harness->counts_ = &counts;
}

void Harness::add_routes(Server& server) {
  Handlers echo;
  echo.open = [this](Connection& connection) {
    const FaultsSuspended suspended;
    ++opened_[connection.id()];
  };
  echo.message = [](Connection& from, const Message& message) {
    if (message.payload == "close me") {
      from.close(CloseCode::kNormalClosure, "as you wish");
    } else {
      from.send(message);
    }
  };
  echo.close = [this](Connection& connection, const CloseInfo& /*info*/) {
    const FaultsSuspended suspended;
    ++closed_[connection.id()];
  };
  server.route("/echo", echo);
  Handlers room = echo;
  room.open = [this](Connection& connection) {
    {
      const FaultsSuspended suspended;
      ++opened_[connection.id()];
    }
    connection.join(connection.path());
  };
  room.message = [hub = server.hub()](Connection& from, const Message& message) {
    if (message.payload == "leave") {
      from.leave(from.room());
      from.send(message);
      return;
    }
    static_cast<void>(hub.publish(from.room(), message));
  };
  server.route("/rooms/{room}", room);
  server.http("/page", [](const Request& request) {
    Response response;
    response.body = "you asked for " + std::string(request.path()) + std::string(200, '.');
    return response;
  });
}

std::string Harness::start() {
  std::string address = "127.0.0.1:0";
  if (options_.unix_socket) {
    unix_path_ = "/tmp/wsd-faults-" + std::to_string(::getpid()) + ".sock";
    address = "unix:" + unix_path_;
  }
  if (std::string error = server_->listen(address); !error.empty()) return error;
  if (std::string error = server_->start(); !error.empty()) return error;
  const FaultsSuspended suspended;
  scheduler_.gather(options_.reactors);
  const std::string name = server_->addresses().at(0);
  if (!options_.unix_socket) port_ = test::port_of(name);
  for (const int poll : scheduler_.polls()) {
    std::array<int, 1> found = {-1};
    static_cast<void>(watch().listeners(poll, found));
    listeners_.push_back(found[0]);
  }
  return {};
}

std::string Harness::room_at(std::uint32_t home) const {
  for (int i = 0;; ++i) {
    std::string name = "/rooms/a-room-with-a-long-name-" + std::to_string(i);
    if (keyed_hash(name, process_hash_key()) % options_.reactors == home) return name;
  }
}

Client& Harness::connect(std::string name, std::uint32_t reactor) {
  network_active_ = true;
  if (options_.unix_socket) {
    const int key = -static_cast<int>(clients_.size() + 1);
    return clients_.emplace_back(std::move(name), unix_path_, key);
  }
  for (;;) {
    Client& client = clients_.emplace_back(name, port_);
    // The kernel chose a listener by the ports. Accepts and closes a connection at the wrong
    // listener before any reactor has seen it.
    std::vector<pollfd> entries;
    for (const int fd : listeners_) entries.push_back({fd, POLLIN, 0});
    static_cast<void>(::poll(entries.data(), entries.size(), kNetworkMs * 100));
    if (entries.at(reactor).revents != 0 || client.end() != Client::End::kOpen) return client;
    for (const pollfd& each : entries) {
      if (each.revents == 0) continue;
      const int taken = ::accept(each.fd, nullptr, nullptr);
      if (taken >= 0) ::close(taken);
    }
    clients_.pop_back();
  }
}

Client& Harness::open(std::string name, std::uint32_t reactor, std::string_view path,
                      std::string_view extra) {
  Client& client = connect(std::move(name), reactor);
  client.send(test::upgrade_request(path, extra));
  static_cast<void>(expect_head(client, "HTTP/1.1 101 "));
  return client;
}

void Harness::must(Client& client, bool condition, const std::string& what) {
  if (!condition) client.note_failure(what);
}

bool Harness::until(Client& client, const std::function<bool()>& condition,
                    const std::string& what) {
  if (client.failed()) return false;
  bool done = false;
  static_cast<void>(until([&] {
    done = condition();
    return done || client.end() != Client::End::kOpen || client.closed();
  }));
  must(client, done, what);
  return done;
}

bool Harness::expect(Client& client, const test::WireFrame& frame, const Client* source) {
  if (client.failed()) return false;
  std::optional<test::WireFrame> got;
  static_cast<void>(until([&] {
    return (got = client.take_frame()).has_value() || client.end() != Client::End::kOpen ||
           client.closed() || (source != nullptr && source->failed());
  }));
  if (got == frame) return true;
  if (!got && source != nullptr && client.end() == Client::End::kOpen &&
      (source->failed() || was_hit(*source))) {
    return false;
  }
  client.note_failure("expected " + show(frame) + ", got " + show(got) + ", end " +
                      std::to_string(static_cast<int>(client.end())));
  return false;
}

std::string Harness::expect_head(Client& client, std::string_view start) {
  std::optional<std::string> head;
  if (!until(
          client, [&] { return (head = client.take_head()).has_value(); },
          "no head '" + std::string(start) + "'")) {
    return {};
  }
  must(client, head->starts_with(start), "head " + head->substr(0, 40));
  return *head;
}

void Harness::expect_end(Client& client, Client::End end, std::string_view cause) {
  client.expected_cause = cause;
  if (client.failed()) return;
  static_cast<void>(until([&] { return client.end() != Client::End::kOpen; }));
  must(client, client.end() == end,
       "end " + std::to_string(static_cast<int>(client.end())) + " instead of " +
           std::to_string(static_cast<int>(end)));
  client.close();
}

void Harness::echo(Client& client, std::string_view text) {
  client.say(test::kText, text);
  expect(client, {test::kText, std::string(text)});
}

bool Harness::pump() {
  bool any = false;
  for (Client& each : clients_) any = each.pump() || any;
  return any;
}

// Returns whether bytes are in transit to any process. Polls only if that is possible.
bool Harness::network_moves() {
  if (!std::exchange(network_active_, false)) return false;
  std::vector<pollfd> entries;
  for (const int each : scheduler_.polls()) entries.push_back({each, POLLIN, 0});
  for (const Client& each : clients_) {
    const bool listens = !each.closed() && !each.paused() && each.end() == Client::End::kOpen;
    if (listens) entries.push_back({each.fd(), POLLIN, 0});
  }
  return ::poll(entries.data(), entries.size(), kNetworkMs) > 0;
}

bool Harness::until(const std::function<bool()>& condition, std::uint64_t budget_ms) {
  const std::uint64_t end = now_ms() + budget_ms;
  for (;;) {
    if (pump()) network_active_ = true;
    if (condition()) return true;
    if (hung_ || scheduler_.turns() > kMaxTurns) {
      hung_ = true;
      return false;
    }
    if (scheduler_.turn()) {
      network_active_ = true;
      continue;
    }
    if (network_moves()) continue;
    if (now_ms() >= end) return false;
    ReactorScheduler::advance_to(std::clamp(scheduler_.next_deadline(), now_ms() + 1, end));
  }
}

void Harness::quiet() {
  static_cast<void>(until([] { return false; }, 0));
}

void Harness::pass(std::uint64_t ms) {
  const std::uint64_t end = now_ms() + ms;
  static_cast<void>(until([&] { return now_ms() >= end; }, ms + 1));
}

bool Harness::was_hit(const Client& client) const {
  return calls().fault_happened() && calls().faulted_connection() == client.key();
}

bool Harness::refused(Client& client) {
  constexpr std::string_view kRefusal = "HTTP/1.1 503 ";
  const std::string_view there = std::string_view(client.input()).substr(0, kRefusal.size());
  return !there.empty() && kRefusal.starts_with(there);
}

// Drains the server: each open client gets 1001 and answers it, then all reactors end.
void Harness::drain_clients() {
  for (Client& each : clients_) each.set_paused(false);
  server_->drain();
  static_cast<void>(until(
      [&] {
        for (Client& each : clients_) {
          if (each.closed()) continue;
          if (refused(each)) {
            // The client was not open yet. It needs only the 503, which may arrive in several
            // pieces.
          } else if (const auto frame = each.take_frame(); frame && frame->opcode == test::kClose) {
            const std::string code = frame->payload.substr(0, 2);
            must(each, code == test::close_payload(1001), "closed with " + show(frame));
            each.send(test::client_frame(test::kClose, code));
            // A failed client answers the Close too, or it would delay the drain.
          } else if (frame) {
            must(each, false, "unexpected " + show(frame));
          }
          if (each.end() != Client::End::kOpen) {
            must(each, each.end() == Client::End::kFin, "reset");
            each.close();
          }
        }
        return scheduler_.all_ended();
      },
      6000));
  if (!scheduler_.all_ended()) hung_ = true;
}

Outcome Harness::finish(ExpectedDamage expected) {
  drain_clients();
  Outcome outcome;
  outcome.fault_happened = calls().fault_happened();
  outcome.hung = hung_;
  outcome.turns = scheduler_.turns();
  calls().end();
  if (hung_) {
    outcome.faults.push_back("hung");
    scheduler_.release();
  } else {
    check_counts(outcome);
  }
  for (const Client& each : clients_) {
    if (each.failed()) outcome.failed_clients.push_back(each.name() + ": " + each.failure());
  }
  server_->stop();
  server_.reset();
  check_ends(outcome, expected);
  check_failures(outcome, expected);
  clients_.clear();
  ::close(std::exchange(log_fd_, -1));
  if (const int now = open_descriptors(); now != descriptors_before_) {
    outcome.faults.push_back("descriptors left open: " + std::to_string(now - descriptors_before_));
  }
  return outcome;
}

void Harness::check_counts(Outcome& outcome) const {
  const auto zero = [&](const std::string& what, std::uint64_t value) {
    if (value != 0) outcome.faults.push_back(what + " left: " + std::to_string(value));
  };
  zero("connections", counts_->connections.load());
  zero("input bytes", counts_->input.bytes());
  zero("output bytes", counts_->output.bytes());
  zero("context bytes", counts_->context_bytes.load());
  for (hub::Shard* each : shards_) {
    zero("members", each->member_count());
    zero("rooms", each->room_count());
    zero("rooms at home", each->home_count());
    zero("in the publish gate", each->publish_gate().queued());
    zero("in the deliver gate", each->deliver_gate().queued());
  }
}

std::vector<Harness::End> Harness::read_log(std::size_t& dropped) const {
  std::string text(static_cast<std::size_t>(::lseek(log_fd_, 0, SEEK_END)), '\0');
  if (::pread(log_fd_, text.data(), text.size(), 0) < 0) return {};
  std::vector<End> ends;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::string event = value_of(line, "event");
    if (event == "connection_end") {
      ends.push_back({value_of(line, "remote"), value_of(line, "cause")});
    } else if (event == "log_lines_dropped") {
      ++dropped;
    }
    at = end + 1;
  }
  return ends;
}

// Checks that each accepted connection ended once and that each opened one was closed once. A
// connection that the fault did not affect must have ended with the cause that the scenario
// expects.
void Harness::check_ends(Outcome& outcome, ExpectedDamage expected) {
  for (const auto& [id, count] : opened_) {
    if (count != 1 || closed_[id] != 1) {
      outcome.faults.push_back("opened " + std::to_string(count) + " times, closed " +
                               std::to_string(closed_[id]) + " times");
    }
  }
  if (closed_.size() != opened_.size())
    outcome.faults.push_back("closed connections that were not opened");
  std::size_t dropped = 0;
  const std::vector<End> ends = read_log(dropped);
  // Out of memory, a connection may be rejected before it exists, or its log line may be lost.
  std::size_t excused = 0;
  if (outcome.fault_happened && expected == ExpectedDamage::kOneConnection) excused = 1;
  if (outcome.fault_happened && expected == ExpectedDamage::kAllConnections)
    excused = ends.size() + calls().accepts();
  if (ends.size() > calls().accepts() || ends.size() + excused < calls().accepts()) {
    outcome.faults.push_back(std::to_string(calls().accepts()) + " accepted, " +
                             std::to_string(ends.size()) + " ended");
  }
  if (dropped > excused) outcome.faults.push_back("log lines dropped");
  for (const Client& each : clients_) {
    if (each.failed() || each.key() < 0 || each.expected_cause.empty()) continue;
    const std::string remote = "127.0.0.1:" + std::to_string(each.key());
    const auto found = std::find_if(ends.begin(), ends.end(),
                                    [&](const End& end) { return end.remote == remote; });
    if (found == ends.end()) {
      if (excused == 0) outcome.faults.push_back(each.name() + ": no end");
    } else if (found->cause != each.expected_cause && !was_hit(each) && excused == 0) {
      outcome.faults.push_back(each.name() + ": ended as " + found->cause);
    }
  }
}

void Harness::check_failures(Outcome& outcome, ExpectedDamage expected) const {
  std::size_t failed = 0;
  for (const Client& each : clients_) {
    if (!each.failed()) continue;
    ++failed;
    const bool excused = outcome.fault_happened &&
                         (expected == ExpectedDamage::kAllConnections ||
                          (expected == ExpectedDamage::kTargetConnection && was_hit(each)) ||
                          (expected == ExpectedDamage::kOneConnection && failed == 1));
    if (!excused) outcome.faults.push_back(each.name() + ": " + each.failure());
  }
}

}  // namespace wsd::faults

// The linker's --wrap puts this function in the place of the one that Reactor::attach() calls.
extern "C" void __wrap_wsd_reactor_attached(wsd::hub::Shard* shard,
                                            wsd::net::ProcessCounters* counts) noexcept {
  const wsd::faults::FaultsSuspended suspended;
  wsd::faults::Harness::note_reactor(*shard, *counts);
}
