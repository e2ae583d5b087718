#include "daemon/admin/prometheus.h"

#include <wsd/version.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace wsd::daemon {
namespace {

class Renderer {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    out_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  void sample(std::string_view name, std::string_view label, std::string_view label_value,
              std::string_view value) {
    out_ += name;
    if (!label.empty()) {
      out_.append("{").append(label).append("=\"");
      append_label_value(label_value);
      out_ += "\"}";
    }
    out_.append(" ").append(value).append("\n");
  }
  void sample(std::string_view name, std::string_view label, std::string_view label_value,
              std::uint64_t value) {
    sample(name, label, label_value, std::to_string(value));
  }
  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    head(name, type, help);
    sample(name, {}, {}, value);
  }
  void histogram(std::string_view name, std::string_view help, const DurationHistogram& histogram) {
    head(name, "histogram", help);
    const std::string bucket = std::string(name) + "_bucket";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i + 1 < DurationHistogram::kBuckets; ++i) {
      below += histogram.counts[i];
      sample(bucket, "le", seconds_text(DurationHistogram::bound_ns(i)), below);
    }
    below += histogram.counts.back();
    sample(bucket, "le", "+Inf", below);
    sample(std::string(name) + "_sum", {}, {}, seconds_text(histogram.sum_ns));
    sample(std::string(name) + "_count", {}, {}, below);
  }
  void build_info() {
    head("wsd_build_info", "gauge", "Version and compression library of this build; always 1.");
    out_ += "wsd_build_info{version=\"";
    append_label_value(version());
    out_ += "\",deflate=\"";
    append_label_value(deflate_library());
    out_ += "\"} 1\n";
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void append_label_value(std::string_view value) {
    for (const char each : value) {
      if (each == '\n') {
        out_ += "\\n";
        continue;
      }
      if (each == '"' || each == '\\') out_ += '\\';
      out_ += each;
    }
  }

  std::string out_;
};

void render_process(Renderer& to, const ServerStats& stats) {
  to.build_info();
  to.head("wsd_start_time_seconds", "gauge",
          "Time at which the server started, in seconds since 1970-01-01 UTC.");
  to.sample("wsd_start_time_seconds", {}, {}, seconds_text(stats.start_time_ms * 1'000'000));
  to.single("wsd_reactors", "gauge", "Number of reactor threads.", stats.reactors);
  to.single("wsd_draining", "gauge", "1 while the server drains, otherwise 0.",
            stats.draining ? 1 : 0);
}

void render_connections(Renderer& to, const ServerStats& stats) {
  constexpr std::string_view kConnections = "wsd_connections";
  to.head(kConnections, "gauge", "Current connections, by state.");
  to.sample(kConnections, "state", "handshaking", stats.connections_handshaking);
  to.sample(kConnections, "state", "open", stats.connections_open);
  to.sample(kConnections, "state", "closing", stats.connections_closing);
  to.single("wsd_connections_accepted_total", "counter", "Connections accepted.",
            stats.accepted_total);
  constexpr std::string_view kEnded = "wsd_connections_ended_total";
  to.head(kEnded, "counter", "Connections that have ended, by cause.");
  for (std::size_t i = 0; i < stats.ended_total.size(); ++i) {
    to.sample(kEnded, "cause", close_cause_name(static_cast<CloseCause>(i)), stats.ended_total[i]);
  }
  constexpr std::string_view kRefused = "wsd_handshakes_refused_total";
  to.head(
      kRefused, "counter",
      "Connections that ended with cause handshake_rejected, handshake_timeout or overload after "
      "an HTTP error response, by its status.");
  for (std::size_t i = 0; i < kRefusalStatuses.size(); ++i) {
    const int status = kRefusalStatuses[i];
    to.sample(kRefused, "status", status == 0 ? "other" : std::to_string(status),
              stats.handshakes_refused_total[i]);
  }
}

void render_reactors(Renderer& to, const ServerStats& stats) {
  constexpr std::string_view kByReactor = "wsd_reactor_connections";
  to.head(kByReactor, "gauge", "Current connections, by reactor thread.");
  for (std::size_t i = 0; i < stats.by_reactor.size(); ++i) {
    to.sample(kByReactor, "reactor", std::to_string(i), stats.by_reactor[i].connections);
  }
  constexpr std::string_view kAcceptedByReactor = "wsd_reactor_connections_accepted_total";
  to.head(kAcceptedByReactor, "counter",
          "Connections accepted, by the reactor thread that serves them.");
  for (std::size_t i = 0; i < stats.by_reactor.size(); ++i) {
    to.sample(kAcceptedByReactor, "reactor", std::to_string(i), stats.by_reactor[i].accepted_total);
  }
}

void render_traffic(Renderer& to, const ServerStats& stats) {
  to.single("wsd_messages_received_total", "counter", "Complete messages received from clients.",
            stats.messages_in_total);
  to.single("wsd_messages_sent_total", "counter",
            "Messages handed to connections for sending, including those dropped afterwards.",
            stats.messages_out_total);
  to.single(
      "wsd_messages_dropped_total", "counter",
      "Messages not sent because the send queue was full, a newer message of a latest-only room "
      "replaced them, a Close frame of a failed connection overtook them, or the connection ended.",
      stats.messages_dropped_total);
  to.single("wsd_messages_uncompressed_total", "counter",
            "Messages sent uncompressed because compressing them was too much work for one turn; "
            "a room's message counts once per window size.",
            stats.messages_uncompressed_total);
  to.single("wsd_received_bytes_total", "counter", "Bytes received, HTTP and WebSocket together.",
            stats.bytes_in_total);
  to.single("wsd_sent_bytes_total", "counter", "Bytes that the kernel accepted for sending.",
            stats.bytes_out_total);
  to.single("wsd_rooms", "gauge", "Rooms that have members or stored history.", stats.rooms);
  to.single("wsd_room_members", "gauge", "Memberships in rooms, including joins in progress.",
            stats.room_members);
  to.single("wsd_publishes_total", "counter",
            "Messages published to rooms, including rooms without members.", stats.publishes_total);
  to.single(
      "wsd_publishes_refused_total", "counter",
      "Messages to rooms that reached no member, because the history log could not keep them.",
      stats.publishes_refused_total);
  to.single("wsd_deliveries_total", "counter",
            "Room messages handed to members, counted once per member, replayed history included.",
            stats.deliveries_total);
}

void render_held(Renderer& to, const ServerStats& stats) {
  to.single("wsd_send_queue_bytes", "gauge", "Bytes waiting in send queues.",
            stats.send_queue_bytes);
  to.single("wsd_output_bytes", "gauge",
            "Bytes of memory that send queues hold, with shared messages counted once.",
            stats.output_bytes);
  to.single("wsd_input_bytes", "gauge", "Bytes of incomplete messages and requests held in memory.",
            stats.input_bytes);
  to.single("wsd_compression_context_bytes", "gauge",
            "Bytes reserved for compression windows that are kept between messages.",
            stats.context_bytes);
  to.single("wsd_pending_publish_bytes", "gauge",
            "Publishes and other mail for rooms, and messages for a connection of another thread, "
            "that wait for a reactor, as counted against --max-pending-bytes.",
            stats.pending_publish_bytes);
  to.single("wsd_pending_delivery_bytes", "gauge",
            "Room messages that wait for reactors with members of the room, as counted against "
            "--max-pending-bytes.",
            stats.pending_delivery_bytes);
  to.single("wsd_pending_request_bytes", "gauge",
            "Joins, leaves and queries from other threads that wait for a reactor, as counted "
            "against --max-pending-bytes.",
            stats.pending_request_bytes);
  to.single("wsd_memory_trims_total", "counter",
            "Times that free memory was returned to the system, after the work that had needed it.",
            stats.memory_trims_total);
}

void render_times(Renderer& to, const ServerStats& stats) {
  to.single("wsd_turns_total", "counter", "Turns of all reactors: passes of their event loops.",
            stats.turns_total);
  to.histogram("wsd_turn_duration_seconds",
               "Time from the end of a reactor's wait for events to the end of its turn.",
               stats.turn);
  to.histogram("wsd_fan_out_duration_seconds",
               "Time from the start of sending pending room messages to the end of the turn.",
               stats.fan_out);
  to.histogram("wsd_ping_round_trip_seconds", "Time from a Ping to its Pong.", stats.round_trip);
  to.histogram(
      "wsd_delivery_delay_seconds",
      "Time from giving a message its position in the room to the end of the turn that sent "
      "it; a batch counts with its oldest message.",
      stats.delivery_delay);
}

void render_history_log(Renderer& to, const HistoryLogFigures& log) {
  to.single("wsd_log_failed", "gauge",
            "1 while the history log cannot be written, so messages are not kept; otherwise 0.",
            log.failed ? 1 : 0);
  to.single("wsd_log_failures_total", "counter", "Times that the history log has failed.",
            log.failures_total);
  to.single("wsd_log_bytes", "gauge", "Bytes of all segments of the history log.", log.bytes);
  to.single("wsd_log_live_bytes", "gauge",
            "Bytes of the history log that a restart needs, estimated.", log.live_bytes);
  to.single("wsd_log_segments", "gauge", "Segments of the history log.", log.segments);
  to.single("wsd_log_records_total", "counter", "Records written to the history log.",
            log.records_total);
  to.single("wsd_log_groups_total", "counter",
            "Writes to the history log; each has all records that waited for it.",
            log.groups_total);
  to.histogram("wsd_log_sync_seconds", "Time of a sync (fdatasync) of the history log.", log.sync);
}

void render_engine(Renderer& to, const EngineFigures& engine) {
  to.single("wsd_engine_up", "gauge",
            "1 while every reactor is connected to the engine, otherwise 0.", engine.up ? 1 : 0);
  to.head("wsd_engine_unready_seconds", "gauge",
          "Time since a reactor lost the engine or rooms fell behind it; 0 while all is ready.");
  to.sample("wsd_engine_unready_seconds", {}, {}, seconds_text(engine.unready_ms * 1'000'000));
  constexpr std::string_view kRooms = "wsd_engine_rooms";
  to.head(kRooms, "gauge", "Rooms of the engine on this node, by state.");
  to.sample(kRooms, "state", "opening", engine.rooms_opening);
  to.sample(kRooms, "state", "live", engine.rooms_live);
  to.sample(kRooms, "state", "lost", engine.rooms_lost);
  to.single("wsd_engine_in_flight", "gauge", "Publishes that wait for the engine.",
            engine.in_flight);
  constexpr std::string_view kPublishes = "wsd_engine_publishes_total";
  to.head(kPublishes, "counter", "Publishes that the engine has answered, by result.");
  to.sample(kPublishes, "result", "placed", engine.placed_total);
  to.sample(kPublishes, "result", "refused", engine.refused_total);
  to.sample(kPublishes, "result", "unknown", engine.unknown_total);
  to.single("wsd_engine_pushes_total", "counter", "Batches of messages that the engine has sent.",
            engine.pushes_total);
  to.histogram("wsd_engine_round_trip_seconds", "Round trip of a heartbeat to the engine.",
               engine.round_trip);
  to.single("wsd_engine_connects_total", "counter", "Connections made to the engine.",
            engine.connects_total);
  to.single("wsd_engine_catch_ups_total", "counter",
            "Times that a room read missed messages from the engine.", engine.catch_ups_total);
  to.single("wsd_engine_gaps_total", "counter",
            "Times that messages of a room were lost to members of this node.", engine.gaps_total);
  to.single("wsd_engine_epochs_total", "counter", "Epochs of rooms that this node has begun.",
            engine.epochs_total);
}

// Parsing

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t ns_of_seconds(std::string_view text) {
  double seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds > 0 && seconds < 1e9 ? static_cast<std::uint64_t>(std::llround(seconds * 1e9)) : 0;
}

struct SingleSample {
  std::string_view series;
  std::uint64_t ServerStats::*member;
};

constexpr std::array<SingleSample, 17> kSingles = {{
    {"wsd_connections{state=\"handshaking\"}", &ServerStats::connections_handshaking},
    {"wsd_connections{state=\"open\"}", &ServerStats::connections_open},
    {"wsd_connections{state=\"closing\"}", &ServerStats::connections_closing},
    {"wsd_connections_accepted_total", &ServerStats::accepted_total},
    {"wsd_messages_received_total", &ServerStats::messages_in_total},
    {"wsd_messages_sent_total", &ServerStats::messages_out_total},
    {"wsd_messages_dropped_total", &ServerStats::messages_dropped_total},
    {"wsd_messages_uncompressed_total", &ServerStats::messages_uncompressed_total},
    {"wsd_received_bytes_total", &ServerStats::bytes_in_total},
    {"wsd_sent_bytes_total", &ServerStats::bytes_out_total},
    {"wsd_rooms", &ServerStats::rooms},
    {"wsd_room_members", &ServerStats::room_members},
    {"wsd_publishes_total", &ServerStats::publishes_total},
    {"wsd_deliveries_total", &ServerStats::deliveries_total},
    {"wsd_send_queue_bytes", &ServerStats::send_queue_bytes},
    {"wsd_pending_publish_bytes", &ServerStats::pending_publish_bytes},
    {"wsd_turns_total", &ServerStats::turns_total},
}};

// Reads one line of the histogram `name`. Its buckets stay cumulative.
void read_bucket(std::string_view name, std::string_view series, std::string_view value,
                 DurationHistogram& histogram) {
  const std::string head = std::string(name) + "_bucket{le=\"";
  if (!series.starts_with(head)) return;
  const std::string_view bound = series.substr(head.size(), series.size() - head.size() - 2);
  std::size_t bucket = DurationHistogram::kBuckets - 1;
  if (bound != "+Inf") {
    const std::uint64_t ns = ns_of_seconds(bound);
    for (bucket = 0; bucket + 1 < DurationHistogram::kBuckets; ++bucket) {
      if (DurationHistogram::bound_ns(bucket) == ns) break;
    }
  }
  histogram.counts[bucket] = number_of(value);
}

void read_engine(std::string_view series, std::string_view value,
                 std::optional<EngineFigures>& engine) {
  if (!series.starts_with("wsd_engine_")) return;
  if (!engine) engine.emplace();
  if (series == "wsd_engine_up") engine->up = value == "1";
  if (series == "wsd_engine_unready_seconds") engine->unready_ms = ns_of_seconds(value) / 1'000'000;
  if (series == "wsd_engine_rooms{state=\"opening\"}") engine->rooms_opening = number_of(value);
  if (series == "wsd_engine_rooms{state=\"live\"}") engine->rooms_live = number_of(value);
  if (series == "wsd_engine_rooms{state=\"lost\"}") engine->rooms_lost = number_of(value);
  if (series == "wsd_engine_in_flight") engine->in_flight = number_of(value);
  if (series == "wsd_engine_pushes_total") engine->pushes_total = number_of(value);
  read_bucket("wsd_engine_round_trip_seconds", series, value, engine->round_trip);
}

void make_single_counts(DurationHistogram& histogram) {
  for (std::size_t i = DurationHistogram::kBuckets - 1; i > 0; --i) {
    histogram.counts[i] -= std::min(histogram.counts[i], histogram.counts[i - 1]);
  }
}

}  // namespace

std::string seconds_text(std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string text = std::to_string(ns / kSecond);
  std::string fraction = std::to_string(kSecond + ns % kSecond).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) text.append(".").append(fraction);
  return text;
}

std::string metrics_text(const ServerStats& stats) {
  Renderer renderer;
  render_process(renderer, stats);
  render_connections(renderer, stats);
  render_reactors(renderer, stats);
  render_traffic(renderer, stats);
  render_held(renderer, stats);
  render_times(renderer, stats);
  render_history_log(renderer, stats.history_log);
  if (stats.engine) render_engine(renderer, *stats.engine);
  return renderer.take();
}

ServerStats parse_metrics(std::string_view text) {
  ServerStats stats;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    const std::string_view series = line.substr(0, space);
    const std::string_view value = line.substr(space + 1);
    for (const SingleSample& each : kSingles) {
      if (each.series == series) stats.*each.member = number_of(value);
    }
    if (series == "wsd_draining") stats.draining = value == "1";
    if (series == "wsd_log_failed") stats.history_log.failed = value == "1";
    read_engine(series, value, stats.engine);
    if (series == "wsd_reactors") stats.reactors = static_cast<std::uint32_t>(number_of(value));
    read_bucket("wsd_turn_duration_seconds", series, value, stats.turn);
    read_bucket("wsd_delivery_delay_seconds", series, value, stats.delivery_delay);
  }
  make_single_counts(stats.turn);
  make_single_counts(stats.delivery_delay);
  if (stats.engine) make_single_counts(stats.engine->round_trip);
  return stats;
}

}  // namespace wsd::daemon
