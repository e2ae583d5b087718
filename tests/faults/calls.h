// Counts the server's system calls and allocations by kind, and makes the planned ones fail.
//
// Only calls on behalf of the server count. A thread marks its calls with Serving and unmarks them
// with FaultsSuspended. Only one thread runs at a time (see harness.h), so no lock is needed.
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
  kEpollCtl,  // only registering: the kernel always removes a registered descriptor
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

// Makes call number `at` of its kind fail, and later ones while `times` or `for_ms` lasts.
struct Fault {
  static constexpr int kShort = -1;  // not an error: the call transfers one byte

  Call call = Call::kRecv;
  std::uint64_t at = 0;
  int error = 0;
  std::uint32_t times = 1;
  std::uint64_t for_ms = 0;

  [[nodiscard]] std::string text() const;
};

class Calls {
 public:
  // Identifies the connection of a server descriptor. For TCP it is the peer's port. For Unix
  // sockets it is the negative number of the accept. 0 means none.
  using Key = int;

  static constexpr std::size_t kMaxFaults = 2;
  static constexpr std::size_t kMaxFds = 4096;

  void reset() noexcept;
  void plan(const Fault& fault) noexcept;
  // Ends the faults: from now on calls are not counted and do not fail.
  void end() noexcept { over_ = true; }

  // Counts the next call of this kind, on `fd`. Returns the errno that it must fail with, kShort,
  // or 0.
  [[nodiscard]] int next(Call call, int fd) noexcept;
  [[nodiscard]] std::uint64_t count(Call call) const noexcept {
    return counts_[static_cast<std::size_t>(call)];
  }
  // Returns whether a planned fault has happened. faulted_connection() names its connection.
  [[nodiscard]] bool fault_happened() const noexcept { return fault_happened_; }
  [[nodiscard]] Key faulted_connection() const noexcept { return faulted_connection_; }
  // Returns the number of allocations by `new` before the first fault.
  [[nodiscard]] std::uint64_t news_at_first_fault() const noexcept { return news_at_first_fault_; }

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
  std::uint64_t news_at_first_fault_ = 0;
  bool fault_happened_ = false;
  bool over_ = false;
  Key faulted_connection_ = 0;
};

[[nodiscard]] Calls& calls() noexcept;

// Calls of this thread belong to the server while the object exists.
class Serving {
 public:
  Serving() noexcept;
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving();
  [[nodiscard]] static bool here() noexcept;
  // Marks all calls of this thread, until the thread ends.
  static void begin() noexcept;

 private:
  bool before_;
};

// Calls of this thread belong to the test while the object exists.
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
