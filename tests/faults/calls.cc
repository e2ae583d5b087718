#include "faults/calls.h"

#include <cstring>

#include "faults/reactor_scheduler.h"

namespace wsd::faults {
namespace {

constexpr std::array<std::string_view, kCalls> kNames = {
    "recv",    "send",  "sendmsg",  "accept4",    "epoll_wait", "epoll_ctl", "epoll_create1",
    "eventfd", "write", "shutdown", "setsockopt", "close",      "socket",    "bind",
    "listen",  "new",   "malloc",   "realloc",    "zalloc"};

thread_local bool serving = false;

Calls the_calls;

}  // namespace

std::string_view call_name(Call call) noexcept { return kNames[static_cast<std::size_t>(call)]; }

std::string Fault::text() const {
  std::string text = std::string(call_name(call)) + " " + std::to_string(at) + " ";
  if (error == kShort) {
    text += "short";
  } else {
    const char* const name = ::strerrorname_np(error);
    text += name == nullptr ? "?" : name;
  }
  if (times > 1) text += " x" + std::to_string(times);
  if (for_ms != 0) text += " for " + std::to_string(for_ms) + " ms";
  return text;
}

void Calls::reset() noexcept {
  counts_ = {};
  planned_ = 0;
  keys_ = {};
  accepts_ = 0;
  fault_happened_ = over_ = false;
  faulted_connection_ = 0;
}

void Calls::plan(const Fault& fault) noexcept { faults_[planned_++] = {fault, false, 0}; }

int Calls::next(Call call, int fd) noexcept {
  if (over_) return 0;
  const std::uint64_t count = ++counts_[static_cast<std::size_t>(call)];
  for (std::size_t i = 0; i < planned_; ++i) {
    Planned& each = faults_[i];
    if (each.fault.call != call) continue;
    if (count == each.fault.at) {
      each.begun = true;
      each.until = now_ms() + each.fault.for_ms;
    }
    if (!each.begun) continue;
    if (count >= each.fault.at + each.fault.times && now_ms() >= each.until) continue;
    if (!fault_happened_) news_at_first_fault_ = this->count(Call::kNew);
    fault_happened_ = true;
    if (fd >= 0) faulted_connection_ = keys_[static_cast<std::size_t>(fd)];
    return each.fault.error;
  }
  return 0;
}

void Calls::accepted(int fd, Key key) noexcept {
  ++accepts_;
  keys_[static_cast<std::size_t>(fd)] = key;
}

Calls& calls() noexcept { return the_calls; }

Serving::Serving() noexcept : before_(serving) { serving = true; }
Serving::~Serving() { serving = before_; }
bool Serving::here() noexcept { return serving; }
void Serving::begin() noexcept { serving = true; }

FaultsSuspended::FaultsSuspended() noexcept : before_(serving) { serving = false; }
FaultsSuspended::~FaultsSuspended() { serving = before_; }

}  // namespace wsd::faults
