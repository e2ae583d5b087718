#include "daemon/admin/top_screen.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wsd::daemon {
namespace {

TEST(TopScreen, NumbersAreShort) {
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(999), "999");
  EXPECT_EQ(short_number(1000), "1.0k");
  EXPECT_EQ(short_number(12'345), "12.3k");
  EXPECT_EQ(short_number(999'949), "999.9k");
  EXPECT_EQ(short_number(999'950), "1.0M");
  EXPECT_EQ(short_number(4.5e9), "4.5G");
}

TEST(TopScreen, Quantile_IsTheUpperEndOfItsBucket) {
  DurationHistogram histogram;
  EXPECT_EQ(quantile_text(histogram, 990), "-");
  histogram.counts[3] = 98;
  histogram.counts[12] = 1;
  histogram.counts[20] = 1;
  EXPECT_EQ(quantile_text(histogram, 500), "8us");
  EXPECT_EQ(quantile_text(histogram, 980), "8us");
  EXPECT_EQ(quantile_text(histogram, 990), "4.1ms");
  EXPECT_EQ(quantile_text(histogram, 1000), "1.0s");
  histogram.counts.back() = 100;
  EXPECT_EQ(quantile_text(histogram, 990), ">8.4s");
}

TEST(TopScreen, ShowsRatesBetweenTwoSamples) {
  TopSample before;
  before.at_ms = 1'000;
  TopSample now = before;
  now.at_ms = 3'000;
  now.stats.reactors = 2;
  now.stats.connections_open = 1'500;
  now.stats.messages_in_total = 5'000;
  now.stats.bytes_out_total = 2'000'000;
  now.stats.deliveries_total = 20;
  now.stats.turn.counts[4] = 7;
  now.stats.send_queue_bytes = 65'536;
  now.connections = {{{"id", "4294967296"},
                      {"remote", "127.0.0.1:4711"},
                      {"queued_bytes", "65536"},
                      {"rtt_us", "250"},
                      {"age_ms", "61000"},
                      {"messages_in", "3"},
                      {"messages_out", "4"},
                      {"path", "/rooms/a\x1b"},
                      {"user", "ann"}}};
  const std::vector<std::string> lines = top_screen(before, now, "127.0.0.1:9002", 24, 200);
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "wsd top  127.0.0.1:9002  2 reactors",
                "connections  open 1.5k  handshaking 0  closing 0  accepted/s 0",
                "messages/s   in 2.5k  out 0  dropped 0",
                "bytes/s      in 0  out 1.0M",
                "rooms        0  members 0  publishes/s 0  deliveries/s 10",
                "turns/s      0  p50 16us  p99 16us  delivery p99 -",
                "waiting      send queues 65.5kB  publishes 0B",
                "",
                "              ID  REMOTE                   QUEUE      RTT   AGE  MSGS IN MSGS OUT"
                "  PATH  USER",
                "      4294967296  127.0.0.1:4711           65.5k    250us    1m        3        4"
                "  /rooms/a?  ann",
            }));
}

TEST(TopScreen, WithoutElapsedTime_ShowsNoRates) {
  TopSample now;
  now.stats.draining = true;
  now.connections = {{{"id", "1"}, {"rtt_us", "null"}}};
  const std::vector<std::string> lines = top_screen(TopSample{}, now, "unix:/x", 24, 80);
  EXPECT_EQ(lines[0], "wsd top  unix:/x  0 reactors  DRAINING");
  EXPECT_EQ(lines[2], "messages/s   in -  out -  dropped -");
}

TEST(TopScreen, FitsTheTerminal) {
  TopSample now;
  now.connections.resize(10);
  for (const auto& [rows, columns] : {std::pair{5, 20}, {1, 1}, {0, 80}, {24, 80}}) {
    const auto lines = top_screen(TopSample{}, now, "127.0.0.1:1", static_cast<std::size_t>(rows),
                                  static_cast<std::size_t>(columns));
    EXPECT_LE(lines.size(), static_cast<std::size_t>(rows));
    for (const std::string& line : lines) EXPECT_LE(line.size(), static_cast<std::size_t>(columns));
  }
}

}  // namespace
}  // namespace wsd::daemon
