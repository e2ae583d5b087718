// What a run has done, and how it fails.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wsd::storm {

// The calls of the public interface. A run fails if it has left one out.
enum class Call : std::uint8_t {
  kSend,
  kClose,
  kJoin,
  kJoinSince,
  kLeave,
  kProperties,
  kSetData,
  kData,
  kHubJoin,
  kHubLeave,
  kPublish,
  kPublishReceipt,
  kQuery,
  kAddresses,
  kStats,
  kConnections,
  kRooms,
  kCloseConnection,
  kFindConnections,
  kRemoveMessages,
  kCloseRoom,
  kLog,
  kLiveness,
  kLateRoute,
  kLateListen,
  kDrain,
  kStop,
  kAdopt,
  kHttpHandler,
  kGuard,
  kDeferred,
  kRespond,
  kRespondTwice,
  kNoResponse,
  kUpgrade,
  kRouteOptions,
  kCookie,
  kQueryParam,
  kRejectUpgrade,
  kOpened,
  kOpen,
  kMessage,
  kCloseHandler,
  kJoinRefused,
  kThrow,
  kReceipt,
  kState,
  kLogSink,
  kFork,
  kPost,
  kTask,
  kPostToReactor,
  kTimer,
  kTimerFires,
  kCancelTimer,
  kServerTimer,
  kPause,
  kResume,
  kNotifyDrained,
  kDrained,
  kPing,
  kPong,
  kDeferredUpgrade,
  kVerdict,
  kNoVerdict,
};
inline constexpr std::size_t kCalls = static_cast<std::size_t>(Call::kNoVerdict) + 1;

// Counts of one process. Any thread.
class Record {
 public:
  void called(Call call) noexcept { calls_[static_cast<std::size_t>(call)].fetch_add(1); }
  [[nodiscard]] std::uint64_t count(Call call) const noexcept {
    return calls_[static_cast<std::size_t>(call)].load();
  }
  // Returns the number of a call that was never made, or kCalls.
  [[nodiscard]] std::size_t missing() const noexcept;

  std::atomic<std::uint64_t> cycles{0};
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> echoes{0};
  std::atomic<std::uint64_t> deliveries{0};
  std::atomic<std::uint64_t> responses{0};

 private:
  std::array<std::atomic<std::uint64_t>, kCalls> calls_{};
};

// The record of this process.
[[nodiscard]] Record& record() noexcept;

// Prints a sentence with the seed, and aborts, so that a sanitizer or a core file has the stacks.
[[noreturn]] [[gnu::format(printf, 1, 2)]] void fail(const char* format, ...);

// The time after which a run that waits for the server has found a hang. It never measures speed.
inline constexpr int kPatienceSeconds = 120;

}  // namespace wsd::storm
