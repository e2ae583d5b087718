// Exercise 2: a room that outlives the process.
//   journal ADDRESS FILE; then connect to "/" and receive the last 20 messages first
#include <wsd/server.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve.h"

namespace {

constexpr std::string_view kRoom = "lobby";
constexpr std::uint32_t kKept = 20;

// Writes lines to a file on its own thread: a disk can be slow, and a handler must not block.
class Journal {
 public:
  explicit Journal(const std::string& path) : file_(path, std::ios::app) {}
  void start() {
    writer_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  // May be called from any thread. It waits only for the lock, which is never held during a write.
  void append(std::string_view line) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
    changed_.notify_one();
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !lines_.empty(); })) {
      std::vector<std::string> batch;
      batch.swap(lines_);
      lock.unlock();
      for (const std::string& line : batch) file_ << line << '\n';
      file_.flush();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> lines_;  // guarded by mutex_
  std::ofstream file_;              // used only by writer_
  std::jthread writer_;             // last member, so that it ends first
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: journal ADDRESS FILE\n");
    return 2;
  }
  std::deque<std::string> past;
  std::ifstream file(argv[2]);
  for (std::string line; std::getline(file, line);) {
    past.push_back(line);
    if (past.size() > kKept) past.pop_front();
  }

  Journal journal(argv[2]);
  wsd::ServerOptions options;
  options.history.messages = kKept;
  options.history.age_ms = 24 * 3'600'000;
  wsd::Server server(options);
  const wsd::Hub hub = server.hub();
  wsd::Handlers handlers;
  handlers.open = [](wsd::Connection& member) { member.join(kRoom, wsd::Since::last(kKept)); };
  handlers.message = [hub, &journal](wsd::Connection&, const wsd::Message& message) {
    const std::string line(message.payload);
    if (line.find('\n') != std::string::npos) return;  // one line of the file is one message
    // The receipt runs when the message has its position in the room. The home reactor runs the
    // receipts of a room one after another, so the file has the same order as the room.
    hub.publish(kRoom, wsd::MessageType::kText, line,
                [&journal, line](const wsd::Position&) { journal.append(line); });
  };
  server.route("/", handlers);
  return chat::serve(server, argv[1], [&] {
    journal.start();
    for (const std::string& line : past) hub.publish(kRoom, wsd::MessageType::kText, line);
  });
}
