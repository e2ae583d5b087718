#include "daemon/service/signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace wsd::daemon {
namespace {

// Death tests run the statement in a child process.

TEST(SignalsDeathTest, Blocked_StayPendingForSigwait) {
  EXPECT_EXIT(
      {
        const sigset_t signals = block_signals();
        ::raise(SIGTERM);
        ::raise(SIGPIPE);
        ::raise(SIGXFSZ);
        int number = 0;
        sigwait(&signals, &number);
        std::_Exit(number);
      },
      ::testing::ExitedWithCode(SIGTERM), "");
}

// A look-up of a name may take a minute. Without the scope, the process would survive.
TEST(SignalsDeathTest, KillableScope_SignalEndsTheProcess) {
  for (const int number : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          static_cast<void>(block_signals());
          const KillableScope killable;
          ::raise(number);
          std::_Exit(0);
        },
        ::testing::KilledBySignal(number), "");
    // A signal that came before is not lost.
    EXPECT_EXIT(
        {
          static_cast<void>(block_signals());
          ::raise(number);
          const KillableScope killable;
          std::_Exit(0);
        },
        ::testing::KilledBySignal(number), "");
  }
}

TEST(SignalsDeathTest, AfterKillableScope_SignalsAreBlockedAgain) {
  EXPECT_EXIT(
      {
        const sigset_t signals = block_signals();
        { const KillableScope killable; }
        ::raise(SIGTERM);
        int number = 0;
        sigwait(&signals, &number);
        std::_Exit(number);
      },
      ::testing::ExitedWithCode(SIGTERM), "");
}

TEST(SignalsDeathTest, LetSignalsKill_EndsTheProcessAtASecondSignal) {
  EXPECT_EXIT(
      {
        static_cast<void>(block_signals());
        let_signals_kill();
        ::raise(SIGINT);
        std::_Exit(0);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace wsd::daemon
