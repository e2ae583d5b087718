// The server's system calls and allocations, counted one by one; the one that is told to fails.
//
// Only calls made on the server's behalf count: a thread says so with Serving, and takes it back
// with FaultsSuspended. One thread at a time serves (see harness.h), so nothing here needs a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wsd::faults {

enum class Call : std::uint8_t {
  kRecv,
  kSend,
  kSendmsg,
  kAccept,
  kEpollWait,
  kEpollCtl,  // registering alone: the kernel does not refuse to take out what is there
  kEpollCreate,
  kEventfd,
  kWrite,
  kShutdown,
  kSetsockopt,
  kClose,
  kSocket,
  kBind,
  kListen,
  kNew,
  kMalloc,
  kRealloc,
  kZlib,
};
inline constexpr std::size_t kCalls = static_cast<std::size_t>(Call::kZlib) + 1;

[[nodiscard]] std::string_view call_name(Call call) noexcept;

// Makes the `at`th call fail, and those after it while `times` or `for_ms` last.
struct Fault {
  static constexpr int kShort = -1;  // an error that is none: the call moves one byte

  Call call = Call::kRecv;
  std::uint64_t at = 0;
  int error = 0;
  std::uint32_t times = 1;
  std::uint64_t for_ms = 0;

  [[nodiscard]] std::string text() const;
};

class Calls {
 public:
  // Which connection a descriptor of the server is: the peer's port, or for Unix sockets the
  // negative number of the accept. 0: none.
  using Key = int;

  static constexpr std::size_t kMaxFaults = 2;
  static constexpr std::size_t kMaxFds = 4096;

  void reset() noexcept;
  void plan(const Fault& fault) noexcept;
  // From here on nothing is counted and nothing fails.
  void end() noexcept { over_ = true; }

  // The next call of this kind, on `fd`: the errno with which it is to fail, kShort, or 0.
  [[nodiscard]] int next(Call call, int fd) noexcept;
  [[nodiscard]] std::uint64_t count(Call call) const noexcept {
    return counts_[static_cast<std::size_t>(call)];
  }
  // Whether a planned fault has happened, and to which connection.
  [[nodiscard]] bool struck() const noexcept { return struck_; }
  [[nodiscard]] Key struck_key() const noexcept { return struck_key_; }
  // How many allocations by `new` there had been when the first fault struck.
  [[nodiscard]] std::uint64_t news_when_struck() const noexcept { return news_when_struck_; }

  void accepted(int fd, Key key) noexcept;
  void closed(int fd) noexcept { keys_[static_cast<std::size_t>(fd)] = 0; }
  [[nodiscard]] std::uint64_t accepts() const noexcept { return accepts_; }
  [[nodiscard]] Key next_unix_key() const noexcept { return -static_cast<Key>(accepts_ + 1); }

 private:
  struct Planned {
    Fault fault;
    bool begun = false;
    std::uint64_t until = 0;
  };

  std::array<std::uint64_t, kCalls> counts_ = {};
  std::array<Planned, kMaxFaults> faults_;
  std::size_t planned_ = 0;
  std::array<Key, kMaxFds> keys_ = {};
  std::uint64_t accepts_ = 0;
  std::uint64_t news_when_struck_ = 0;
  bool struck_ = false;
  bool over_ = false;
  Key struck_key_ = 0;
};

[[nodiscard]] Calls& calls() noexcept;

// What this thread does in the scope is the server's.
class Serving {
 public:
  Serving() noexcept;
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving();
  [[nodiscard]] static bool here() noexcept;
  // For a thread that serves all its life.
  static void begin() noexcept;

 private:
  bool before_;
};

// What this thread does in the scope is the test's.
class FaultsSuspended {
 public:
  FaultsSuspended() noexcept;
  FaultsSuspended(const FaultsSuspended&) = delete;
  FaultsSuspended& operator=(const FaultsSuspended&) = delete;
  ~FaultsSuspended();

 private:
  bool before_;
};

}  // namespace wsd::faults
