// read_history_log() and visit_history_log() of wsd/history_log.h.
#include "wsd/history_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/byte_buffer.h"
#include "base/in_quotes.h"
#include "engine/log_recovery.h"
#include "engine/recovered_log.h"
#include "protocol/frame_header.h"
#include "server/log_directory.h"

namespace wsd {
namespace {

using server::LogDirectory;
using server::LogFile;

// A server may unlink a segment while the log is read. Then it is read again, but not for ever.
constexpr int kMostReadings = 50;

// The contents of a directory, as one reading finds them.
struct Reading {
  std::string error;
  bool changed = false;  // a file has gone while the others were read
  bool in_use = false;
  std::size_t segments = 0;
  engine::RecoveredLog log;
};

int read_part(const LogFile& file, std::uint64_t length, ByteBuffer& buffer) {
  buffer.clear();
  const auto wanted = static_cast<std::size_t>(length);
  if (!buffer.reserve(wanted)) throw std::bad_alloc();
  std::size_t count = 0;
  const int error = file.read(buffer.room().first(wanted), 0, count);
  buffer.grow(error == 0 ? count : 0);
  return error;
}

std::string cannot_read(const LogDirectory& directory, std::uint64_t number, int error) {
  return "cannot read the segment " + engine::log_segment_name(number) +
         " of the history directory '" + directory.path() + "': " + std::strerror(error) +
         " (run as a user that may read it)";
}

// Reads the beginnings of all segments. Returns false if the reading is over.
bool add_files(const LogDirectory& directory, engine::LogRecovery& recovery, ByteBuffer& buffer,
               Reading& reading) {
  std::vector<std::uint64_t> numbers;
  int error = directory.list(numbers);
  if (error != 0) {
    reading.error = "cannot list the history directory '" + directory.path() +
                    "': " + std::strerror(error) + " (run as a user that may read it)";
    return false;
  }
  for (const std::uint64_t number : numbers) {
    LogFile file;
    engine::LogFileFacts facts;
    error = directory.open_segment(number, false, file);
    if (error == 0) error = file.facts(facts);
    if (error == ENOENT) {
      reading.changed = true;
      continue;
    }
    if (error != 0) {
      reading.error = cannot_read(directory, number, error);
      return false;
    }
    facts.number = number;
    std::size_t head = engine::kLogFirstRead;
    while (head != 0) {
      // If it cannot be read, recovery finds an incomplete header.
      error = read_part(file, std::min<std::uint64_t>(head, facts.size), buffer);
      head = recovery.add_file(facts, buffer.bytes());
      if (error != 0) break;
    }
  }
  reading.error = recovery.error();
  return reading.error.empty();
}

void read_once(const LogDirectory& directory, Reading& reading) {
  engine::LogRecovery recovery(LogDirectory::boot_id());
  ByteBuffer buffer;
  if (!add_files(directory, recovery, buffer, reading)) return;
  while (const auto part = recovery.next()) {
    LogFile file;
    int error = directory.open_segment(part->number, false, file);
    if (error == ENOENT) reading.changed = true;
    if (error == 0) error = read_part(file, part->length, buffer);
    if (error != 0) {
      recovery.cannot_read(std::strerror(error));
    } else {
      recovery.add_segment(buffer.bytes());
    }
  }
  reading.log = recovery.finish();
  reading.segments = recovery.kept().size();
}

// A log looks damaged if a segment goes while it is read. So such a reading counts only if all
// were such.
Reading read_log(const std::string& path) {
  Reading reading;
  LogDirectory directory;
  for (int i = 0; i < kMostReadings; ++i) {
    reading = {};
    reading.error = directory.open_for_reading(path, reading.in_use);
    if (!reading.error.empty()) return reading;
    read_once(directory, reading);
    if (!reading.error.empty()) return reading;
    if (!reading.changed) return reading;
  }
  return reading;
}

// Returns the message in a frame, or nothing if the bytes are not one whole frame of a message.
std::optional<LoggedMessage> message_of(const engine::RecoveredMessage& message) {
  const Bytes frame = message.frame.bytes();
  if (frame.size() < 2 || frame.size() < protocol::frame_header_size(frame[1])) return std::nullopt;
  const protocol::FrameHeader header = protocol::decode_frame_header(frame);
  const bool text = header.opcode == protocol::Opcode::kText;
  if (!text && header.opcode != protocol::Opcode::kBinary) return std::nullopt;
  const Bytes payload = frame.subspan(header.size);
  if (header.masked || header.payload_length != payload.size()) return std::nullopt;
  return LoggedMessage{
      {}, message.wall_ms, text ? MessageType::kText : MessageType::kBinary, as_text(payload)};
}

LoggedRoom summary_of(const engine::RecoveredRoom& room) {
  LoggedRoom logged;
  logged.name = room.name;
  logged.last = room.last;
  for (const engine::RecoveredMessage& each : room.messages) {
    if (!each.frame) continue;
    const auto message = message_of(each);
    if (!message) continue;
    if (logged.messages == 0) logged.first_seq = each.seq;
    ++logged.messages;
    logged.bytes += message->payload.size();
  }
  return logged;
}

}  // namespace

HistoryLogReport read_history_log(const std::string& directory) {
  Reading reading = read_log(directory);
  HistoryLogReport report;
  report.error = std::move(reading.error);
  report.in_use = reading.in_use;
  if (!report.error.empty()) return report;
  report.segments = reading.segments;
  report.bytes = reading.log.bytes;
  report.damage = std::move(reading.log.damage);
  report.positions_go_on = reading.log.epochs_go_on;
  report.rooms.reserve(reading.log.rooms.size());
  for (const engine::RecoveredRoom& room : reading.log.rooms) {
    report.rooms.push_back(summary_of(room));
  }
  std::sort(report.rooms.begin(), report.rooms.end(),
            [](const LoggedRoom& a, const LoggedRoom& b) { return a.name < b.name; });
  return report;
}

std::string visit_history_log(const std::string& directory, std::string_view room,
                              const std::optional<Position>& from,
                              const std::function<void(const LoggedMessage&)>& visit) {
  const Reading reading = read_log(directory);
  if (!reading.error.empty()) return reading.error;
  const auto& rooms = reading.log.rooms;
  const auto found =
      std::find_if(rooms.begin(), rooms.end(), [&](const auto& each) { return each.name == room; });
  if (found == rooms.end()) {
    return "room " + in_quotes(room) + " is not in the history directory '" + directory +
           "' (write the name as it was published to)";
  }
  if (from && from->epoch != found->last.epoch) {
    return "the position " + position_text(*from) +
           " has another epoch than the last one of room " + in_quotes(room) + ", which is " +
           position_text(found->last) + " (leave it out to get all messages)";
  }
  for (const engine::RecoveredMessage& each : found->messages) {
    if (!each.frame || (from && each.seq <= from->seq)) continue;
    auto message = message_of(each);
    if (!message) continue;
    message->position = {found->last.epoch, each.seq};
    visit(*message);
  }
  return {};
}

}  // namespace wsd
