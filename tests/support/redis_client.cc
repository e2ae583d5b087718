#include "support/redis_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace e2e {

std::int64_t RedisReply::number() const { return std::strtoll(text.c_str(), nullptr, 10); }

std::string RedisReply::describe() const {
  if (type == 0) return "no reply: " + text;
  if (null) return "null";
  if (type != '*') return std::string(1, type) + text;
  std::string all = "[";
  for (const RedisReply& each : items) {
    if (all.size() > 1) all += ", ";
    all += each.describe();
  }
  return all + "]";
}

RedisClient::RedisClient(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ended("refused");
  }
}

RedisClient::~RedisClient() { ended(""); }

RedisReply RedisClient::ended(std::string_view why) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  RedisReply reply;
  reply.text = why;
  return reply;
}

RedisReply RedisClient::command(const std::vector<std::string>& words, Duration limit) {
  if (fd_ < 0) return ended("not connected");
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t size = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (size <= 0 && errno != EINTR) return ended("the connection has ended");
    if (size > 0) sent += static_cast<std::size_t>(size);
  }
  return read_reply(Clock::now() + limit);
}

bool RedisClient::fill(Clock::time_point deadline) {
  const auto rest =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd source{fd_, POLLIN, 0};
  if (rest <= 0 || ::poll(&source, 1, static_cast<int>(rest)) <= 0) return false;
  std::array<char, 65536> buffer{};
  const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  input_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

bool RedisClient::read_line(std::string& line, Clock::time_point deadline) {
  std::size_t end = 0;
  while ((end = input_.find("\r\n")) == std::string::npos) {
    if (!fill(deadline)) return false;
  }
  line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return true;
}

RedisReply RedisClient::read_reply(Clock::time_point deadline) {
  std::string line;
  if (!read_line(line, deadline) || line.empty()) return ended("no reply in time");
  RedisReply reply;
  reply.type = line[0];
  reply.text = line.substr(1);
  const long long count = std::strtoll(reply.text.c_str(), nullptr, 10);
  if (reply.type == '$' || reply.type == '*') reply.null = count < 0;
  if (reply.null) {
    reply.text.clear();
  } else if (reply.type == '$') {
    const auto size = static_cast<std::size_t>(count);
    while (input_.size() < size + 2) {
      if (!fill(deadline)) return ended("half a reply");
    }
    reply.text = input_.substr(0, size);
    input_.erase(0, size + 2);
  } else if (reply.type == '*') {
    for (long long i = 0; i < count; ++i) {
      reply.items.push_back(read_reply(deadline));
      if (reply.items.back().type == 0) return ended("half a reply");
    }
  }
  return reply;
}

}  // namespace e2e
