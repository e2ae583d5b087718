#include "daemon/service/reloader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <semaphore>
#include <string>

namespace wsd::daemon {
namespace {

// A file that is read when the test lets it, and the results that took effect.
struct Work {
  std::counting_semaphore<> started{0};
  std::counting_semaphore<> let_read{0};
  std::counting_semaphore<> applied{0};
  std::counting_semaphore<> gone{0};  // the thread has freed its copy of the function
  std::atomic<int> reads{0};
};

// Reports on destruction, when the last thread has freed the function that owns it.
class Witness {
 public:
  explicit Witness(std::shared_ptr<Work> work) : work_(std::move(work)) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { work_->gone.release(); }

 private:
  std::shared_ptr<Work> work_;
};

Reloader::Read read_of(const std::shared_ptr<Work>& work) {
  const auto witness = std::make_shared<Witness>(work);
  return [work, witness]() -> Reloader::Apply {
    ++work->reads;
    work->started.release();
    work->let_read.acquire();
    return [work] { work->applied.release(); };
  };
}

TEST(Reloader, Request_ReadsAndApplies) {
  const auto work = std::make_shared<Work>();
  Reloader reloader(read_of(work));
  for (int i = 0; i < 3; ++i) {
    reloader.request();
    work->let_read.release();
    work->applied.acquire();
  }
  EXPECT_TRUE(reloader.end());
}

// The caller is the main thread, which must see SIGTERM.
TEST(Reloader, BlockedRead_BlocksNeitherRequestNorEnd) {
  const auto work = std::make_shared<Work>();
  {
    Reloader reloader(read_of(work));
    reloader.request();
    work->started.acquire();
    reloader.request();
    EXPECT_FALSE(reloader.end());
    reloader.request();
  }
  work->let_read.release(2);
  work->gone.acquire();
  EXPECT_EQ(work->reads, 1) << "an abandoned thread reads nothing more";
  EXPECT_FALSE(work->applied.try_acquire()) << "nothing takes effect after end()";
}

TEST(Reloader, RequestsDuringAReload_MakeOneMore) {
  const auto work = std::make_shared<Work>();
  Reloader reloader(read_of(work));
  reloader.request();
  work->started.acquire();
  for (int i = 0; i < 5; ++i) reloader.request();
  work->let_read.release(2);
  work->applied.acquire();
  work->applied.acquire();
  EXPECT_EQ(work->reads, 2);
  static_cast<void>(reloader.end());
}

}  // namespace
}  // namespace wsd::daemon
