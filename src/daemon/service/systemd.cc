#include "daemon/service/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <new>
#include <utility>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

constexpr int kFirstPassed = 3;  // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr std::uint64_t kMostPassed = 1024;

constexpr std::array<const char*, 6> kVariables{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES"};

std::string_view value_of(const Environment& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string_view() : std::string_view(found->second);
}

// Returns whether the variable of that name holds the process id `self`.
bool is_for(const Environment& variables, const std::string& name, pid_t self) {
  return value_of(variables, name) == std::to_string(self);
}

}  // namespace

Environment take_service_variables() {
  Environment taken;
  for (const char* name : kVariables) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread yet
    if (value == nullptr) continue;
    taken.emplace(name, value);
    ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): one thread yet
  }
  return taken;
}

PassedSockets passed_sockets(const Environment& variables, pid_t self) {
  PassedSockets passed;
  const std::string_view count_text = value_of(variables, "LISTEN_FDS");
  if (count_text.empty() || !is_for(variables, "LISTEN_PID", self)) return passed;
  const auto count = parse_count(count_text, kMostPassed);
  if (!count.ok()) {
    passed.error = "LISTEN_FDS, the number of sockets that systemd passes: " + count.error;
    return passed;
  }
  const std::string_view names_text = value_of(variables, "LISTEN_FDNAMES");
  const std::vector<std::string_view> names =
      names_text.empty() ? std::vector<std::string_view>{} : split(names_text, ':');
  if (!names.empty() && names.size() != count.value) {
    passed.error = "LISTEN_FDNAMES has " + std::to_string(names.size()) + " names for " +
                   std::to_string(count.value) + " sockets; it must have one name per socket";
    return passed;
  }
  for (std::size_t i = 0; i < count.value; ++i) {
    const int fd = kFirstPassed + static_cast<int>(i);
    static_cast<void>(::fcntl(fd, F_SETFD, FD_CLOEXEC));
    passed.sockets.push_back({fd, names.empty() ? "unknown" : std::string(names[i])});
  }
  return passed;
}

Notifier::Notifier(std::string_view address) {
  if (address.empty()) return;
  const std::string place = "NOTIFY_SOCKET " + quote(address);
  if (address.front() != '/' && address.front() != '@') {
    error_ =
        place +
        " is neither a path that begins with / nor an abstract name that begins with @: wsd sends "
        "the service manager no notifications";
    return;
  }
  if (address.size() >= sizeof(sockaddr_un::sun_path)) {
    error_ = place +
             " exceeds the length limit of a socket path: wsd sends the service manager no "
             "notifications";
    return;
  }
  address_ = address;
  if (address_.front() == '@') address_.front() = '\0';  // unix(7), "abstract"
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) error_ = place + ": " + std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
}

Notifier::~Notifier() {
  if (fd_ >= 0) ::close(fd_);
}

bool Notifier::tell(std::string_view lines) const noexcept {
  if (fd_ < 0) return false;
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  address_.copy(at.sun_path, sizeof(at.sun_path));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  for (;;) {
    const ssize_t sent = ::sendto(fd_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                  reinterpret_cast<const sockaddr*>(&at), size);
    if (sent >= 0) return true;
    if (errno != EINTR) return false;
  }
}

std::string reloading_lines() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
                            static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds);
}

std::string stopping_lines(std::uint64_t at_most_ms, std::string_view status) {
  return "STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(at_most_ms * 1000) +
         "\nSTATUS=" + std::string(status);
}

std::chrono::microseconds watchdog_period(const Environment& variables, pid_t self) {
  const std::string_view text = value_of(variables, "WATCHDOG_USEC");
  if (text.empty()) return {};
  if (variables.contains("WATCHDOG_PID") && !is_for(variables, "WATCHDOG_PID", self)) return {};
  const auto parsed = parse_count(text, std::numeric_limits<std::int64_t>::max());
  if (!parsed.ok()) return {};
  return std::chrono::microseconds(parsed.value / 2);
}

Watchdog::Watchdog(const Notifier& notifier, std::chrono::microseconds period,
                   std::function<bool()> alive, std::function<std::string()> status)
    : notifier_(notifier), alive_(std::move(alive)), status_(std::move(status)) {
  if (period.count() > 0) thread_ = std::thread([this, period] { run(period); });
}

Watchdog::~Watchdog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

// Out of memory, it sends the keep-alive without the status.
void Watchdog::give_sign() const noexcept {
  try {
    notifier_.tell("WATCHDOG=1\nSTATUS=" + status_());
  } catch (const std::bad_alloc&) {
    notifier_.tell("WATCHDOG=1");
  }
}

void Watchdog::run(std::chrono::microseconds period) {
  std::unique_lock lock(mutex_);
  while (!end_) {
    if (alive_()) give_sign();
    ended_.wait_for(lock, period, [this] { return end_; });
  }
}

}  // namespace wsd::daemon
