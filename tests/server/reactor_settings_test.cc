#include "server/reactor_settings.h"

#include <gtest/gtest.h>

#include <vector>

namespace wsd {
namespace {

using server::reactor_count;
using server::reactor_settings;

TEST(ReactorSettings, TimesAreTicksRoundedUpAndSizesGoThrough) {
  ServerOptions options;
  options.heartbeat = {1, 10, 11};
  options.upgrade.handshake_timeout_ms = 100;
  options.upgrade.read_buffer_size = 2048;
  options.limits.message_timeout_ms = 101;
  options.limits.write_timeout_ms = 120;
  options.limits.close_timeout_ms = 130;
  options.limits.max_message_bytes = 11;
  options.limits.max_fragments = 12;
  options.limits.max_empty_fragments = 13;
  options.limits.max_connections = 14;
  options.limits.max_input_bytes = 15;
  options.limits.max_output_bytes = 151;
  options.limits.replace_oldest = true;
  options.limits.max_control_frames_per_second = 16;
  options.limits.send_queue_bytes = 17;
  options.limits.send_queue_frames = 18;
  options.limits.slow_policy = SlowPolicy::kDropOldest;
  options.limits.max_request_line_bytes = 19;
  options.limits.max_head_bytes = 20;
  options.limits.max_field_bytes = 21;
  options.limits.max_fields = 22;
  options.http.keep_alive_timeout_ms = 5'000;
  options.drain_delay_ms = 220;
  options.drain_window_ms = 230;
  options.drain_timeout_ms = 240;
  options.rates.max_messages_per_second = 25;
  options.rates.max_bytes_per_second = 26'000;
  const net::ReactorSettings settings = reactor_settings(options);
  EXPECT_EQ(settings.heartbeat.ping_interval, 1U);
  EXPECT_EQ(settings.heartbeat.pong_timeout, 1U);
  EXPECT_EQ(settings.heartbeat.read_timeout, 2U);
  EXPECT_EQ(settings.handshake_timeout, 10U);
  EXPECT_EQ(settings.message_timeout, 11U);
  EXPECT_EQ(settings.write_timeout, 12U);
  EXPECT_EQ(settings.close_timeout, 13U);
  EXPECT_EQ(settings.session.message.max_message_bytes, 11U);
  EXPECT_EQ(settings.session.message.max_fragments, 12U);
  EXPECT_EQ(settings.session.message.max_empty_fragments, 13U);
  EXPECT_EQ(settings.max_connections, 14U);
  EXPECT_TRUE(settings.replace_oldest);
  EXPECT_EQ(settings.max_input_bytes, 15U);
  EXPECT_EQ(settings.max_output_bytes, 151U);
  EXPECT_TRUE(settings.notice_suspensions);
  EXPECT_EQ(settings.max_control_frames_per_second, 16U);
  EXPECT_EQ(settings.send_queue.bytes, 17U);
  EXPECT_EQ(settings.send_queue.frames, 18U);
  EXPECT_EQ(settings.send_queue.policy, SlowPolicy::kDropOldest);
  EXPECT_EQ(settings.session.head.max_request_line_bytes, 19U);
  EXPECT_EQ(settings.session.head.max_head_bytes, 20U);
  EXPECT_EQ(settings.session.head.max_field_bytes, 21U);
  EXPECT_EQ(settings.session.head.max_fields, 22U);
  EXPECT_EQ(settings.keep_alive_timeout, 600U) << "one second more than was promised";
  EXPECT_EQ(settings.drain_delay, 22U);
  EXPECT_EQ(settings.drain_window, 23U);
  EXPECT_EQ(settings.drain_timeout, 24U);
  EXPECT_EQ(settings.read_buffer_size, 2048U);
  EXPECT_EQ(settings.receive_rates.messages_per_second, 25U);
  EXPECT_EQ(settings.receive_rates.bytes_per_second, 26'000U);
}

TEST(ReactorSettings, UnsetFieldOfRoomRule_HasServerWideValue) {
  ServerOptions options;
  options.history.messages = 7;
  options.rooms.push_back({"a", SlowPolicy::kDropNewest});
  options.rooms.back().history_age_ms = 1000;
  options.rooms.push_back({"b"});
  options.rooms.back().history_messages = 0;
  options.delivery_window_ms = 5;
  options.rooms.back().delivery_window_ms = 20;
  options.presence.enabled = true;
  options.rooms.back().presence = false;
  const std::vector<hub::RoomConfigRule> terms = server::room_config_rules(options, 2);
  ASSERT_EQ(terms.size(), 2U);
  EXPECT_EQ(terms[0].pattern, "a");
  EXPECT_EQ(terms[0].terms.slow_policy, SlowPolicy::kDropNewest);
  EXPECT_EQ(terms[0].terms.history.messages, 7U);
  EXPECT_EQ(terms[0].terms.history.age, ticks_for_ms(1000));
  EXPECT_EQ(terms[0].terms.history.bytes, options.history.bytes);
  EXPECT_EQ(terms[0].terms.history.total_bytes, options.history.total_bytes / 2);
  EXPECT_FALSE(terms[1].terms.slow_policy.has_value());
  EXPECT_EQ(terms[1].terms.history.messages, 0U);
  EXPECT_EQ(terms[0].terms.window_ns, 5'000'000U);
  EXPECT_EQ(terms[1].terms.window_ns, 20'000'000U);
  EXPECT_TRUE(terms[0].terms.presence);
  EXPECT_FALSE(terms[1].terms.presence);
}

// Later compressed messages may refer to earlier ones, which must then not be dropped.
TEST(ReactorSettings, DropsQueued_IsTrueForDropOldestAndLatestOnly) {
  ServerOptions options;
  EXPECT_FALSE(server::drops_queued(options, options.limits.slow_policy));
  for (const SlowPolicy policy : {SlowPolicy::kDisconnect, SlowPolicy::kDropNewest}) {
    options.rooms.push_back({"a", policy});
  }
  EXPECT_FALSE(server::drops_queued(options, options.limits.slow_policy));
  for (const SlowPolicy policy : {SlowPolicy::kDropOldest, SlowPolicy::kLatestOnly}) {
    ServerOptions some = options;
    some.rooms.push_back({"b", policy});
    EXPECT_TRUE(server::drops_queued(some, some.limits.slow_policy));
  }
  options.limits.slow_policy = SlowPolicy::kDropOldest;
  EXPECT_TRUE(server::drops_queued(options, options.limits.slow_policy));
}

TEST(ReactorSettings, ReactorCount_DefaultsToTheUsableCpus) {
  ServerOptions options;
  options.reactors = 3;
  EXPECT_EQ(reactor_count(options, {1, 1.0}).count, 3U);
  options.reactors = 0;
  EXPECT_EQ(reactor_count(options, {4, std::nullopt}).count, 4U);
  EXPECT_EQ(reactor_count(options, {4, 1.5}).count, 2U);
  EXPECT_EQ(reactor_count(options, {4, 9.0}).count, 4U);
  EXPECT_EQ(reactor_count(options, {1'000, std::nullopt}).count, 64U);
}

TEST(ReactorSettings, ReactorCount_HasAReason) {
  ServerOptions options;
  options.reactors = 0;
  EXPECT_EQ(reactor_count(options, {1, std::nullopt}).reason, "this process may run on 1 CPU");
  EXPECT_EQ(reactor_count(options, {64, 1.5}).reason,
            "the cgroup's CPU quota is 1.5; this process may run on 64 CPUs");
  EXPECT_EQ(reactor_count(options, {65, std::nullopt}).reason, "the largest number");
  options.reactors = 3;
  EXPECT_EQ(reactor_count(options, {1, 1.0}).reason, "set by reactors");
}

// A reactor wakes up for it, so it does not without such a limit.
TEST(ReactorSettings, LimitPerSecond_NoticesSuspensions) {
  EXPECT_FALSE(reactor_settings(ServerOptions{}).notice_suspensions);
  ServerOptions messages;
  messages.rates.max_messages_per_second = 1;
  EXPECT_TRUE(reactor_settings(messages).notice_suspensions);
  ServerOptions bytes;
  bytes.rates.max_bytes_per_second = 1024;
  EXPECT_TRUE(reactor_settings(bytes).notice_suspensions);
  ServerOptions handshakes;
  handshakes.rates.max_handshakes_per_second = 1;
  EXPECT_TRUE(reactor_settings(handshakes).notice_suspensions);
}

}  // namespace
}  // namespace wsd
