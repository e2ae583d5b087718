#include "server/log_loader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/byte_buffer.h"
#include "engine/log_recovery.h"
#include "net/clock.h"

namespace wsd::server {
namespace {

constexpr std::uint64_t kReportEveryMs = 1000;
// A read of this many bytes takes so little time that progress can be reported in between.
constexpr std::size_t kReadBytes = std::size_t{4} << 20;

class Loading {
 public:
  using Report = std::function<void(LogLevel, std::string_view, std::string_view)>;

  Loading(const LogDirectory& directory, const engine::LogBootId& boot_id, const Report& report)
      : directory_(directory), report_(report), recovery_(boot_id) {}

  [[nodiscard]] std::string load(LoadedLog& into);

 private:
  [[nodiscard]] std::string add_files();
  [[nodiscard]] int add_file(std::uint64_t number);
  void read_segments();
  [[nodiscard]] int read(const LogFile& file, std::size_t length);
  [[nodiscard]] int sync_kept(const std::vector<engine::LogSegmentEntry>& kept);
  void report_progress();
  [[nodiscard]] std::string cannot(const char* what, std::uint64_t number, int error) const;

  const LogDirectory& directory_;
  const Report& report_;
  engine::LogRecovery recovery_;
  ByteBuffer buffer_;
  std::size_t segments_ = 0;
  std::size_t segments_read_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_read_ = 0;
  const std::uint64_t began_ms_ = net::monotonic_ms();
  std::uint64_t reported_ms_ = began_ms_;
};

std::string Loading::cannot(const char* what, std::uint64_t number, int error) const {
  return std::string("cannot ") + what + " the segment " + engine::log_segment_name(number) +
         " of the history directory '" + directory_.path() + "': " + std::strerror(error) +
         " (let wsd's user read and write it, and check the disk)";
}

std::string Loading::add_files() {
  std::vector<std::uint64_t> numbers;
  const int error = directory_.list(numbers);
  if (error != 0) {
    return "cannot list the history directory '" + directory_.path() +
           "': " + std::strerror(error) + " (let wsd's user read it)";
  }
  segments_ = numbers.size();
  for (const std::uint64_t number : numbers) {
    const int failed = add_file(number);
    // A segment that cannot be opened would otherwise look like one that is missing.
    if (failed != 0) return cannot("open", number, failed);
  }
  return recovery_.error();
}

int Loading::add_file(std::uint64_t number) {
  LogFile file;
  engine::LogFileFacts facts;
  int error = directory_.open_segment(number, false, file);
  if (error == 0) error = file.facts(facts);
  if (error != 0) return error;
  facts.number = number;
  bytes_ += facts.size;
  for (std::size_t head = engine::kLogFirstRead; head != 0;) {
    error = read(file, static_cast<std::size_t>(std::min<std::uint64_t>(head, facts.size)));
    // Bytes that cannot be read count as missing, and recovery finds the damage.
    if (error != 0) buffer_.clear();
    head = recovery_.add_file(facts, buffer_.bytes());
    if (error != 0) break;
  }
  return 0;
}

int Loading::read(const LogFile& file, std::size_t length) {
  buffer_.clear();
  if (!buffer_.reserve(length)) throw std::bad_alloc();
  while (buffer_.size() < length) {
    std::size_t count = 0;
    const std::size_t part = std::min(kReadBytes, length - buffer_.size());
    const int error = file.read(buffer_.room().first(part), buffer_.size(), count);
    if (error != 0) return error;
    buffer_.grow(count);
    bytes_read_ += count;
    report_progress();
    if (count < part) break;
  }
  return 0;
}

void Loading::read_segments() {
  bytes_read_ = 0;
  while (const auto part = recovery_.next()) {
    LogFile file;
    int error = directory_.open_segment(part->number, false, file);
    if (error == 0) error = read(file, static_cast<std::size_t>(part->length));
    if (error != 0) {
      recovery_.cannot_read(std::strerror(error));
    } else {
      recovery_.add_segment(buffer_.bytes());
    }
    ++segments_read_;
  }
  buffer_.reset();
}

// A restart must not build on records that a power loss can take away.
int Loading::sync_kept(const std::vector<engine::LogSegmentEntry>& kept) {
  for (const engine::LogSegmentEntry& entry : kept) {
    LogFile file;
    int error = directory_.open_segment(entry.number, false, file);
    if (error == 0) error = file.sync();
    if (error != 0) return error;
  }
  return directory_.sync();
}

void Loading::report_progress() {
  const std::uint64_t now = net::monotonic_ms();
  if (now - reported_ms_ < kReportEveryMs) return;
  reported_ms_ = now;
  report_(LogLevel::kInfo, "log_recovery",
          "read " + std::to_string(segments_read_) + " of " + std::to_string(segments_) +
              " segments, " + std::to_string(bytes_read_) + " of " + std::to_string(bytes_) +
              " bytes");
}

std::string Loading::load(LoadedLog& into) {
  std::string error = add_files();
  if (!error.empty()) return error;
  read_segments();
  into.log = recovery_.finish();
  into.kept = recovery_.kept();
  into.unlinks = recovery_.unlinks();
  const int unsynced = sync_kept(into.kept);
  if (unsynced != 0) {
    into.log.epochs_go_on = false;
    into.log.damage.push_back("the history directory '" + directory_.path() +
                              "' cannot be synced: " + std::strerror(unsynced));
  }
  for (const std::string& damage : into.log.damage) {
    report_(LogLevel::kError, "log_damaged", damage);
  }
  if (into.kept.empty() && into.log.damage.empty()) return {};
  std::size_t messages = 0;
  for (const engine::RecoveredRoom& room : into.log.rooms) messages += room.messages.size();
  report_(LogLevel::kInfo, "log_recovery",
          "recovered " + std::to_string(into.log.rooms.size()) + " rooms with " +
              std::to_string(messages) + " messages from " + std::to_string(into.log.bytes) +
              " bytes in " + std::to_string(net::monotonic_ms() - began_ms_) + " ms");
  return {};
}

}  // namespace

std::string load_log(const LogDirectory& directory, const engine::LogBootId& boot_id,
                     const Loading::Report& report, LoadedLog& into) {
  return Loading(directory, boot_id, report).load(into);
}

}  // namespace wsd::server
