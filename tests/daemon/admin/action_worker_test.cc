#include "daemon/admin/action_worker.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace wsd::daemon {
namespace {

TEST(ActionWorker, Run_ReturnsWhileAnEarlierJobRuns) {
  std::promise<void> may_end;
  std::promise<std::thread::id> ended;
  ActionWorker worker;
  worker.run([&] { may_end.get_future().wait(); });
  worker.run([&] { ended.set_value(std::this_thread::get_id()); });
  may_end.set_value();  // a job on this thread would wait for this for ever
  EXPECT_NE(ended.get_future().get(), std::this_thread::get_id());
}

TEST(ActionWorker, Jobs_RunInOrderAndOutliveExceptions) {
  std::vector<int> order;
  std::promise<void> last;
  ActionWorker worker;
  worker.run([&] { order.push_back(1); });
  worker.run([] { throw std::runtime_error("a job fails"); });
  worker.run([&] { order.push_back(2); });
  worker.run([&] { last.set_value(); });
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(ActionWorker, Destruction_WaitsForTheRunningJobAndDiscardsOthers) {
  std::promise<void> begun;
  std::promise<void> may_end;
  bool complete = false;
  const auto discarded = std::make_shared<bool>(false);
  std::thread ender;
  {
    ActionWorker worker;
    worker.run([&] {
      begun.set_value();
      may_end.get_future().wait();
      complete = true;
    });
    worker.run([discarded] { *discarded = true; });
    begun.get_future().wait();
    ender = std::thread([&] { may_end.set_value(); });
  }
  EXPECT_TRUE(complete);
  EXPECT_EQ(discarded.use_count(), 1) << "its Responder would answer 500";
  ender.join();
}

TEST(ActionWorker, WithoutJobs_EndsAtOnce) { const ActionWorker worker; }

}  // namespace
}  // namespace wsd::daemon
