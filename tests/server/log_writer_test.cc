#include "server/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wsd::server {
namespace {

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(fds_.data(), O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int fd : fds_) {
      if (fd >= 0) ::close(fd);
    }
  }
  [[nodiscard]] int write_end() const { return fds_[1]; }
  void close_read_end() {
    ::close(fds_[0]);
    fds_[0] = -1;
  }
  // Waits for data and returns the result of one read().
  [[nodiscard]] std::string read_some() const {
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(fds_[0], buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }
  void close_write_end() {
    ::close(fds_[1]);
    fds_[1] = -1;
  }
  // Reads up to the end of the stream.
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    for (std::string some = read_some(); !some.empty(); some = read_some()) all += some;
    return all;
  }
  // Returns all written bytes. The writer must be destroyed before.
  [[nodiscard]] std::string read_all() {
    close_write_end();
    return read_to_end();
  }

 private:
  std::array<int, 2> fds_{};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

void log(LogWriter& writer, std::string_view event, std::uint64_t number) {
  LogLine line = writer.line(LogLevel::kInfo, event);
  line.add("number", number);
  writer.write(line);
}

TEST(LogWriter, Destruction_WritesAllLinesInOrder) {
  Pipe pipe;
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
    for (std::uint64_t i = 0; i < 100; ++i) log(writer, "tick", i);
  }
  const std::vector<std::string> lines = lines_of(pipe.read_all());
  ASSERT_EQ(lines.size(), 100U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_NE(lines[i].find("event=tick number=" + std::to_string(i)), std::string::npos)
        << lines[i];
  }
}

TEST(LogWriter, WritesWhileItLives) {
  const Pipe pipe;
  LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
  for (std::uint64_t i = 0; i < 20; ++i) {
    log(writer, "alone", i);
    EXPECT_NE(pipe.read_some().find("number=" + std::to_string(i)), std::string::npos);
  }
}

TEST(LogWriter, WantsLevelsFromItsOwnUp) {
  const Pipe pipe;
  const LogWriter warn({LogLevel::kWarn, LogFormat::kText, pipe.write_end()});
  EXPECT_FALSE(warn.wants(LogLevel::kDebug));
  EXPECT_FALSE(warn.wants(LogLevel::kInfo));
  EXPECT_TRUE(warn.wants(LogLevel::kWarn));
  EXPECT_TRUE(warn.wants(LogLevel::kError));
  EXPECT_FALSE(warn.wants(LogLevel::kOff));
  const LogWriter off({LogLevel::kOff, LogFormat::kText, pipe.write_end()});
  EXPECT_FALSE(off.wants(LogLevel::kError));
  EXPECT_FALSE(off.wants(LogLevel::kOff));
}

TEST(LogWriter, AutoIsJsonWhereThereIsNoTerminal) {
  Pipe pipe;
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kAuto, pipe.write_end()});
    log(writer, "tick", 7);
  }
  const std::string line = pipe.read_all();
  EXPECT_EQ(line.find('{'), 0U) << line;
  EXPECT_NE(line.find("\"event\":\"tick\",\"number\":7}"), std::string::npos) << line;
}

// A sink

struct SinkRecord {
  std::vector<std::pair<LogLevel, std::string>> lines;
  std::function<void(LogLevel, std::string_view)> function() {
    return [this](LogLevel level, std::string_view line) { lines.emplace_back(level, line); };
  }
};

TEST(LogSink, GetsEachLineWithItsLevel_AndTheDescriptorNone) {
  Pipe pipe;
  SinkRecord record;
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end(), record.function()});
    log(writer, "tick", 1);
    LogLine line = writer.line(LogLevel::kError, "bad");
    writer.write(line);
  }
  ASSERT_EQ(record.lines.size(), 2U);
  EXPECT_EQ(record.lines[0].first, LogLevel::kInfo);
  EXPECT_TRUE(record.lines[0].second.ends_with("level=info event=tick number=1"));
  EXPECT_EQ(record.lines[1].first, LogLevel::kError);
  EXPECT_TRUE(record.lines[1].second.ends_with("level=error event=bad"));
  EXPECT_EQ(pipe.read_all(), "");
}

TEST(LogSink, AutoFormat_IsJson) {
  SinkRecord record;
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kAuto, 2, record.function()});
    log(writer, "tick", 1);
  }
  ASSERT_EQ(record.lines.size(), 1U);
  EXPECT_TRUE(record.lines[0].second.starts_with('{'));
  EXPECT_TRUE(record.lines[0].second.ends_with('}'));
}

TEST(LogSink, LineOfAnException_CountsAsDropped) {
  SinkRecord record;
  {
    LogWriter writer(
        {LogLevel::kInfo, LogFormat::kText, 2, [&](LogLevel level, std::string_view line) {
           if (line.find("number=0") != std::string_view::npos) throw 1;
           record.lines.emplace_back(level, line);
         }});
    log(writer, "tick", 0);
    log(writer, "tick", 1);
  }
  ASSERT_EQ(record.lines.size(), 2U);
  EXPECT_TRUE(record.lines[0].second.ends_with("number=1") ||
              record.lines[1].second.ends_with("number=1"));
  EXPECT_TRUE(record.lines[0].second.ends_with("event=log_lines_dropped count=1") ||
              record.lines[1].second.ends_with("event=log_lines_dropped count=1"));
}

TEST(LogSink, Destruction_WaitsForTheSink) {
  std::atomic<bool> entered{false};
  std::atomic<bool> released{false};
  std::atomic<bool> destroyed{false};
  std::thread owner([&] {
    {
      LogWriter writer({LogLevel::kInfo, LogFormat::kText, 2, [&](LogLevel, std::string_view) {
                          entered.store(true);
                          while (!released.load()) std::this_thread::yield();
                          EXPECT_FALSE(destroyed.load());
                        }});
      log(writer, "tick", 0);
    }
    destroyed.store(true);
  });
  while (!entered.load()) std::this_thread::yield();
  released.store(true);
  owner.join();
  EXPECT_TRUE(destroyed.load());
}

// A process must be able to end although the reader of its log is stopped.
TEST(LogWriter, BlockedTarget_DestructorGivesUp) {
  Pipe pipe;
  for (const bool blocking : {true, false}) {
    ASSERT_EQ(::fcntl(pipe.write_end(), F_SETFL, blocking ? 0 : O_NONBLOCK), 0);
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
    for (std::uint64_t i = 0; i < 3'000; ++i) log(writer, "flood", i);
  }
  // The pipe holds whole lines, except for the last one.
  const std::vector<std::string> lines = lines_of(pipe.read_all());
  ASSERT_GT(lines.size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_NE(lines[i].find("event=flood number=" + std::to_string(i)), std::string::npos);
  }
}

// poll(2) reports a socket as writable while a quarter of its buffer is in use, but a write blocks
// when the rest of the buffer is. systemd passes such a socket as standard error.
TEST(LogWriter, WriteThatBlocks_IsAbandoned) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const int smallest = 1;
  ASSERT_EQ(::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
  ASSERT_EQ(::send(ends[0], ".", 1, 0), 1);
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, ends[0]});
    for (std::uint64_t i = 0; i < 3'000; ++i) log(writer, "flood", i);
  }
  // Wakes the thread. The other end stays open, because the thread may still look at it.
  ::close(ends[1]);
}

TEST(LogWriter, SlowTarget_LinesAreDroppedAndCounted) {
  Pipe pipe;
  constexpr std::uint64_t kLines = 40'000;
  auto writer =
      std::make_unique<LogWriter>(LogOptions{LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
  // The reader starts later, and the pipe holds far fewer bytes than these lines have.
  for (std::uint64_t i = 0; i < kLines; ++i) log(*writer, "flood", i);
  std::string text;
  std::thread reader([&] { text = pipe.read_to_end(); });
  writer.reset();
  pipe.close_write_end();
  reader.join();
  std::uint64_t dropped = 0;
  std::uint64_t written = 0;
  for (const std::string& line : lines_of(text)) {
    if (line.find("event=flood") != std::string::npos) ++written;
    const std::size_t at = line.find("event=log_lines_dropped count=");
    if (at != std::string::npos) dropped += std::stoull(line.substr(line.rfind('=') + 1));
  }
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(written + dropped, kLines);
}

TEST(LogWriter, LinesOfSeveralThreadsStayWhole) {
  Pipe pipe;
  std::string text;
  std::thread reader([&] { text = pipe.read_to_end(); });
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&writer] {
        for (std::uint64_t i = 0; i < 1000; ++i) log(writer, "tick", i);
      });
    }
    for (std::thread& each : threads) each.join();
  }
  pipe.close_write_end();
  reader.join();
  EXPECT_EQ(lines_of(text).size(), 4000U);
  for (const std::string& line : lines_of(text)) {
    EXPECT_EQ(line.find("ts="), 0U) << line;
    EXPECT_EQ(line.find("ts=", 1), std::string::npos) << line;
  }
}

TEST(LogWriter, FailedWrite_LosesOnlyLines) {
  Pipe pipe;
  pipe.close_read_end();
  {
    LogWriter writer({LogLevel::kInfo, LogFormat::kText, pipe.write_end()});
    for (std::uint64_t i = 0; i < 100; ++i) log(writer, "lost", i);
  }
}

}  // namespace
}  // namespace wsd::server
