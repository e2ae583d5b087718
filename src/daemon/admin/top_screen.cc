#include "daemon/admin/top_screen.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace wsd::daemon {
namespace {

constexpr std::string_view kCut = "..";    // marks a text that was shortened
constexpr std::string_view kSpace = "  ";  // between columns, and between values

using Lines = std::vector<std::string>;

// Peers choose paths and user names, so control bytes in them must not reach the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char each : text) out += each >= ' ' && each <= '~' ? each : '?';
  return out;
}

// Returns `text` in at most `width` characters. If it is shortened, it ends with kCut.
std::string shortened(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string(text);
  if (width <= kCut.size()) return std::string(kCut.substr(0, width));
  return std::string(text.substr(0, width - kCut.size())).append(kCut);
}

std::string decimal(double number, std::string_view unit) {
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.1f", number));
  return std::string(text.data()).append(unit);
}

// Formats a duration given in nanoseconds.
std::string short_time(double ns) {
  if (ns < 1e6) return std::to_string(static_cast<std::uint64_t>(ns / 1e3)) + "us";
  if (ns < 1e9) return decimal(ns / 1e6, "ms");
  return decimal(ns / 1e9, "s");
}

std::string age_text(std::uint64_t ms) {
  const std::uint64_t seconds = ms / 1000;
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86'400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

std::uint64_t number_in(const JsonRow& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() ? 0 : std::strtoull(found->second.c_str(), nullptr, 10);
}

std::string text_in(const JsonRow& row, const std::string& name) {
  const auto found = row.find(name);
  return found == row.end() ? std::string() : printable(found->second);
}

DurationHistogram difference(const DurationHistogram& now, const DurationHistogram& before) {
  DurationHistogram result = now;
  for (std::size_t i = 0; i < result.counts.size(); ++i) {
    result.counts[i] -= std::min(result.counts[i], before.counts[i]);
  }
  return result;
}

// Appends a line with the label and the values. Values that do not fit go on in the next line,
// below the first one.
void add_values(Lines& lines, std::string_view label, const Lines& values, std::size_t columns) {
  std::string line(label);
  for (const std::string& value : values) {
    const bool first = line.size() == label.size();
    if (!first && line.size() + kSpace.size() + value.size() > columns) {
      lines.push_back(std::exchange(line, std::string(label.size(), ' ')));
    } else if (!first) {
      line.append(kSpace);
    }
    line.append(value);
  }
  lines.push_back(std::move(line));
}

// A column of the table of connections.
struct Column {
  std::string_view heading;
  std::size_t rank;   // if not all columns fit, those with the highest rank are left out
  std::size_t least;  // may be shortened to this width; 0: is never shortened
  bool right = false;
  Lines cells = {};
  std::size_t width = 0;

  [[nodiscard]] std::size_t least_width() const {
    return least == 0 ? width : std::min(least, width);
  }
};

std::vector<Column> columns_of(const std::vector<JsonRow>& connections) {
  constexpr std::size_t kRemote = 15;  // an IPv4 address and a port, such as 127.0.0.1:54321
  constexpr std::size_t kPath = 10;
  constexpr std::size_t kUser = 8;
  std::vector<Column> table = {{"ID", 0, 0, true},  {"REMOTE", 2, kRemote}, {"QUEUE", 1, 0, true},
                               {"RTT", 5, 0, true}, {"AGE", 8, 0, true},    {"IN", 7, 0, true},
                               {"OUT", 6, 0, true}, {"PATH", 3, kPath},     {"USER", 4, kUser}};
  for (const JsonRow& row : connections) {
    const auto number = [&](const char* name) {
      return short_number(static_cast<double>(number_in(row, name)));
    };
    const std::uint64_t rtt_us = number_in(row, "rtt_us");
    const Lines cells = {text_in(row, "id"),
                         text_in(row, "remote"),
                         number("queued_bytes"),
                         rtt_us == 0 ? "-" : short_time(static_cast<double>(rtt_us) * 1e3),
                         age_text(number_in(row, "age_ms")),
                         number("messages_in"),
                         number("messages_out"),
                         text_in(row, "path"),
                         text_in(row, "user")};
    for (std::size_t i = 0; i < cells.size(); ++i) table[i].cells.push_back(cells[i]);
  }
  if (!connections.empty()) {
    std::erase_if(table, [](const Column& column) {
      return std::all_of(column.cells.begin(), column.cells.end(),
                         [](const std::string& cell) { return cell.empty(); });
    });
  }
  for (Column& column : table) {
    column.width = column.heading.size();
    for (const std::string& cell : column.cells) column.width = std::max(column.width, cell.size());
  }
  return table;
}

// Leaves out columns, and narrows others, until the table fits.
void fit(std::vector<Column>& table, std::size_t columns) {
  const auto sum = [&](auto width) {
    std::size_t total = kSpace.size() * (table.size() - 1);
    for (const Column& column : table) total += width(column);
    return total;
  };
  while (table.size() > 1 && sum([](const Column& c) { return c.least_width(); }) > columns) {
    table.erase(std::max_element(table.begin(), table.end(),
                                 [](const Column& a, const Column& b) { return a.rank < b.rank; }));
  }
  // The widest column becomes narrower first.
  const auto spare = [](const Column& c) { return c.width == c.least_width() ? 0 : c.width; };
  for (std::size_t total = sum([](const Column& c) { return c.width; }); total > columns; --total) {
    const auto widest =
        std::max_element(table.begin(), table.end(),
                         [&](const Column& a, const Column& b) { return spare(a) < spare(b); });
    if (spare(*widest) == 0) return;
    --widest->width;
  }
}

void add_table(Lines& lines, const std::vector<JsonRow>& connections, std::size_t columns) {
  std::vector<Column> table = columns_of(connections);
  fit(table, columns);
  for (std::size_t row = 0; row <= connections.size(); ++row) {
    std::string line;
    for (const Column& column : table) {
      const std::string cell =
          row == 0 ? std::string(column.heading) : shortened(column.cells[row - 1], column.width);
      const std::string space(column.width - cell.size(), ' ');
      if (!line.empty()) line.append(kSpace);
      line.append(column.right ? space + cell : cell + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
}

void add_engine(Lines& lines, const std::optional<EngineFigures>& before, const EngineFigures& now,
                std::size_t columns) {
  const auto text = [](std::uint64_t count) { return short_number(static_cast<double>(count)); };
  std::string state = "up";
  if (now.unready_ms != 0) {
    state = (now.up ? "CATCHING UP " : "DOWN ") + age_text(now.unready_ms);
  }
  const DurationHistogram trips =
      difference(now.round_trip, before ? before->round_trip : DurationHistogram{});
  add_values(lines, "engine       ",
             {state, "rooms live " + text(now.rooms_live), "opening " + text(now.rooms_opening),
              "lost " + text(now.rooms_lost), "in flight " + text(now.in_flight),
              "round trip p99 " + quantile_text(trips, 990)},
             columns);
}

void add_summary(Lines& lines, const TopSample& before, const TopSample& now, std::size_t columns) {
  const auto elapsed_ms = static_cast<double>(now.at_ms - before.at_ms);
  const auto rate = [&](std::uint64_t ServerStats::*member) -> std::string {
    if (elapsed_ms <= 0) return "-";
    const std::uint64_t rise =
        now.stats.*member - std::min(now.stats.*member, before.stats.*member);
    return short_number(static_cast<double>(rise) * 1000 / elapsed_ms);
  };
  const auto value = [&](std::uint64_t ServerStats::*member) {
    return short_number(static_cast<double>(now.stats.*member));
  };
  const DurationHistogram turns = difference(now.stats.turn, before.stats.turn);
  const DurationHistogram delays =
      difference(now.stats.delivery_delay, before.stats.delivery_delay);
  add_values(lines, "connections  ",
             {"open " + value(&ServerStats::connections_open),
              "handshaking " + value(&ServerStats::connections_handshaking),
              "closing " + value(&ServerStats::connections_closing),
              "accepted/s " + rate(&ServerStats::accepted_total)},
             columns);
  add_values(lines, "messages/s   ",
             {"in " + rate(&ServerStats::messages_in_total),
              "out " + rate(&ServerStats::messages_out_total),
              "dropped " + rate(&ServerStats::messages_dropped_total)},
             columns);
  add_values(
      lines, "bytes/s      ",
      {"in " + rate(&ServerStats::bytes_in_total), "out " + rate(&ServerStats::bytes_out_total)},
      columns);
  add_values(lines, "rooms        ",
             {value(&ServerStats::rooms), "members " + value(&ServerStats::room_members),
              "publishes/s " + rate(&ServerStats::publishes_total),
              "deliveries/s " + rate(&ServerStats::deliveries_total)},
             columns);
  add_values(lines, "turns/s      ",
             {rate(&ServerStats::turns_total), "p50 " + quantile_text(turns, 500),
              "p99 " + quantile_text(turns, 990), "delivery p99 " + quantile_text(delays, 990)},
             columns);
  add_values(lines, "waiting      ",
             {"send queues " + value(&ServerStats::send_queue_bytes) + "B",
              "publishes " + value(&ServerStats::pending_publish_bytes) + "B"},
             columns);
  if (now.stats.engine) add_engine(lines, before.stats.engine, *now.stats.engine, columns);
}

}  // namespace

std::string short_number(double number) {
  if (number < 1000) return std::to_string(static_cast<std::uint64_t>(number));
  constexpr std::string_view kUnits = "kMGTPE";
  std::size_t unit = 0;
  for (number /= 1000; number >= 999.95 && unit + 1 < kUnits.size(); number /= 1000) ++unit;
  return decimal(number, kUnits.substr(unit, 1));
}

std::string quantile_text(const DurationHistogram& histogram, std::uint32_t share) {
  const std::uint64_t count = histogram.count();
  if (count == 0) return "-";
  const auto wanted = static_cast<double>(count) * share / 1000;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < DurationHistogram::kBuckets; ++i) {
    below += histogram.counts[i];
    if (static_cast<double>(below) >= wanted) {
      return short_time(static_cast<double>(DurationHistogram::bound_ns(i)));
    }
  }
  return ">" + short_time(static_cast<double>(
                   DurationHistogram::bound_ns(DurationHistogram::kBuckets - 2)));
}

std::vector<std::string> top_screen(const TopSample& before, const TopSample& now,
                                    const std::string& address, std::size_t rows,
                                    std::size_t columns) {
  Lines lines;
  Lines about = {printable(address), std::to_string(now.stats.reactors) + " reactors"};
  if (now.stats.draining) about.emplace_back("DRAINING");
  if (now.stats.history_log.failed) about.emplace_back("HISTORY LOG FAILED");
  add_values(lines, "wsd top  ", about, columns);
  add_summary(lines, before, now, columns);
  lines.emplace_back();
  add_table(lines, now.connections, columns);
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = shortened(line, columns);
  return lines;
}

}  // namespace wsd::daemon
