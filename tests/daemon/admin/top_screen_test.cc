#include "daemon/admin/top_screen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <sstream>
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
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "wsd top  127.0.0.1:9002  2 reactors",
                       "connections  open 1.5k  handshaking 0  closing 0  accepted/s 0",
                       "messages/s   in 2.5k  out 0  dropped 0",
                       "bytes/s      in 0  out 1.0M",
                       "rooms        0  members 0  publishes/s 0  deliveries/s 10",
                       "turns/s      0  p50 16us  p99 16us  delivery p99 -",
                       "waiting      send queues 65.5kB  publishes 0B",
                       "",
                       "        ID  REMOTE          QUEUE    RTT  AGE  IN  OUT  PATH       USER",
                       "4294967296  127.0.0.1:4711  65.5k  250us   1m   3    4  /rooms/a?  ann",
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

TEST(TopScreen, FailedHistoryLog_IsInTheFirstLine) {
  TopSample now;
  now.stats.history_log.failed = true;
  EXPECT_EQ(top_screen(TopSample{}, now, "unix:/x", 24, 80)[0],
            "wsd top  unix:/x  0 reactors  HISTORY LOG FAILED");
}

TEST(TopScreen, Engine_HasALine) {
  TopSample before;
  TopSample now;
  EngineFigures& engine = now.stats.engine.emplace();
  engine.up = true;
  engine.rooms_live = 1'500;
  engine.rooms_lost = 2;
  engine.in_flight = 3;
  engine.round_trip.counts[4] = 1;
  EXPECT_EQ(
      top_screen(before, now, "unix:/x", 24, 120)[7],
      "engine       up  rooms live 1.5k  opening 0  lost 2  in flight 3  round trip p99 16us");
  engine.unready_ms = 61'000;
  EXPECT_EQ(top_screen(before, now, "unix:/x", 24, 120)[7].find("engine       CATCHING UP 1m"), 0U);
  engine.up = false;
  before.stats.engine = engine;
  const std::string line = top_screen(before, now, "unix:/x", 24, 120)[7];
  EXPECT_EQ(line.find("engine       DOWN 1m"), 0U);
  EXPECT_NE(line.find("round trip p99 -"), std::string::npos) << "none since the sample before";
}

// A sample with the longest values of every kind.
TopSample full_sample() {
  TopSample now;
  now.at_ms = 1'000;
  now.stats.reactors = 128;
  now.stats.draining = true;
  for (std::uint64_t ServerStats::*member :
       {&ServerStats::connections_open, &ServerStats::connections_handshaking,
        &ServerStats::connections_closing, &ServerStats::accepted_total,
        &ServerStats::messages_in_total, &ServerStats::messages_out_total,
        &ServerStats::messages_dropped_total, &ServerStats::bytes_in_total,
        &ServerStats::bytes_out_total, &ServerStats::rooms, &ServerStats::room_members,
        &ServerStats::publishes_total, &ServerStats::deliveries_total, &ServerStats::turns_total,
        &ServerStats::send_queue_bytes, &ServerStats::pending_publish_bytes}) {
    now.stats.*member = 987'654'321;
  }
  now.stats.turn.counts[13] = 1;
  now.stats.delivery_delay.counts.back() = 1;
  now.connections = {{{"id", "18446744073709551615"},
                      {"remote", "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"},
                      {"queued_bytes", "987654321"},
                      {"rtt_us", "987654321"},
                      {"age_ms", "86400000000"},
                      {"messages_in", "123456789"},
                      {"messages_out", "234567890"},
                      {"path", "/rooms/a-room-with-a-rather-long-name-that-nobody-types"},
                      {"user", "somebody-with-a-long-name@example.com"}},
                     {{"id", "4294967296"},
                      {"remote", "127.0.0.1:4711"},
                      {"rtt_us", "250"},
                      {"age_ms", "61000"},
                      {"path", "/"}}};
  return now;
}

std::vector<std::string> words_of(const std::vector<std::string>& lines) {
  std::vector<std::string> words;
  for (const std::string& line : lines) {
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
  }
  return words;
}

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

// Whatever the width, a word is either whole or ends with the mark.
TEST(TopScreen, EachWidth_ShowsWholeWordsOrMarksThem) {
  const TopSample before;
  const TopSample now = full_sample();
  const auto whole = words_of(top_screen(before, now, "127.0.0.1:9002", kUnlimited, kUnlimited));
  for (std::size_t columns = 0; columns <= 300; ++columns) {
    const auto lines = top_screen(before, now, "127.0.0.1:9002", kUnlimited, columns);
    for (const std::string& line : lines) EXPECT_LE(line.size(), columns);
    for (const std::string& word : words_of(lines)) {
      EXPECT_TRUE(std::find(whole.begin(), whole.end(), word) != whole.end() ||
                  word.ends_with(columns == 1 ? "." : ".."))
          << word << " at " << columns;
    }
  }
}

TEST(TopScreen, SixtyColumnsAndMore_ShowAllFiguresAndNumbersOfTheServer) {
  const TopSample now = full_sample();
  for (const std::size_t columns : {60U, 80U, 132U}) {
    const auto lines = top_screen(TopSample{}, now, "127.0.0.1:9002", kUnlimited, columns);
    const auto end = std::find(lines.begin(), lines.end(), "");
    const auto table = words_of({end, lines.end()});
    const auto figures = words_of({lines.begin(), end});
    EXPECT_EQ(std::count(figures.begin(), figures.end(), "987.7M"), 14) << columns;
    EXPECT_EQ(std::count(figures.begin(), figures.end(), "DRAINING"), 1) << columns;
    for (const char* word : {"18446744073709551615", "4294967296", "987.7M"}) {
      EXPECT_EQ(std::count(table.begin(), table.end(), word), 1) << word << " at " << columns;
    }
  }
}

// No connection has a user, so there is no column of users.
TEST(TopScreen, NarrowTerminal_HasFewerAndShorterColumns) {
  TopSample now;
  now.connections = {full_sample().connections[1]};
  const auto table = [&](std::size_t columns) {
    const auto lines = top_screen(TopSample{}, now, "127.0.0.1:9002", kUnlimited, columns);
    return std::vector<std::string>(lines.end() - 2, lines.end());
  };
  EXPECT_EQ(table(132), (std::vector<std::string>{
                            "        ID  REMOTE          QUEUE    RTT  AGE  IN  OUT  PATH",
                            "4294967296  127.0.0.1:4711      0  250us   1m   0    0  /"}));
  EXPECT_EQ(table(80), table(132));
  EXPECT_EQ(table(60), table(132));
  EXPECT_EQ(table(52),
            (std::vector<std::string>{"        ID  REMOTE          QUEUE    RTT  OUT  PATH",
                                      "4294967296  127.0.0.1:4711      0  250us    0  /"}));
  now.connections = {full_sample().connections[0]};
  EXPECT_EQ(
      table(80),
      (std::vector<std::string>{
          "                  ID  REMOTE            QUEUE     RTT  PATH         USER",
          "18446744073709551615  [2001:db8:111..  987.7M  987.7s  /rooms/a-..  somebody-w.."}));
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
