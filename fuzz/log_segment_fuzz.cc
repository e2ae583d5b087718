// Segments of the history log, and their recovery. The input is a script that writes segments with
// the encoder, with any numbers in their records, puts any bytes between them, and flips bits at
// the end. Whatever it does, a recovery finds only messages that were written, each in its room and
// under its number, and only if a checksum that is computed bit by bit is right.
//
// Input: one byte for the number of flipped bits, three bytes for each of them, and the script.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/assert.h"
#include "base/byte_buffer.h"
#include "base/bytes.h"
#include "engine/log_record.h"
#include "engine/log_recovery.h"
#include "engine/log_segment.h"
#include "fuzz_input.h"

namespace {

using namespace wsd;          // NOLINT: a program of its own
using namespace wsd::engine;  // NOLINT

using Segments = std::map<std::uint64_t, std::vector<std::uint8_t>>;
using Written = std::set<std::tuple<std::string, std::uint64_t, std::string>>;

std::uint32_t slow_crc(Bytes bytes, std::uint32_t crc) {
  crc = ~crc;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

// Writes segments as a script tells. Remembers each message with the name of its room.
class Writer {
 public:
  explicit Writer(fuzz::FuzzInput& input) : input_(input) {
    begin_segment();
    while (!input_.empty()) step();
    end_segment();
  }

  Segments segments;
  Written written;

 private:
  void begin_segment() {
    LogSegmentHeader header;
    header.number = ++number_;
    const std::uint8_t flags = input_.byte();
    header.run = 1 + (flags & 3U);
    header.new_epochs = (flags & 4U) != 0;
    header.declared = (flags & 8U) != 0 ? input_.byte() : 0;
    header.mode = (flags & 16U) != 0 ? HistorySync::kEach : HistorySync::kInterval;
    for (const auto& [number, bytes] : segments) {
      if ((flags & 32U) != 0 && number == 1) continue;
      header.older.push_back({number, bytes.size()});
    }
    bytes_ = encode_log_header(header);
    seed_ = log_segment_seed(bytes_);
  }
  // A number stands for its room in the whole segment, because a segment declares it once.
  void end_segment() {
    segments[number_] = bytes_;
    for (const auto& [room, seq, frame] : messages_) {
      for (const std::string& name : names_[room]) written.insert({name, seq, frame});
    }
    names_.clear();
    messages_.clear();
  }

  template <class Encode>
  void add(const Encode& encode) {
    ByteBuffer buffer;
    LogRecordEncoder encoder(buffer);
    encoder.begin(seed_, bytes_.size());
    WSD_ASSERT(encode(encoder));
    bytes_.insert(bytes_.end(), buffer.bytes().begin(), buffer.bytes().end());
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
  }
  // Mostly small numbers, so that they meet, and sometimes the largest.
  std::uint64_t number() {
    const std::uint8_t byte = input_.byte();
    return byte == 255 ? ~std::uint64_t{0} : byte % 16;
  }
  void step() {
    const std::uint8_t op = input_.byte();
    const std::uint32_t room = op >> 5;
    switch (op % 8) {
      case 0: {
        const std::string name(1, static_cast<char>('a' + input_.byte() % 3));
        const std::uint64_t epoch = number();
        const std::uint64_t from = number();
        const std::uint64_t oldest = number();
        add([&](auto& encoder) { return encoder.room(room, epoch, from, oldest, as_bytes(name)); });
        names_[room].insert(name);
        break;
      }
      case 1:
      case 2:
      case 3: {
        const std::uint64_t seq = number();
        const std::uint64_t oldest = number();
        const std::string frame = std::to_string(++frames_) + std::string(input_.byte() % 32, '.');
        add([&](auto& encoder) { return encoder.message(room, seq, oldest, 9, as_bytes(frame)); });
        messages_.push_back({room, seq, frame});
        break;
      }
      case 4: {
        const std::uint64_t seq = number();
        const bool all = input_.byte() % 2 == 0;
        add([&](auto& encoder) { return encoder.removal(room, seq, all); });
        break;
      }
      case 5: {
        const std::uint64_t segment = number();
        add([&](auto& encoder) {
          return room % 2 == 0 ? encoder.dropped(segment)
                               : encoder.placeholder(room, segment, 1, 2);
        });
        break;
      }
      case 6: {
        if (room == 0) {
          add([](auto& encoder) { return encoder.end(); });
          break;
        }
        const Bytes raw = input_.take(std::size_t{room} * 8);
        bytes_.insert(bytes_.end(), raw.begin(), raw.end());
        if (room != 7) bytes_.resize((bytes_.size() + 7) / 8 * 8);
        break;
      }
      default:
        end_segment();
        begin_segment();
    }
  }

  fuzz::FuzzInput& input_;
  std::map<std::uint32_t, std::set<std::string>> names_;  // by number in this segment
  std::vector<std::tuple<std::uint32_t, std::uint64_t, std::string>> messages_;
  std::vector<std::uint8_t> bytes_;
  std::uint32_t seed_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t frames_ = 0;
};

// Returns the frames of all records whose checksum is right, computed bit by bit.
std::set<std::string> frames_with_checksum(const Segments& segments) {
  std::set<std::string> frames;
  for (const auto& [number, bytes] : segments) {
    if (bytes.size() < kLogHeaderFields) continue;
    const std::uint32_t seed = log_segment_seed(bytes);
    for (std::size_t at = 0; at + 40 <= bytes.size(); at += 8) {
      const Bytes rest = Bytes(bytes).subspan(at);
      std::uint64_t length = 0;
      for (std::size_t i = 8; i-- > 4;) length = length << 8 | rest[i];
      const std::uint64_t size = (16 + length + 7) / 8 * 8;
      if (rest[8] != 2 || length < 24 || size > rest.size()) continue;
      std::vector<std::uint8_t> covered;
      for (std::size_t i = 0; i < 8; ++i) covered.push_back(static_cast<std::uint8_t>(at >> 8 * i));
      covered.insert(covered.end(), rest.begin() + 4, rest.begin() + 10);
      covered.insert(covered.end(), rest.begin() + 12,
                     rest.begin() + static_cast<std::ptrdiff_t>(size));
      std::uint32_t crc = 0;
      for (std::size_t i = 4; i-- > 0;) crc = crc << 8 | rest[i];
      if (slow_crc(covered, seed) == crc)
        frames.insert(std::string(as_text(rest.subspan(40, length - 24))));
    }
  }
  return frames;
}

RecoveredLog recover(const Segments& segments) {
  LogRecovery recovery({});
  for (const auto& [number, bytes] : segments) {
    std::size_t head = kLogFirstRead;
    do {
      head = recovery.add_file({number, bytes.size(), 0, 0},
                               Bytes(bytes).first(std::min(head, bytes.size())));
    } while (head != 0);
  }
  if (!recovery.error().empty()) return {};
  while (const auto part = recovery.next()) {
    const auto& bytes = segments.at(part->number);
    WSD_ASSERT(part->length != 0 && part->length <= bytes.size());
    // A block of its own, so that a read past its end is detected.
    const std::vector<std::uint8_t> block(
        bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part->length));
    recovery.add_segment(block);
  }
  RecoveredLog log = recovery.finish();
  std::uint64_t before = 0;
  for (const LogSegmentEntry& entry : recovery.kept()) {
    WSD_ASSERT(entry.number > before && segments.contains(entry.number));
    WSD_ASSERT(entry.good_length <= segments.at(entry.number).size());
    const auto& unlinks = recovery.unlinks();
    WSD_ASSERT(std::find(unlinks.begin(), unlinks.end(), entry.number) == unlinks.end());
    before = entry.number;
  }
  return log;
}

void flip(Segments& segments, std::size_t place, std::uint8_t bit) {
  std::size_t total = 0;
  for (const auto& [number, bytes] : segments) total += bytes.size();
  if (total == 0) return;
  place %= total;
  for (auto& [number, bytes] : segments) {
    if (place < bytes.size()) {
      bytes[place] = static_cast<std::uint8_t>(bytes[place] ^ 1U << bit % 8);
      return;
    }
    place -= bytes.size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  std::vector<std::pair<std::size_t, std::uint8_t>> flips(input.byte() % 4);
  for (auto& [place, bit] : flips) {
    place = input.pair();
    bit = input.byte();
  }
  Writer writer(input);
  for (const auto& [place, bit] : flips) flip(writer.segments, place, bit);
  const RecoveredLog log = recover(writer.segments);
  const std::set<std::string> frames = frames_with_checksum(writer.segments);
  for (const RecoveredRoom& room : log.rooms) {
    std::uint64_t next = room.last.seq - room.messages.size() + 1;
    for (const RecoveredMessage& message : room.messages) {
      WSD_ASSERT(message.seq == next);
      ++next;
      if (!message.frame) continue;
      const std::string frame(as_text(message.frame.bytes()));
      WSD_ASSERT(writer.written.contains({room.name, message.seq, frame}));
      WSD_ASSERT(frames.contains(frame));
    }
  }
  return 0;
}
