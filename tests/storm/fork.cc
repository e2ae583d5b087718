// The application forks while the server runs, as system(3) and popen(3) do.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "storm/record.h"
#include "storm/server.h"

namespace wsd::storm {

// The child has every descriptor of the server until it ends.
void StormServer::fork_often(std::uint64_t seed) {
  Dice dice(seed);
  while (!over_.load()) {
    record().called(Call::kFork);
    const auto holds_ms = static_cast<int>(dice.below(30));
    const pid_t child = ::fork();
    if (child < 0) fail("cannot fork");
    if (child == 0) {
      ::poll(nullptr, 0, holds_ms);
      ::_exit(0);
    }
    if (::waitpid(child, nullptr, 0) != child) fail("cannot wait for a child");
    std::this_thread::sleep_for(std::chrono::milliseconds(dice.below(100)));
  }
}

}  // namespace wsd::storm
