// Runs every scenario once without a fault, then once for each fault: the k-th call of each kind
// fails in each way that its manual page documents. See harness.h for the checks.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <tuple>
#include <vector>

#include "faults/calls.h"
#include "faults/harness.h"
#include "faults/scenario.h"

// From LeakSanitizer, if it is linked in. Without it the test does not search for leaks.
extern "C" [[gnu::weak]] int __lsan_do_recoverable_leak_check();

namespace wsd::faults {
namespace {

// How a call may fail, and the damage that this may cause.
struct Way {
  int error;
  ExpectedDamage expected = ExpectedDamage::kNone;
  std::uint32_t times = 1;
  std::uint64_t for_ms = 0;
};

constexpr int kShort = Fault::kShort;

// recv(2), tcp(7)
const std::vector<Way> kRecvWays = {
    {EAGAIN},
    {EAGAIN, ExpectedDamage::kNone, 3},
    {EINTR},
    {EINTR, ExpectedDamage::kNone, 5},
    {ENOMEM},
    {ENOBUFS, ExpectedDamage::kNone, 1, 300},
    {kShort},
    {kShort, ExpectedDamage::kNone, 20},
    {ECONNRESET, ExpectedDamage::kTargetConnection},
    {ECONNREFUSED, ExpectedDamage::kTargetConnection},
    {ETIMEDOUT, ExpectedDamage::kTargetConnection},
    {ENOTCONN, ExpectedDamage::kTargetConnection},
    {EHOSTUNREACH, ExpectedDamage::kTargetConnection},
};
// send(2), tcp(7)
const std::vector<Way> kSendWays = {
    {EAGAIN},
    {EAGAIN, ExpectedDamage::kNone, 3},
    {EINTR},
    {EINTR, ExpectedDamage::kNone, 5},
    {ENOBUFS},
    {ENOBUFS, ExpectedDamage::kNone, 1, 300},
    {ENOMEM},
    {kShort},
    {kShort, ExpectedDamage::kNone, 20},
    {EPIPE, ExpectedDamage::kTargetConnection},
    {ECONNRESET, ExpectedDamage::kTargetConnection},
    {ETIMEDOUT, ExpectedDamage::kTargetConnection},
    {EMSGSIZE, ExpectedDamage::kTargetConnection},
    {ENOTCONN, ExpectedDamage::kTargetConnection},
    {EHOSTUNREACH, ExpectedDamage::kTargetConnection},
};
// accept(2), with the errors that Linux passes on from the network and from sockets in general
const std::vector<Way> kAcceptWays = {
    {EAGAIN},
    {EAGAIN, ExpectedDamage::kNone, 3},
    {EINTR},
    {EINTR, ExpectedDamage::kNone, 5},
    {ECONNABORTED},
    {EMFILE},
    {EMFILE, ExpectedDamage::kNone, 1, 450},
    {ENFILE},
    {ENFILE, ExpectedDamage::kNone, 1, 450},
    {ENOBUFS},
    {ENOBUFS, ExpectedDamage::kNone, 1, 450},
    {ENOMEM},
    {EPROTO},
    {EPERM},
    {ENETDOWN},
    {ENOPROTOOPT},
    {EHOSTDOWN},
    {ENONET},
    {EHOSTUNREACH},
    {EOPNOTSUPP},
    {ENETUNREACH},
    {ENOSR},
    {ESOCKTNOSUPPORT},
    {EPROTONOSUPPORT},
    {ETIMEDOUT},
};
const std::vector<Way> kEpollWaitWays = {{EINTR}, {EINTR, ExpectedDamage::kNone, 5}};
const std::vector<Way> kEpollCtlWays = {{ENOMEM, ExpectedDamage::kTargetConnection},
                                        {ENOSPC, ExpectedDamage::kTargetConnection},
                                        {EPERM, ExpectedDamage::kTargetConnection}};
// To an eventfd: eventfd(2), write(2)
const std::vector<Way> kWriteWays = {{EAGAIN}, {EINTR}};
// The connection then ends by its deadline, or with FIN instead of RST.
const std::vector<Way> kShutdownWays = {{ENOTCONN, ExpectedDamage::kTargetConnection},
                                        {ENOBUFS, ExpectedDamage::kTargetConnection}};
const std::vector<Way> kSetsockoptWays = {{ENOMEM, ExpectedDamage::kTargetConnection},
                                          {EINVAL, ExpectedDamage::kTargetConnection}};
const std::vector<Way> kCloseWays = {{EINTR}, {EIO}};
const std::vector<Way> kMemoryWays = {{ENOMEM, ExpectedDamage::kOneConnection}};
const std::vector<Way> kNewWays = {{ENOMEM, ExpectedDamage::kOneConnection},
                                   {ENOMEM, ExpectedDamage::kAllConnections, 25},
                                   {ENOMEM, ExpectedDamage::kAllConnections, 1, 120}};

const std::vector<Way>& ways_of(Call call) {
  switch (call) {
    case Call::kRecv:
      return kRecvWays;
    case Call::kSend:
    case Call::kSendmsg:
      return kSendWays;
    case Call::kAccept:
      return kAcceptWays;
    case Call::kEpollWait:
      return kEpollWaitWays;
    case Call::kEpollCtl:
      return kEpollCtlWays;
    case Call::kWrite:
      return kWriteWays;
    case Call::kShutdown:
      return kShutdownWays;
    case Call::kSetsockopt:
      return kSetsockoptWays;
    case Call::kClose:
      return kCloseWays;
    case Call::kNew:
      return kNewWays;
    default:
      return kMemoryWays;
  }
}

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t points = 0;
  std::uint64_t fault_happened = 0;
  std::uint64_t wrong = 0;
  std::uint64_t hung = 0;
  std::uint64_t leaks = 0;
};
Totals totals;

// The run in progress, for the message that a crash prints.
std::string current_run;

[[noreturn]] void say_where() {
  static_cast<void>(std::fprintf(stderr, "the process ended in: %s\n", current_run.c_str()));
  std::abort();
}

class Summary final : public ::testing::Environment {
 public:
  void SetUp() override {
    std::set_terminate(say_where);
    // Only one thread runs at a time. On one processor, control passes without waking another one.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    static_cast<void>(::sched_setaffinity(0, sizeof(one), &one));
  }
  void TearDown() override {
    std::printf(
        "faults: %llu runs over %llu fault points (%llu happened): %llu hung, %llu wrong, %llu "
        "leaked%s\n",
        static_cast<unsigned long long>(totals.runs),
        static_cast<unsigned long long>(totals.points),
        static_cast<unsigned long long>(totals.fault_happened),
        static_cast<unsigned long long>(totals.hung), static_cast<unsigned long long>(totals.wrong),
        static_cast<unsigned long long>(totals.leaks),
        __lsan_do_recoverable_leak_check == nullptr ? " (not looked for)" : "");
  }
};
const auto* const kSummary = ::testing::AddGlobalTestEnvironment(new Summary);

struct Counts {
  std::array<std::uint64_t, kCalls> calls = {};
  std::uint64_t turns = 0;
};

Outcome run(const Scenario& scenario, std::span<const Fault> faults, ExpectedDamage expected,
            Counts* counts = nullptr) {
  current_run = std::string(scenario.name);
  for (const Fault& each : faults) current_run += ": " + each.text();
  ++totals.runs;
  Harness harness(scenario.options);
  if (const std::string error = harness.start(); !error.empty())
    return {{error}, false, false, 0, {}};
  for (const Fault& each : faults) calls().plan(each);
  scenario.run(harness);
  const auto look = [&] {
    if (counts == nullptr) return;
    for (std::size_t i = 0; i < kCalls; ++i) counts->calls[i] = calls().count(static_cast<Call>(i));
  };
  if (!scenario.drained) {
    look();
    calls().end();
  }
  Outcome outcome = harness.finish(expected);
  if (scenario.drained) look();
  if (counts != nullptr) counts->turns = outcome.turns;
  if (outcome.fault_happened) ++totals.fault_happened;
  if (outcome.hung) ++totals.hung;
  if (!outcome.faults.empty()) ++totals.wrong;
  return outcome;
}

std::string describe(const Outcome& outcome) {
  std::string text = current_run;
  for (const std::string& each : outcome.faults) text += "\n  " + each;
  for (const std::string& each : outcome.failed_clients) text += "\n  (failed: " + each + ")";
  return text;
}

bool look_for_leaks() {
  if (__lsan_do_recoverable_leak_check == nullptr || __lsan_do_recoverable_leak_check() == 0) {
    return true;
  }
  ++totals.leaks;
  return false;
}

class EveryCall : public ::testing::TestWithParam<std::tuple<std::size_t, Call>> {};

// If a failure makes the server turn much more often than needed, the server has a busy loop.
constexpr std::uint64_t kExtraTurns = 300;

constexpr int kMostShown = 5;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST_P(EveryCall, FailsInEveryWay) {
  const auto [index, call] = GetParam();
  const Scenario& scenario = scenarios()[index];
  Counts counts;
  const Outcome clean = run(scenario, {}, ExpectedDamage::kNone, &counts);
  ASSERT_TRUE(clean.faults.empty()) << describe(clean);
  const std::uint64_t points = counts.calls[static_cast<std::size_t>(call)];
  const std::vector<Way>& ways = ways_of(call);
  const std::uint64_t stride = ways.size() > 2 ? number_from("FAULTS_STRIDE", 1) : 1;
  const std::uint64_t only = number_from("FAULTS_AT", 0);
  int shown = 0;
  for (std::uint64_t at = 1; at <= points && shown < kMostShown; ++at) {
    ++totals.points;
    if (only != 0 && only != at) continue;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      if ((at + i) % stride != 0) continue;
      const Way& way = ways[i];
      const Fault fault{call, at, way.error, way.times, way.for_ms};
      const Outcome outcome = run(scenario, {&fault, 1}, way.expected);
      EXPECT_TRUE(outcome.faults.empty()) << describe(outcome);
      EXPECT_LE(outcome.turns, counts.turns * 2 + kExtraTurns) << current_run << ": a busy loop";
      if (!outcome.faults.empty()) ++shown;
    }
  }
  EXPECT_TRUE(look_for_leaks()) << current_run << " or before";
}

// Two faults at once: no descriptors are left, and then epoll rejects the listener for a while.
TEST(Faults, ListenerNotAddedToEpoll_IsRetried) {
  for (const Scenario& each : scenarios()) {
    if (each.name != "unix") continue;
    Scenario alone = each;
    alone.options.reactors = 1;
    const std::array faults = {Fault{Call::kAccept, 1, EMFILE},
                               Fault{Call::kEpollCtl, 1, ENOMEM, 1, 250}};
    const Outcome outcome = run(alone, faults, ExpectedDamage::kNone);
    EXPECT_TRUE(outcome.fault_happened);
    EXPECT_TRUE(outcome.faults.empty()) << describe(outcome);
  }
}

// The allocation for the rest of a short send fails too.
TEST(Faults, ShortSend_ThenOutOfMemoryForTheRest) {
  constexpr std::uint64_t kNewsAfter = 4;
  for (const Scenario& each : scenarios()) {
    if (each.name != "echo" && each.name != "room") continue;
    for (const Call call : {Call::kSend, Call::kSendmsg}) {
      Counts counts;
      static_cast<void>(run(each, {}, ExpectedDamage::kNone, &counts));
      for (std::uint64_t at = 1; at <= counts.calls[static_cast<std::size_t>(call)]; ++at) {
        const Fault cut{call, at, kShort};
        static_cast<void>(run(each, {&cut, 1}, ExpectedDamage::kNone));
        const std::uint64_t news = calls().news_at_first_fault();
        for (std::uint64_t after = 1; after <= kNewsAfter; ++after) {
          const std::array faults = {cut, Fault{Call::kNew, news + after, ENOMEM}};
          const Outcome outcome = run(each, faults, ExpectedDamage::kOneConnection);
          EXPECT_TRUE(outcome.faults.empty()) << describe(outcome);
        }
      }
    }
  }
}

std::vector<std::size_t> all_scenarios() {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < scenarios().size(); ++i) all.push_back(i);
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Faults, EveryCall,
    ::testing::Combine(::testing::ValuesIn(all_scenarios()),
                       ::testing::Values(Call::kRecv, Call::kSend, Call::kSendmsg, Call::kAccept,
                                         Call::kEpollWait, Call::kEpollCtl, Call::kWrite,
                                         Call::kShutdown, Call::kSetsockopt, Call::kClose,
                                         Call::kMalloc, Call::kRealloc, Call::kZlib, Call::kNew)),
    [](const auto& each) {
      return std::string(scenarios()[std::get<0>(each.param)].name) + "_" +
             std::string(call_name(std::get<1>(each.param)));
    });

}  // namespace
}  // namespace wsd::faults
