#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "wsd/options.h"

namespace wsd {
namespace {

using Change = std::function<void(ServerOptions&)>;

std::string checked(const Change& change) {
  ServerOptions options;
  change(options);
  return check_options(options);
}

TEST(CheckOptions, Defaults_AreAccepted) { EXPECT_EQ(check_options(ServerOptions{}), ""); }

TEST(CheckOptions, InvalidValue_ErrorNamesTheField) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  struct Case {
    std::string begins;
    Change change;
  };
  const std::vector<Case> cases = {
      {"reactors must be at most 64, not 65", [](auto& o) { o.reactors = 65; }},
      {"proxy.trusted 'proxy.example.com' is not a network",
       [](auto& o) {
         o.proxy.trusted = {"unix", "10.0.0.0/8", "proxy.example.com"};
       }},
      {"proxy.trusted '10.1.0.0/8' has bits set beyond its prefix length: write 10.0.0.0/8",
       [](auto& o) { o.proxy.trusted = {"10.1.0.0/8"}; }},
      {"proxy.trusted must be given at most 1024 times, not 1025",
       [](auto& o) { o.proxy.trusted.assign(1025, "unix"); }},
      {"proxy.proxy_protocol needs proxy.trusted, or any client could claim any address",
       [](auto& o) { o.proxy.proxy_protocol = true; }},
      {"deflate.excluded_user_agents '' would match every client",
       [](auto& o) {
         o.deflate.excluded_user_agents = {"Version/15.", ""};
       }},
      {"upgrade.allowed_origins 'example.com' is not an origin",
       [](auto& o) {
         o.upgrade.allowed_origins = {"https://a", "example.com"};
       }},
      {"http.allowed_hosts 'a.example:80' is not a host",
       [](auto& o) {
         o.http.allowed_hosts = {"a.example", "a.example:80"};
       }},
      {"http.cross_origin_fields 'a:b' is not a token",
       [](auto& o) { o.http.cross_origin_fields = {"a:b"}; }},
      {"upgrade.subprotocols 'a b' is not a token",
       [](auto& o) {
         o.upgrade.subprotocols = {"a", "a b"};
       }},
      {"upgrade.subprotocols '' is not a token", [](auto& o) { o.upgrade.subprotocols = {""}; }},
      {"upgrade.read_buffer_size must be from 1KiB to 64MiB",
       [](auto& o) { o.upgrade.read_buffer_size = 1023; }},
      {"upgrade.read_buffer_size must be",
       [](auto& o) { o.upgrade.read_buffer_size = 64 * kMiB + 1; }},
      {"upgrade.socket_send_buffer must be at most 1GiB",
       [](auto& o) { o.upgrade.socket_send_buffer = 1024 * kMiB + 1; }},
      {"upgrade.handshake_timeout_ms must be more than 0",
       [](auto& o) { o.upgrade.handshake_timeout_ms = 0; }},
      {"heartbeat.read_timeout_ms must be 0 (off) or at least 45000ms, which is "
       "heartbeat.ping_interval_ms 25000ms plus "
       "heartbeat.pong_timeout_ms 20000ms, not 44999ms: a client needs that time to answer a Ping",
       [](auto& o) { o.heartbeat.read_timeout_ms = 44'999; }},
      {"limits.max_message_bytes must be from 1 byte to 1GiB",
       [](auto& o) { o.limits.max_message_bytes = 0; }},
      {"limits.max_message_bytes must be",
       [](auto& o) { o.limits.max_message_bytes = 1024 * kMiB + 1; }},
      {"limits.max_fragments must be at least 1", [](auto& o) { o.limits.max_fragments = 0; }},
      {"limits.max_input_bytes must be at least limits.max_message_bytes",
       [](auto& o) { o.limits.max_input_bytes = o.limits.max_message_bytes - 1; }},
      {"limits.send_queue_bytes must be at least 1KiB",
       [](auto& o) { o.limits.send_queue_bytes = 1023; }},
      {"limits.max_output_bytes must be at least limits.max_message_bytes (16777216 bytes) plus "
       "limits.send_queue_bytes "
       "(1048576 bytes), not 17825791 bytes: otherwise one connection cannot fill its queue",
       [](auto& o) { o.limits.max_output_bytes = 17 * kMiB - 1; }},
      {"limits.max_output_bytes must be at least", [](auto& o) { o.limits.max_output_bytes = 0; }},
      {"limits.max_output_bytes must be at least",
       [](auto& o) { o.limits.send_queue_bytes = ~std::size_t{0}; }},
      {"limits.send_queue_frames must be at least 2",
       [](auto& o) { o.limits.send_queue_frames = 1; }},
      {"limits.max_pending_publishes must be at least 2",
       [](auto& o) { o.limits.max_pending_publishes = 1; }},
      {"limits.max_pending_bytes must be at least 64KiB",
       [](auto& o) { o.limits.max_pending_bytes = (64 << 10) - 1; }},
      {"limits.max_head_bytes must be from 256 bytes to 1MiB, not 255 bytes",
       [](auto& o) { o.limits.max_head_bytes = 255; }},
      {"limits.max_head_bytes must be", [](auto& o) { o.limits.max_head_bytes = kMiB + 1; }},
      {"limits.max_request_line_bytes must be from 16 bytes to limits.max_head_bytes",
       [](auto& o) { o.limits.max_request_line_bytes = 15; }},
      {"limits.max_request_line_bytes must be",
       [](auto& o) { o.limits.max_request_line_bytes = o.limits.max_head_bytes + 1; }},
      {"limits.max_field_bytes must be from 16 bytes to limits.max_head_bytes (16384 bytes), not "
       "15 bytes",
       [](auto& o) { o.limits.max_field_bytes = 15; }},
      {"limits.max_field_bytes must be",
       [](auto& o) { o.limits.max_field_bytes = o.limits.max_head_bytes + 1; }},
      {"limits.max_fields must be at least 8, not 7: an opening handshake has about that many",
       [](auto& o) { o.limits.max_fields = 7; }},
      {"limits.message_timeout_ms must be more than 0",
       [](auto& o) { o.limits.message_timeout_ms = 0; }},
      {"limits.write_timeout_ms must be more than 0",
       [](auto& o) { o.limits.write_timeout_ms = 0; }},
      {"limits.close_timeout_ms must be more than 0",
       [](auto& o) { o.limits.close_timeout_ms = 0; }},
      {"rates.max_handshakes_per_second must be at most 1000000",
       [](auto& o) { o.rates.max_handshakes_per_second = 1'000'001; }},
      {"rates.max_messages_per_second must be at most 1000000",
       [](auto& o) { o.rates.max_messages_per_second = 1'000'001; }},
      {"rates.max_bytes_per_second must be at least 1KiB",
       [](auto& o) { o.rates.max_bytes_per_second = 1023; }},
      {"rates.max_bytes_per_second must be",
       [](auto& o) { o.rates.max_bytes_per_second = ~std::size_t{0}; }},
      {"http.keep_alive_timeout_ms must be at least 1s, not 999ms: responses state it in whole "
       "seconds",
       [](auto& o) { o.http.keep_alive_timeout_ms = 999; }},
      {"history.log.directory contains a NUL byte",
       [](auto& o) {
         o.history.messages = 1;
         o.history.log.directory = std::string("a\0b", 3);
       }},
      {"history.log.sync_interval_ms must be from 1ms to 1m, not 60001ms",
       [](auto& o) {
         o.history.messages = 1;
         o.history.log = {"log", HistorySync::kInterval, 60'001, false};
       }},
      {"history.log.sync_interval_ms must be from 1ms to 1m, not 0ms",
       [](auto& o) {
         o.history.messages = 1;
         o.history.log = {"log", HistorySync::kInterval, 0, false};
       }},
      {"history.log.directory 'log' would stay empty, because no room keeps a history: set "
       "history.messages, or give rooms a history with rooms",
       [](auto& o) { o.history.log.directory = "log"; }},
      {"engine.url: 'http://localhost'", [](auto& o) { o.engine.url = "http://localhost"; }},
      {"engine.prefix: 'a b'",
       [](auto& o) {
         o.engine.url = "redis://localhost";
         o.engine.prefix = "a b";
       }},
      {"engine.timeout_ms must be from 100ms to 1m, not 99ms",
       [](auto& o) {
         o.engine.url = "redis://localhost";
         o.engine.timeout_ms = 99;
       }},
      {"engine.backlog must be from 1 to 1000000, not 0",
       [](auto& o) {
         o.engine.url = "redis://localhost";
         o.engine.backlog = 0;
       }},
      {"engine.url and history.log.directory exclude each other",
       [](auto& o) {
         o.engine.url = "redis://localhost";
         o.history.messages = 1;
         o.history.log.directory = "log";
       }},
      {"listen_backlog must be at least 1", [](auto& o) { o.listen_backlog = 0; }},
      {"socket_mode must be at most 0777", [](auto& o) { o.socket_mode = 01777; }},
      {"socket_mode must be at most 0777", [](auto& o) { o.socket_mode = 0444; }},
      {"drain_timeout_ms must be more than 0",
       [](auto& o) { o.drain_timeout_ms = o.drain_window_ms = 0; }},
      {"drain_window_ms must be at most drain_timeout_ms (20000ms), not 20001ms",
       [](auto& o) { o.drain_window_ms = 20'001; }},
  };
  for (const Case& each : cases) {
    const std::string error = checked(each.change);
    EXPECT_EQ(error.substr(0, each.begins.size()), each.begins) << error;
  }
}

TEST(CheckOptions, NamesOfTheApplication_AreUsedEverywhere) {
  ServerOptions options;
  options.heartbeat.read_timeout_ms = 1;
  options.option_name = [](std::string_view field) { return "[" + std::string(field) + "]"; };
  EXPECT_EQ(check_options(options).find(
                "[heartbeat.read_timeout_ms] must be 0 (off) or at least 45000ms, which is "
                "[heartbeat.ping_interval_ms] 25000ms plus [heartbeat.pong_timeout_ms] 20000ms"),
            0U);
}

TEST(CheckOptions, ValuesAtTheirLimits_AreAccepted) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const std::vector<Change> changes = {
      [](auto& o) { o.reactors = 64; },
      [](auto& o) {
        o.upgrade.allowed_origins = {"*", "https://a.example", "http://b:81"};
      },
      [](auto& o) { o.upgrade.read_buffer_size = 1024; },
      [](auto& o) { o.upgrade.read_buffer_size = 64 * kMiB; },
      [](auto& o) { o.upgrade.socket_send_buffer = 1024 * kMiB; },
      [](auto& o) { o.heartbeat.read_timeout_ms = 45'000; },
      [](auto& o) { o.heartbeat.read_timeout_ms = 0; },
      [](auto& o) {
        o.heartbeat = {0, 20'000, 1};
      },
      [](auto& o) {
        o.heartbeat = {~std::uint32_t{0}, ~std::uint32_t{0}, 0};
      },
      [](auto& o) { o.limits.max_message_bytes = 1; },
      [](auto& o) {
        o.limits.max_message_bytes = o.limits.max_input_bytes = 1024 * kMiB;
        o.limits.max_output_bytes = 1025 * kMiB;
      },
      [](auto& o) { o.limits.max_empty_fragments = 0; },
      [](auto& o) { o.limits.max_control_frames_per_second = 0; },
      [](auto& o) { o.limits.send_queue_bytes = 1024; },
      [](auto& o) { o.limits.send_queue_frames = o.limits.max_pending_publishes = 2; },
      [](auto& o) { o.limits.max_pending_bytes = 64 << 10; },
      [](auto& o) {
        o.limits.max_head_bytes = 256;
        o.limits.max_request_line_bytes = o.limits.max_field_bytes = 256;
      },
      [](auto& o) { o.http.keep_alive_timeout_ms = 1'000; },
      [](auto& o) { o.drain_delay_ms = ~std::uint32_t{0}; },
      [](auto& o) { o.drain_window_ms = 0; },
      [](auto& o) { o.drain_window_ms = o.drain_timeout_ms = 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_EQ(checked(changes[i]), "") << i;
  // The sum must not wrap.
  EXPECT_NE(checked([](auto& o) { o.heartbeat = {~std::uint32_t{0}, ~std::uint32_t{0}, 1}; }), "");
}

TEST(CheckOptions, RoomRule_IsCheckedLikeServerWideOptions) {
  EXPECT_EQ(checked([](auto& o) { o.rooms = {{"quotes-*", SlowPolicy::kLatestOnly}}; }), "");
  EXPECT_EQ(checked([](auto& o) {
              o.rooms = {{"", SlowPolicy::kLatestOnly}};
            }),
            "rooms has an empty pattern: write a room name, in which * matches any characters");
  EXPECT_EQ(checked([](auto& o) { o.delivery_window_ms = 1'000; }), "");
  EXPECT_EQ(checked([](auto& o) { o.delivery_window_ms = 1'001; }),
            "delivery_window_ms must be at most 1000ms, not 1001ms");
  EXPECT_EQ(checked([](auto& o) {
              o.rooms.push_back({"a"});
              o.rooms.back().delivery_window_ms = 2'000;
            }),
            "rooms 'a': delivery_window_ms must be at most 1000ms, not 2000ms");
  EXPECT_EQ(checked([](auto& o) {
              o.rooms.push_back({"a"});
              o.rooms.push_back({"b"});
              o.rooms.back().history_messages = 1'000'001;
            }),
            "rooms 'b': history.messages must be at most 1000000, not 1000001");
  const std::string small = checked([](auto& o) {
    o.history.total_bytes = 2000;
    o.rooms.push_back({"b"});
    o.rooms.back().history_messages = 10;
    o.rooms.back().history_bytes = 2001;
  });
  EXPECT_EQ(small.rfind("rooms 'b': history.total_bytes must be at least history.bytes", 0), 0U)
      << small;
}

// A room can use only the share of its home shard.
TEST(CheckOptions, HistoryThatNoShareCanHold_IsRejected) {
  const auto history = [](std::uint32_t reactors, std::size_t total, std::size_t room) {
    return checked([&](auto& o) {
      o.reactors = reactors;
      o.history = {1, room, 1000, total};
    });
  };
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  EXPECT_EQ(history(64, 64 * kMiB, kMiB), "");
  EXPECT_EQ(history(1, kMiB, kMiB), "");
  EXPECT_EQ(history(64, 16 * kMiB, kMiB),
            "history.total_bytes must be at least history.bytes (1048576 bytes) for each of the 64 "
            "reactors, not 16777216 bytes, because a room can use only the equal share of its "
            "reactor: raise history.total_bytes, or lower history.bytes or reactors");
  EXPECT_NE(history(64, 64 * kMiB - 1, kMiB), "");
  EXPECT_NE(history(1, kMiB - 1, kMiB), "");
  EXPECT_NE(history(1, kMiB, 1023), "") << "not even small messages";
  EXPECT_EQ(history(1, kMiB, 1024), "");
  const std::string rule = checked([](auto& o) {
    o.reactors = 64;
    o.rooms.push_back({"big-*"});
    o.rooms.back().history_messages = 1;
    o.rooms.back().history_bytes = 5 * kMiB;
  });
  EXPECT_EQ(rule.rfind("rooms 'big-*': history.total_bytes must be at least", 0), 0U) << rule;
}

TEST(CheckOptions, ServerWideLatestOnly_IsRejected) {
  const std::string error =
      checked([](auto& o) { o.limits.slow_policy = SlowPolicy::kLatestOnly; });
  EXPECT_NE(error.find("limits.slow_policy does not accept latest-only, which applies to rooms: "
                       "set it in rooms for the pattern *"),
            std::string::npos)
      << error;
}

TEST(CheckOptions, HistoryDirectory_NeedsARoomWithHistory) {
  const auto with_rule = [](std::optional<std::uint32_t> messages) {
    return checked([&](ServerOptions& o) {
      o.history.log.directory = "log";
      o.rooms.emplace_back();
      o.rooms.back().pattern = "a";
      o.rooms.back().history_messages = messages;
    });
  };
  EXPECT_EQ(with_rule(1), "");
  EXPECT_NE(with_rule(0), "");
  EXPECT_NE(with_rule(std::nullopt), "") << "the rule keeps the server-wide setting, which is 0";
  EXPECT_EQ(checked([](ServerOptions& o) {
              o.history.messages = 1;
              o.history.log = {"log", HistorySync::kInterval, 60'000, false};
            }),
            "");
  EXPECT_EQ(checked([](ServerOptions& o) {
              o.history.messages = 1;
              o.history.log = {"log", HistorySync::kEach, 0, true};
            }),
            "")
      << "the interval has a use only in the mode with an interval";
}

}  // namespace
}  // namespace wsd
