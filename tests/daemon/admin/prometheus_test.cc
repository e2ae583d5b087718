#include "daemon/admin/prometheus.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace wsd::daemon {
namespace {

// The lines of the metric `name`, its HELP and TYPE included.
std::string lines_of(const std::string& text, const std::string& name) {
  std::istringstream stream(text);
  std::string found;
  const std::regex own("(# (HELP|TYPE) )?" + name + "(_bucket|_sum|_count)?[ {].*");
  for (std::string line; std::getline(stream, line);) {
    if (std::regex_match(line, own)) found += line + "\n";
  }
  return found;
}

TEST(MetricsText, SecondsAreExact) {
  EXPECT_EQ(seconds_text(0), "0");
  EXPECT_EQ(seconds_text(1), "0.000000001");
  EXPECT_EQ(seconds_text(1'500), "0.0000015");
  EXPECT_EQ(seconds_text(8'388'608'000), "8.388608");
  EXPECT_EQ(seconds_text(12'000'000'000), "12");
}

TEST(MetricsText, MetricHasHelpTypeAndValue) {
  ServerStats stats;
  stats.messages_in_total = 18'446'744'073'709'551'615U;
  stats.start_time_ms = 1'700'000'000'123;
  stats.draining = true;
  const std::string text = metrics_text(stats);
  EXPECT_EQ(lines_of(text, "wsd_messages_received_total"),
            "# HELP wsd_messages_received_total Complete messages received from clients.\n"
            "# TYPE wsd_messages_received_total counter\n"
            "wsd_messages_received_total 18446744073709551615\n");
  EXPECT_EQ(lines_of(text, "wsd_start_time_seconds"),
            "# HELP wsd_start_time_seconds Time at which the server started, in seconds since "
            "1970-01-01 UTC.\n"
            "# TYPE wsd_start_time_seconds gauge\n"
            "wsd_start_time_seconds 1700000000.123\n");
  EXPECT_EQ(lines_of(text, "wsd_draining"),
            "# HELP wsd_draining 1 while the server drains, otherwise 0.\n"
            "# TYPE wsd_draining gauge\n"
            "wsd_draining 1\n");
}

TEST(MetricsText, EachReactorHasItsShareOfConnections) {
  ServerStats stats;
  stats.by_reactor = {{3, 7}, {4, 9}};
  const std::string text = metrics_text(stats);
  EXPECT_NE(text.find("wsd_reactor_connections{reactor=\"0\"} 3\n"
                      "wsd_reactor_connections{reactor=\"1\"} 4\n"),
            std::string::npos);
  EXPECT_NE(text.find("wsd_reactor_connections_accepted_total{reactor=\"0\"} 7\n"
                      "wsd_reactor_connections_accepted_total{reactor=\"1\"} 9\n"),
            std::string::npos);
}

TEST(MetricsText, EveryCauseAndStatus_IsPresentFromTheStart) {
  ServerStats stats;
  stats.ended_total[static_cast<std::size_t>(CloseCause::kSlowConsumer)] = 3;
  stats.handshakes_refused_total.back() = 4;
  const std::string text = metrics_text(stats);
  for (int i = 0; i < kCloseCauseCount; ++i) {
    const auto cause = static_cast<CloseCause>(i);
    const std::string line = "wsd_connections_ended_total{cause=\"" +
                             std::string(close_cause_name(cause)) + "\"} " +
                             (cause == CloseCause::kSlowConsumer ? "3" : "0") + "\n";
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_NE(text.find("wsd_handshakes_refused_total{status=\"403\"} 0\n"), std::string::npos);
  EXPECT_NE(text.find("wsd_handshakes_refused_total{status=\"other\"} 4\n"), std::string::npos);
}

TEST(MetricsText, BucketsAreCumulativeAndEndWithAll) {
  ServerStats stats;
  stats.round_trip.counts[0] = 1;
  stats.round_trip.counts[2] = 2;
  stats.round_trip.counts.back() = 4;
  stats.round_trip.sum_ns = 40'000'006'500;
  const std::string lines = lines_of(metrics_text(stats), "wsd_ping_round_trip_seconds");
  EXPECT_EQ(lines.find("# HELP wsd_ping_round_trip_seconds Time from a Ping to its Pong.\n"
                       "# TYPE wsd_ping_round_trip_seconds histogram\n"
                       "wsd_ping_round_trip_seconds_bucket{le=\"0.000001\"} 1\n"
                       "wsd_ping_round_trip_seconds_bucket{le=\"0.000002\"} 1\n"
                       "wsd_ping_round_trip_seconds_bucket{le=\"0.000004\"} 3\n"
                       "wsd_ping_round_trip_seconds_bucket{le=\"0.000008\"} 3\n"),
            0U)
      << lines;
  EXPECT_NE(lines.find("{le=\"8.388608\"} 3\n"
                       "wsd_ping_round_trip_seconds_bucket{le=\"+Inf\"} 7\n"
                       "wsd_ping_round_trip_seconds_sum 40.0000065\n"
                       "wsd_ping_round_trip_seconds_count 7\n"),
            std::string::npos)
      << lines;
}

TEST(MetricsText, HistoryLogHasItsFigures) {
  ServerStats stats;
  stats.history_log.failed = true;
  stats.history_log.bytes = 1;
  stats.history_log.live_bytes = 2;
  stats.history_log.segments = 3;
  stats.history_log.records_total = 4;
  stats.history_log.groups_total = 5;
  stats.history_log.failures_total = 6;
  stats.history_log.sync.counts.back() = 7;
  stats.publishes_refused_total = 8;
  const std::string text = metrics_text(stats);
  for (const std::string line :
       {"wsd_log_failed 1", "wsd_log_bytes 1", "wsd_log_live_bytes 2", "wsd_log_segments 3",
        "wsd_log_records_total 4", "wsd_log_groups_total 5", "wsd_log_failures_total 6",
        "wsd_log_sync_seconds_count 7", "wsd_publishes_refused_total 8"}) {
    EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line;
  }
}

TEST(MetricsText, EverySeriesOccursOnceAndEveryLineIsWellFormed) {
  ServerStats all;
  all.engine.emplace();
  const std::string text = metrics_text(all);
  EXPECT_EQ(text.back(), '\n');
  std::istringstream stream(text);
  std::set<std::string> series;
  const std::regex sample(R"re(wsd_[a-z0-9_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+)re");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("# ")) continue;
    EXPECT_TRUE(std::regex_match(line, sample)) << line;
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_GT(series.size(), 100U);
}

TEST(MetricsText, RoundTrips) {
  ServerStats stats;
  stats.reactors = 3;
  stats.draining = true;
  stats.connections_open = 1;
  stats.connections_closing = 2;
  stats.accepted_total = 3;
  stats.messages_in_total = 4;
  stats.messages_out_total = 5;
  stats.bytes_in_total = 6;
  stats.deliveries_total = 7;
  stats.send_queue_bytes = 8;
  stats.turn.counts[0] = 9;
  stats.turn.counts[5] = 10;
  stats.turn.counts.back() = 11;
  stats.delivery_delay.counts[7] = 12;
  stats.history_log.failed = true;
  const ServerStats read = parse_metrics(metrics_text(stats));
  EXPECT_EQ(read.reactors, 3U);
  EXPECT_TRUE(read.draining);
  EXPECT_EQ(read.connections_open, 1U);
  EXPECT_EQ(read.connections_closing, 2U);
  EXPECT_EQ(read.accepted_total, 3U);
  EXPECT_EQ(read.messages_in_total, 4U);
  EXPECT_EQ(read.messages_out_total, 5U);
  EXPECT_EQ(read.bytes_in_total, 6U);
  EXPECT_EQ(read.deliveries_total, 7U);
  EXPECT_EQ(read.send_queue_bytes, 8U);
  EXPECT_TRUE(read.history_log.failed);
  EXPECT_EQ(read.turn.counts, stats.turn.counts);
  EXPECT_EQ(read.delivery_delay.counts, stats.delivery_delay.counts);
}

TEST(MetricsText, Engine_IsThereOnlyIfThereIsOne) {
  ServerStats stats;
  EXPECT_EQ(metrics_text(stats).find("wsd_engine"), std::string::npos);
  EXPECT_FALSE(parse_metrics(metrics_text(stats)).engine);
  EngineFigures& engine = stats.engine.emplace();
  engine.up = true;
  engine.unready_ms = 1'500;
  engine.rooms_opening = 1;
  engine.rooms_live = 2;
  engine.rooms_lost = 3;
  engine.in_flight = 4;
  engine.placed_total = 5;
  engine.refused_total = 6;
  engine.unknown_total = 7;
  engine.pushes_total = 8;
  engine.connects_total = 9;
  engine.catch_ups_total = 10;
  engine.gaps_total = 11;
  engine.epochs_total = 12;
  engine.round_trip.counts[3] = 13;
  const std::string text = metrics_text(stats);
  for (const std::string line :
       {"wsd_engine_up 1", "wsd_engine_unready_seconds 1.5",
        "wsd_engine_rooms{state=\"opening\"} 1", "wsd_engine_rooms{state=\"live\"} 2",
        "wsd_engine_rooms{state=\"lost\"} 3", "wsd_engine_in_flight 4",
        "wsd_engine_publishes_total{result=\"placed\"} 5",
        "wsd_engine_publishes_total{result=\"refused\"} 6",
        "wsd_engine_publishes_total{result=\"unknown\"} 7", "wsd_engine_pushes_total 8",
        "wsd_engine_connects_total 9", "wsd_engine_catch_ups_total 10", "wsd_engine_gaps_total 11",
        "wsd_engine_epochs_total 12", "wsd_engine_round_trip_seconds_count 13"}) {
    EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line;
  }
  const ServerStats read = parse_metrics(text);
  ASSERT_TRUE(read.engine);
  EXPECT_TRUE(read.engine->up);
  EXPECT_EQ(read.engine->unready_ms, 1'500U);
  EXPECT_EQ(read.engine->rooms_live, 2U);
  EXPECT_EQ(read.engine->rooms_lost, 3U);
  EXPECT_EQ(read.engine->in_flight, 4U);
  EXPECT_EQ(read.engine->round_trip.counts, engine.round_trip.counts);
}

TEST(MetricsText, Nonsense_IsIgnored) {
  const ServerStats read = parse_metrics(
      "\n \nwsd_rooms\nwsd_rooms x\nwsd_turn_duration_seconds_bucket{le=\"\n"
      "wsd_turn_duration_seconds_bucket{le=\"7\"} 3\nunknown 5");
  EXPECT_EQ(read.rooms, 0U);
}

}  // namespace
}  // namespace wsd::daemon
