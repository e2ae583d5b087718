// A blocking client of Redis for tests: RESP2 alone, and no code of the server.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "support/patience.h"

namespace e2e {

// One reply. `type` is the first byte of RESP2: '+', '-', ':', '$' or '*'. It is 0 if the
// connection ended, and then `text` gives the reason.
struct RedisReply {
  char type = 0;
  bool null = false;
  std::string text;  // of '+', '-', ':' and '$'
  std::vector<RedisReply> items;

  [[nodiscard]] bool is_error() const { return type == '-' || type == 0; }
  // The number of ':', or of a text that is a number; else 0.
  [[nodiscard]] std::int64_t number() const;
  [[nodiscard]] std::string describe() const;
};

// One connection. Not for use by two threads.
class RedisClient {
 public:
  // Connects to 127.0.0.1. If nothing listens there, command() returns a reply of type 0.
  explicit RedisClient(std::uint16_t port);
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;
  ~RedisClient();

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  // Sends a command and waits for its reply, `limit` at most.
  RedisReply command(const std::vector<std::string>& words, Duration limit = patience());

 private:
  bool fill(Clock::time_point deadline);
  bool read_line(std::string& line, Clock::time_point deadline);
  RedisReply read_reply(Clock::time_point deadline);
  RedisReply ended(std::string_view why);

  int fd_ = -1;
  std::string input_;
};

}  // namespace e2e
