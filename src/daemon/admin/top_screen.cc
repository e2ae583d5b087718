#include "daemon/admin/top_screen.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace wsd::daemon {
namespace {

constexpr std::string_view kColumns =
    "              ID  REMOTE                   QUEUE      RTT   AGE  MSGS IN MSGS OUT  PATH  USER";

// Peers choose paths and user names, so control bytes in them must not reach the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char each : text) out += each >= ' ' && each <= '~' ? each : '?';
  return out;
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  std::string cut(text.substr(0, width));
  const std::size_t space = width - cut.size();
  return right ? std::string(space, ' ') + cut : cut + std::string(space, ' ');
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

std::string connection_line(const JsonRow& row) {
  const std::uint64_t rtt_us = number_in(row, "rtt_us");
  return padded(text_in(row, "id"), 16, true) + "  " + padded(text_in(row, "remote"), 21, false) +
         " " + padded(short_number(static_cast<double>(number_in(row, "queued_bytes"))), 8, true) +
         padded(rtt_us == 0 ? "-" : short_time(static_cast<double>(rtt_us) * 1e3), 9, true) +
         padded(age_text(number_in(row, "age_ms")), 6, true) +
         padded(short_number(static_cast<double>(number_in(row, "messages_in"))), 9, true) +
         padded(short_number(static_cast<double>(number_in(row, "messages_out"))), 9, true) + "  " +
         text_in(row, "path") + "  " + text_in(row, "user");
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
  std::vector<std::string> lines = {
      "wsd top  " + printable(address) + "  " + std::to_string(now.stats.reactors) + " reactors" +
          (now.stats.draining ? "  DRAINING" : ""),
      "connections  open " + value(&ServerStats::connections_open) + "  handshaking " +
          value(&ServerStats::connections_handshaking) + "  closing " +
          value(&ServerStats::connections_closing) + "  accepted/s " +
          rate(&ServerStats::accepted_total),
      "messages/s   in " + rate(&ServerStats::messages_in_total) + "  out " +
          rate(&ServerStats::messages_out_total) + "  dropped " +
          rate(&ServerStats::messages_dropped_total),
      "bytes/s      in " + rate(&ServerStats::bytes_in_total) + "  out " +
          rate(&ServerStats::bytes_out_total),
      "rooms        " + value(&ServerStats::rooms) + "  members " +
          value(&ServerStats::room_members) + "  publishes/s " +
          rate(&ServerStats::publishes_total) + "  deliveries/s " +
          rate(&ServerStats::deliveries_total),
      "turns/s      " + rate(&ServerStats::turns_total) + "  p50 " + quantile_text(turns, 500) +
          "  p99 " + quantile_text(turns, 990) + "  delivery p99 " + quantile_text(delays, 990),
      "waiting      send queues " + value(&ServerStats::send_queue_bytes) + "B  publishes " +
          value(&ServerStats::pending_publish_bytes) + "B",
      "",
      std::string(kColumns),
  };
  for (const JsonRow& row : now.connections) lines.push_back(connection_line(row));
  if (lines.size() > rows) lines.resize(rows);
  for (std::string& line : lines) line = line.substr(0, columns);
  return lines;
}

}  // namespace wsd::daemon
