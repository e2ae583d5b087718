// The kernel rejects a call before the server serves. The server must report it and free
// everything.
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

// The errors are those of each manual page.
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

// The server may start without an option that the kernel rejects.
bool may_start(Call call) { return call == Call::kSetsockopt; }

// Starts the server. Returns its error text, "std::bad_alloc" if it threw that, or "" if it
// started.
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
      ASSERT_TRUE(clean.finish(ExpectedDamage::kNone).faults.empty());
    }
    for (std::uint64_t at = 1; at <= points; ++at) {
      for (const int error : each.errors) {
        const Fault fault{each.call, at, error};
        const int before = open_descriptors();
        {
          Harness harness(options);
          calls().plan(fault);
          const std::string said = start(harness);
          EXPECT_TRUE(calls().fault_happened()) << fault.text();
          calls().end();
          if (said.empty()) {
            EXPECT_TRUE(may_start(each.call)) << fault.text();
            const Outcome outcome = harness.finish(ExpectedDamage::kNone);
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
