#include "server/signal_watch.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

namespace wsd::server {
namespace {

using Action = struct sigaction;

Action action_of(int number) {
  Action action{};
  EXPECT_EQ(::sigaction(number, nullptr, &action), 0);
  return action;
}

void nothing(int /*number*/) {}

// A shell starts a command in the background with SIGINT ignored, and what is ignored stays so.
void stop_ignoring() {
  for (const int number : {SIGTERM, SIGINT}) EXPECT_NE(::signal(number, SIG_DFL), SIG_ERR);
}

TEST(SignalWatch, EachSignal_EndsTheWait) {
  stop_ignoring();
  for (const int number : {SIGTERM, SIGINT}) {
    const SignalWatch watch;
    ASSERT_EQ(::kill(::getpid(), number), 0);
    EXPECT_TRUE(watch.wait()) << number;
  }
}

TEST(SignalWatch, ThreadsThatBlockTheSignals_DoNotMatter) {
  stop_ignoring();
  const SignalWatch watch;
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done.load()) std::this_thread::yield();
  });
  sigset_t set;
  sigset_t before;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &set, &before), 0);
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);  // the kernel gives it to the other thread
  EXPECT_TRUE(watch.wait());
  EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  done.store(true);
  other.join();
}

TEST(SignalWatch, Cancel_EndsTheWaitWithoutASignal) {
  stop_ignoring();
  for (int i = 0; i < 3; ++i) {
    SignalWatch watch;
    std::thread canceller([&] { watch.cancel(); });
    EXPECT_FALSE(watch.wait());
    canceller.join();
  }
  // What earlier objects have left does not end a wait.
  const SignalWatch watch;
  ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
  EXPECT_TRUE(watch.wait());
}

TEST(SignalWatch, HandlersOfTheApplication_AreRestored) {
  Action own{};
  own.sa_handler = &nothing;
  Action before{};
  ASSERT_EQ(::sigaction(SIGTERM, &own, &before), 0);
  {
    const SignalWatch watch;
    EXPECT_NE(action_of(SIGTERM).sa_handler, &nothing);
  }
  EXPECT_EQ(action_of(SIGTERM).sa_handler, &nothing);
  EXPECT_EQ(::sigaction(SIGTERM, &before, nullptr), 0);
}

TEST(SignalWatch, IgnoredSignal_StaysIgnored) {
  Action ignored{};
  ignored.sa_handler = SIG_IGN;
  Action before{};
  ASSERT_EQ(::sigaction(SIGINT, &ignored, &before), 0);
  {
    SignalWatch watch;
    ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
    watch.cancel();
    EXPECT_FALSE(watch.wait());
  }
  EXPECT_EQ(action_of(SIGINT).sa_handler, SIG_IGN);
  EXPECT_EQ(::sigaction(SIGINT, &before, nullptr), 0);
}

TEST(SignalWatch, SecondObject_Throws) {
  const SignalWatch watch;
  EXPECT_THROW(SignalWatch(), std::logic_error);
}

// The status by which a child that runs `act` ends.
template <class Act>
int status_of_child(Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(SignalWatch, SecondSignal_EndsTheProcessByIt) {
  stop_ignoring();
  const int status = status_of_child([] {
    const SignalWatch watch;
    static_cast<void>(::raise(SIGINT));
    if (!watch.wait()) ::_exit(1);
    static_cast<void>(::raise(SIGTERM));
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

// A signal for a child must not drain the server of its parent.
TEST(SignalWatch, SignalOfAForkedChild_EndsTheChild) {
  SignalWatch watch;
  const int status = status_of_child([] { static_cast<void>(::raise(SIGTERM)); });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  watch.cancel();
  EXPECT_FALSE(watch.wait());
}

}  // namespace
}  // namespace wsd::server
