#include "sim/client/captured_reactors.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace wsd::sim {
namespace {

std::mutex mutex;
std::condition_variable captured;
std::vector<net::Reactor*> reactors;

}  // namespace

// The linker replaces Reactor::run() by the first function, and names it by the second one
// (--wrap).
extern "C" void __wrap__ZN3wsd3net7Reactor3runEv(net::Reactor* reactor) {
  const std::lock_guard lock(mutex);
  reactors.push_back(reactor);
  captured.notify_one();
}
extern "C" void __real__ZN3wsd3net7Reactor3runEv(net::Reactor* reactor);

std::vector<net::Reactor*> take_reactors(std::size_t count) {
  std::unique_lock lock(mutex);
  captured.wait(lock, [count] { return reactors.size() == count; });
  std::ranges::sort(reactors, {}, [](net::Reactor* each) { return each->shard().index(); });
  return std::exchange(reactors, {});
}

void run_reactor(net::Reactor& reactor) { __real__ZN3wsd3net7Reactor3runEv(&reactor); }

}  // namespace wsd::sim
