#include "hostile/honest.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <deque>
#include <sstream>
#include <string_view>
#include <vector>

#include "hostile/swarm.h"
#include "support/wire.h"

namespace hostile {
namespace {

// Open loop: each echo is sent at its scheduled time, even if earlier ones are unanswered. Its
// latency counts from that time.
constexpr auto kInterval = std::chrono::microseconds(2500);

constexpr milliseconds kPatience{60'000};

volatile std::sig_atomic_t report_wanted = 0;

void want_report(int /*signal*/) { report_wanted = 1; }

class Client {
 public:
  Client(std::uint16_t port, std::size_t first_report) : swarm_(port), first_report_(first_report) {
    for (int i = 0; i < Honest::kConnections; ++i) swarm_.open("/echo");
    swarm_.on_message = [this](Peer& peer, const FrameView& frame) { on_echo(peer, frame); };
  }

  int run() {
    if (!swarm_.until([this] { return swarm_.opened() == Honest::kConnections; }, kPatience)) {
      return lost("not let in");
    }
    std::puts("open");
    std::fflush(stdout);
    for (auto next = Clock::now();;) {
      for (; Clock::now() >= next; next += kInterval) send_echo(next);
      swarm_.step(milliseconds(1));
      if (!fault_.empty() || swarm_.ended() != 0) return lost(fault_);
      if (report_wanted == 0 || latencies_.size() < first_report_) continue;
      report_wanted = 0;
      first_report_ = 0;
      if (!swarm_.until([this] { return waiting() == 0 || swarm_.ended() != 0; }, kPatience)) {
        return lost("an echo does not come back");
      }
      print();
      next = Clock::now();
    }
  }

 private:
  struct Sent {
    std::uint64_t number = 0;
    Clock::time_point due;
  };

  void send_echo(Clock::time_point due) {
    Peer& peer = swarm_.peers()[sent_ % Honest::kConnections];
    swarm_.send(peer, e2e::text_frame(payload(sent_)));
    under_way_[peer.index].push_back({sent_++, due});
  }

  void on_echo(Peer& peer, const FrameView& frame) {
    std::deque<Sent>& sent = under_way_[peer.index];
    if (sent.empty() || frame.payload != payload(sent.front().number)) {
      fault_ = "an echo differs from its message";
      return;
    }
    latencies_.push_back(Clock::now() - sent.front().due);
    sent.pop_front();
  }

  static std::string payload(std::uint64_t number) { return "honest " + std::to_string(number); }

  [[nodiscard]] std::size_t waiting() const {
    std::size_t count = 0;
    for (const auto& each : under_way_) count += each.size();
    return count;
  }

  int lost(const std::string& why) {
    std::string text = why + swarm_.faults();
    for (const Peer& peer : swarm_.peers()) {
      if (!peer.over()) continue;
      text += " connection " + std::to_string(peer.index) + " ended with status " +
              std::to_string(peer.status) + ", Close " + std::to_string(peer.close_code);
    }
    std::printf("lost: %s\n", text.c_str());
    std::fflush(stdout);
    return 1;
  }

  void print() {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](std::size_t percent) {
      if (latencies_.empty()) return 0.0;
      const std::size_t i = (latencies_.size() - 1) * percent / 100;
      return std::chrono::duration<double, std::milli>(latencies_[i]).count();
    };
    std::printf("report %zu %.3f %.3f %.3f\n", latencies_.size(), at(50), at(99), at(100));
    std::fflush(stdout);
    latencies_.clear();
  }

  Swarm swarm_;
  std::size_t first_report_;  // the minimum number of echoes in it
  std::uint64_t sent_ = 0;
  std::array<std::deque<Sent>, Honest::kConnections> under_way_;
  std::vector<Clock::duration> latencies_;
  std::string fault_;
};

e2e::Command honest_command(std::uint16_t port, std::size_t first_report) {
  e2e::Command command;
  command.argv = {"/proc/self/exe", "--honest", std::to_string(port), std::to_string(first_report)};
  return command;
}

}  // namespace

Honest::Honest(std::uint16_t port, std::size_t first_report)
    : process_(honest_command(port, first_report)) {
  static_cast<void>(process_.wait_for_line("^(open|lost)", 0, kPatience));
  seen_ = process_.lines().size();
}

HonestReport Honest::report() {
  process_.signal(SIGUSR1);
  const auto line = process_.wait_for_line("^(report|lost)", seen_, kPatience + milliseconds(5000));
  seen_ = process_.lines().size();
  HonestReport report;
  std::string word;
  std::istringstream text(line.value_or("it says nothing"));
  if (!(text >> word) || word != "report" ||
      !(text >> report.answered >> report.p50_ms >> report.p99_ms >> report.max_ms)) {
    report.fault = "the honest client: " + text.str();
  } else if (report.answered == 0) {
    report.fault = "the honest client was not answered once";
  }
  return report;
}

int run_honest(std::uint16_t port, std::size_t first_report) {
  struct sigaction action {};
  action.sa_handler = &want_report;
  ::sigaction(SIGUSR1, &action, nullptr);
  return Client(port, first_report).run();
}

}  // namespace hostile
