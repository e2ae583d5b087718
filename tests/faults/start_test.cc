// What the kernel refuses before the server serves: it says so, and leaves nothing behind.
#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <string>
#include <vector>

#include "faults/calls.h"
#include "faults/harness.h"

namespace wsd::faults {
namespace {

struct Refusal {
  Call call;
  std::vector<int> errors;
};

// By the manual page of each.
const std::vector<Refusal> kRefusals = {
    {Call::kSocket, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}},
    {Call::kBind, {EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOMEM}},
    {Call::kListen, {EADDRINUSE}},
    {Call::kSetsockopt, {ENOPROTOOPT, ENOMEM}},
    {Call::kEpollCreate, {EMFILE, ENFILE, ENOMEM}},
    {Call::kEventfd, {EMFILE, ENFILE, ENODEV, ENOMEM}},
    {Call::kEpollCtl, {ENOMEM, ENOSPC}},
    {Call::kNew, {ENOMEM}},
    {Call::kMalloc, {ENOMEM}},
};

// An option that the kernel does not take may be done without.
bool may_start(Call call) { return call == Call::kSetsockopt; }

// The server's sentence; "std::bad_alloc" when it threw that; empty when it started.
std::string start(Harness& harness) {
  const Serving serving;
  try {
    return harness.start();
  } catch (const std::bad_alloc&) {
    return "std::bad_alloc";
  }
}

void refuse_each(const Harness::Options& options) {
  for (const Refusal& each : kRefusals) {
    std::uint64_t points = 0;
    {
      Harness clean(options);
      ASSERT_EQ(start(clean), "");
      points = calls().count(each.call);
      ASSERT_TRUE(clean.finish(ExpectedDamage::kNobody).faults.empty());
    }
    for (std::uint64_t at = 1; at <= points; ++at) {
      for (const int error : each.errors) {
        const Fault fault{each.call, at, error};
        const int before = open_descriptors();
        {
          Harness harness(options);
          calls().plan(fault);
          const std::string said = start(harness);
          EXPECT_TRUE(calls().struck()) << fault.text();
          calls().end();
          if (said.empty()) {
            EXPECT_TRUE(may_start(each.call)) << fault.text();
            const Outcome outcome = harness.finish(ExpectedDamage::kNobody);
            EXPECT_TRUE(outcome.faults.empty()) << fault.text() << ": " << outcome.faults.at(0);
          }
        }
        EXPECT_EQ(open_descriptors(), before) << fault.text();
      }
    }
  }
}

TEST(StartUp, Tcp_FailedCallIsReported) { refuse_each({}); }
TEST(StartUp, UnixSocket_FailedCallIsReported) {
  refuse_each({.reactors = 2, .unix_socket = true});
}

}  // namespace
}  // namespace wsd::faults
