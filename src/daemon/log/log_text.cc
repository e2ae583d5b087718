#include "daemon/log/log_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "daemon/text/base64.h"
#include "daemon/text/json.h"
#include "daemon/text/strings.h"
#include "daemon/text/timestamp.h"

namespace wsd::daemon {
namespace {

constexpr std::size_t kColumns = 5;
using Cells = std::array<std::string, kColumns>;

// Returns `text` without bytes that a terminal would interpret.
std::string printable(std::string_view text) {
  const std::string quoted = quote(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

std::string totals(const HistoryLogReport& report) {
  return counted(report.rooms.size(), "room") + ", " + counted(report.segments, "segment") + ", " +
         counted(report.bytes, "byte") + "\n" +
         (report.in_use ? "a server uses this directory\n" : "no server uses this directory\n") +
         (report.positions_go_on ? "the next start continues the epochs of all rooms\n"
                                 : "the next start gives every room a new epoch\n");
}

std::string json_array(const std::vector<std::string>& elements) {
  std::string out = "[";
  for (const std::string& each : elements) out.append(out.size() > 1 ? "\n," : "").append(each);
  return out += ']';
}

}  // namespace

std::string log_table(const HistoryLogReport& report) {
  std::vector<Cells> rows = {{"ROOM", "POSITION", "FIRST", "MESSAGES", "BYTES"}};
  for (const LoggedRoom& room : report.rooms) {
    rows.push_back({printable(room.name), position_text(room.last),
                    room.first_seq == 0 ? "-" : std::to_string(room.first_seq),
                    std::to_string(room.messages), std::to_string(room.bytes)});
  }
  std::array<std::size_t, kColumns> widths{};
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Cells& row : rows) {
    out.append(row[0]).append(widths[0] - row[0].size(), ' ');
    for (std::size_t i = 1; i < kColumns; ++i) {
      out.append(2 + widths[i] - row[i].size(), ' ').append(row[i]);
    }
    out += '\n';
  }
  out.append("\n").append(totals(report));
  for (const std::string& damage : report.damage) out.append("damage: ").append(damage) += '\n';
  return out;
}

std::string log_json(const HistoryLogReport& report) {
  std::vector<std::string> rooms;
  for (const LoggedRoom& room : report.rooms) {
    rooms.push_back(JsonObject()
                        .add("name", room.name)
                        .add("epoch", room.last.epoch)
                        .add("seq", room.last.seq)
                        .add("first_seq", room.first_seq)
                        .add("messages", room.messages)
                        .add("bytes", room.bytes)
                        .take());
  }
  std::vector<std::string> damage;
  for (const std::string& each : report.damage) append_json_string(damage.emplace_back(), each);
  return JsonObject()
             .add("segments", report.segments)
             .add("bytes", report.bytes)
             .add_bool("in_use", report.in_use)
             .add_bool("epochs_go_on", report.positions_go_on)
             .add_raw("damage", json_array(damage))
             .add_raw("rooms", json_array(rooms))
             .take() +
         "\n";
}

std::string message_json(const LoggedMessage& message) {
  JsonObject object;
  object.add("epoch", message.position.epoch)
      .add("seq", message.position.seq)
      .add("time", std::string_view(timestamp(message.time_ms)));
  if (message.type == MessageType::kText) {
    object.add("text", message.payload);
  } else {
    object.add("base64", std::string_view(base64(message.payload)));
  }
  return object.take() + "\n";
}

}  // namespace wsd::daemon
