// Clients for bench/engine: a publisher and a member of rooms on two nodes, a flood of publishes,
// and Redis's own commands in a pipeline. Prints one line of JSON.
//
//   engine_client delay --from PORT --to PORT --redis PORT --rate 1000 --seconds 5 [--rooms 20]
//   engine_client script --redis PORT --command publish|xadd|spublish|ping --batch 1 --seconds 2
//   each: [--pids PID,PID...], whose CPU time is measured
//
// delay: each message carries its time, and comes back from the other node. PING is sent to Redis
// at the same rate by another thread. It links nothing of the server but the scripts.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/redis_scripts.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "engine_client: %s\n", what.c_str());
  std::exit(1);
}

std::int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

class Socket {
 public:
  explicit Socket(const std::string& port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      fail("nothing listens on port " + port);
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }

  void send(const std::string& bytes) const {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t size = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) fail("a connection has ended");
      sent += static_cast<std::size_t>(size);
    }
  }
  // Returns the next byte of the input that was not taken yet.
  char next() {
    if (at_ == input_.size()) {
      std::array<char, 65536> buffer{};
      const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (size <= 0) fail("a connection has ended");
      input_.assign(buffer.data(), static_cast<std::size_t>(size));
      at_ = 0;
    }
    return input_[at_++];
  }
  std::string take(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes += next();
    return bytes;
  }
  std::string line() {
    std::string text;
    while (!text.ends_with("\r\n")) text += next();
    return text.substr(0, text.size() - 2);
  }
  void shut_down() const { ::shutdown(fd_, SHUT_RDWR); }

 private:
  int fd_;
  std::string input_;
  std::size_t at_ = 0;
};

// A WebSocket member of a room. Its mask is zero, so that the client costs little.
void join(Socket& socket, const std::string& room) {
  socket.send("GET /rooms/" + room +
              " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  if (socket.line().find(" 101 ") == std::string::npos) fail("no upgrade for " + room);
  while (!socket.line().empty()) {
  }
}

std::string masked_text(const std::string& text) {
  std::string frame = {'\x81', static_cast<char>(0x80 | text.size()), 0, 0, 0, 0};
  return frame + text;  // less than 126 bytes
}

std::string read_text(Socket& socket) {
  for (;;) {
    const int opcode = socket.next() & 15;
    std::size_t size = static_cast<unsigned char>(socket.next()) & 127U;
    if (size == 126) {
      const std::string length = socket.take(2);
      size = static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8U |
             static_cast<unsigned char>(length[1]);
    }
    std::string payload = socket.take(size);
    if (opcode == 1) return payload;
    if (opcode == 8) fail("the server has closed a connection");
  }
}

std::string words(const std::vector<std::string>& all) {
  std::string bytes = "*" + std::to_string(all.size()) + "\r\n";
  for (const std::string& word : all) {
    bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return bytes;
}

// Reads one reply without arrays inside and returns its text.
std::string reply(Socket& redis) {
  const std::string head = redis.line();
  if (head[0] == '-') fail("Redis says " + head);
  if (head[0] == '*') {
    std::string first;
    for (int i = std::stoi(head.substr(1)); i > 0; --i) {
      const std::string item = reply(redis);
      if (first.empty()) first = item;
    }
    return first;
  }
  if (head[0] != '$') return head.substr(1);
  std::string text = redis.take(static_cast<std::size_t>(std::stoul(head.substr(1))) + 2);
  text.resize(text.size() - 2);
  return text;
}

// CPU time of a process in nanoseconds: all its threads, to the nanosecond.
std::int64_t cpu_ns(const std::string& pid) {
  std::int64_t total = 0;
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(static_cast<pid_t>(std::stoi(pid)), &clock) == 0 &&
      ::clock_gettime(clock, &time) == 0) {
    total = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  }
  return total;
}

std::map<std::string, std::string> options;
std::string option(const std::string& name, const std::string& otherwise = {}) {
  const auto found = options.find(name);
  if (found == options.end() && otherwise.empty()) fail("--" + name + " is missing");
  return found == options.end() ? otherwise : found->second;
}

std::vector<std::string> pids() {
  std::vector<std::string> all;
  std::istringstream list(option("pids", ","));
  for (std::string each; std::getline(list, each, ',');) {
    if (!each.empty()) all.push_back(each);
  }
  return all;
}

class CpuTimes {
 public:
  void begin() {
    for (const std::string& pid : pids()) before_.push_back(cpu_ns(pid));
  }
  // Prints `,"cpu_us":[...]`, each divided by `count`.
  void print(double count) const {
    std::printf(",\"cpu_us\":[");
    std::size_t i = 0;
    for (const std::string& pid : pids()) {
      const auto used = static_cast<double>(cpu_ns(pid) - before_[i]);
      std::printf("%s%.3f", i == 0 ? "" : ",", used / 1'000 / count);
      ++i;
    }
    std::printf("]");
  }

 private:
  std::vector<std::int64_t> before_;
};

double percentile(std::vector<std::int64_t>& times, double part) {
  if (times.empty()) return 0;
  std::sort(times.begin(), times.end());
  const auto at = static_cast<std::size_t>(part * static_cast<double>(times.size() - 1));
  return static_cast<double>(times[at]) / 1'000;
}

// Calls `send` at a steady rate until `over`.
template <class Send>
std::uint64_t at_rate(double rate, const std::atomic<bool>& over, Send send) {
  const auto begin = Clock::now();
  std::uint64_t count = 0;
  while (!over) {
    std::this_thread::sleep_until(begin + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                              static_cast<double>(count) * 1e9 / rate)));
    send(count++);
  }
  return count;
}

void delay() {
  const double rate = std::stod(option("rate", "1000"));
  const int rooms = std::stoi(option("rooms", "20"));
  std::vector<std::unique_ptr<Socket>> from;
  std::vector<std::unique_ptr<Socket>> to;
  for (int i = 0; i < rooms; ++i) {
    from.push_back(std::make_unique<Socket>(option("from")));
    join(*from.back(), "bench" + std::to_string(i));
    to.push_back(std::make_unique<Socket>(option("to")));
    join(*to.back(), "bench" + std::to_string(i));
  }
  std::atomic<bool> over{false};
  std::atomic<bool> measured{false};
  std::vector<std::vector<std::int64_t>> delays(to.size());
  std::vector<std::thread> threads;
  std::atomic<std::uint64_t> received{0};
  for (std::size_t i = 0; i < to.size(); ++i) {
    threads.emplace_back([&, i] {
      for (;;) {
        const std::string text = read_text(*to[i]);
        if (text == "end") return;
        if (measured) {
          delays[i].push_back(now_ns() - std::stoll(text));
          ++received;
        }
      }
    });
    threads.emplace_back([&, i] {  // the publisher's own messages
      while (read_text(*from[i]) != "end") {
      }
    });
  }
  std::vector<std::int64_t> pings;
  std::thread pinging;
  if (option("redis", "0") != "0") {
    pinging = std::thread([&] {
      Socket redis(option("redis"));
      const std::string ping = words({"PING"});
      at_rate(200, over, [&](std::uint64_t) {
        const std::int64_t begin = now_ns();
        redis.send(ping);
        reply(redis);
        if (measured) pings.push_back(now_ns() - begin);
      });
    });
  }
  std::thread publishing([&] {
    at_rate(rate, over, [&](std::uint64_t count) {
      std::string text = std::to_string(now_ns());
      text.resize(100, ' ');
      from[count % from.size()]->send(masked_text(text));
    });
  });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  CpuTimes cpu;
  cpu.begin();
  measured = true;
  std::this_thread::sleep_for(std::chrono::seconds(std::stoi(option("seconds", "5"))));
  measured = false;
  const auto count = static_cast<double>(received);
  std::printf("{\"messages\":%.0f", count);
  cpu.print(count);
  over = true;
  publishing.join();
  if (pinging.joinable()) pinging.join();
  for (const auto& each : from) each->send(masked_text("end"));
  for (std::thread& each : threads) each.join();
  std::vector<std::int64_t> all;
  for (const auto& each : delays) all.insert(all.end(), each.begin(), each.end());
  std::printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"ping_p50_us\":%.1f,\"ping_p99_us\":%.1f}\n",
              percentile(all, 0.5), percentile(all, 0.99), percentile(pings, 0.5),
              percentile(pings, 0.99));
}

// Commands in a pipeline of 128. The stream is trimmed to about a thousand messages.
void script() {
  Socket redis(option("redis"));
  const std::string what = option("command");
  const int batch = std::stoi(option("batch", "1"));
  const std::string key = "bench:{room}";
  std::string command;
  std::function<std::string(const std::string&, int)> publish_after;  // the last reply, a number
  if (what == "publish") {
    const auto load = [&](wsd::engine::Script which) {
      redis.send(words({"SCRIPT", "LOAD", std::string(wsd::engine::source_of(which))}));
      return reply(redis);
    };
    const std::string open = load(wsd::engine::Script::kOpen);
    const std::string publish = load(wsd::engine::Script::kPublish);
    redis.send(words({"INFO", "replication"}));
    const std::string info = reply(redis);
    const std::string name = "master_replid:";
    const std::string bits = info.substr(info.find(name) + name.size(), 5);
    redis.send(words({"EVALSHA", open, "1", key, "0", "0", "600000",
                      std::to_string(std::stoul(bits, nullptr, 16))}));
    const std::string epoch = reply(redis);
    std::string text = "1795989613123 a1b2c3d4.0 57 " + std::to_string(batch) + "\n";
    for (int i = 0; i < batch; ++i) text += "t100:" + std::string(100, 'x');
    // About a thousand messages are kept. As in the server, a call trims after 32 messages, or if
    // its text is longer than 1 KiB.
    const int calls_per_trim = text.size() > 1'024 ? 1 : std::max(1, 32 / batch);
    publish_after = [=](const std::string& id, int i) {
      std::vector<std::string> call = {"EVALSHA", publish, "1", key, epoch + "-*", text};
      const bool trims = i % calls_per_trim == 0;
      if (batch > 1 || trims) call.push_back(std::to_string(batch));
      const long last = id.empty() ? 0 : std::stol(id.substr(id.find('-') + 1));
      if (trims) call.push_back(epoch + "-" + std::to_string(std::max(1L, last - 1'000)));
      return words(call);
    };
  } else if (what == "xadd") {
    command = words({"XADD", key, "MAXLEN", "~", "1000", "*", "d", std::string(130, 'x')});
  } else if (what == "spublish") {
    command = words({"SPUBLISH", key, std::string(130, 'x')});
  } else {
    command = words({"PING"});
  }
  constexpr int kDepth = 128;
  std::string last;  // the latest reply
  const auto run = [&](Clock::duration time) {
    double count = 0;
    const auto end = Clock::now() + time;
    while (Clock::now() < end) {
      std::string pipeline;
      for (int i = 0; i < kDepth; ++i) pipeline += publish_after ? publish_after(last, i) : command;
      redis.send(pipeline);
      for (int i = 0; i < kDepth; ++i) last = reply(redis);
      count += kDepth;
    }
    return count;
  };
  run(std::chrono::milliseconds(300));
  CpuTimes cpu;
  cpu.begin();
  const double count = run(std::chrono::seconds(std::stoi(option("seconds", "2"))));
  std::printf("{\"commands\":%.0f,\"batch\":%d", count, batch);
  cpu.print(count);
  std::printf("}\n");
  redis.send(words({"DEL", key}));
  reply(redis);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 2; i + 1 < argc; i += 2) options[std::string(argv[i]).substr(2)] = argv[i + 1];
  const std::string mode = argc < 2 ? "" : argv[1];
  if (mode == "delay") {
    delay();
  } else if (mode == "script") {
    script();
  } else {
    fail("the first word is delay or script");
  }
  return 0;
}
