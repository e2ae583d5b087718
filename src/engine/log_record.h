// The records of the history log: their bytes, how they are written and how they are read.
//
// A record begins at an offset of its segment that is a multiple of 8. All numbers are
// little-endian.
//
//   offset size
//        0    4  crc32c, see below
//        4    4  length: the size of the payload in bytes
//        8    1  type
//        9    1  flags; flag 2 in all types: all bytes of the segment before this record were on
//                disk when it was written. So bad bytes before it are damage, and not the traces of
//                a power loss
//       10    2  check of the header, see below
//       12    4  room: the number of a room record of this segment; 0 in the types dropped and end
//       16       payload
//                zeros up to the next multiple of 8
//
// The payload, by type:
//
//   1 room      0 epoch u64   8 from u64   16 oldest u64   24 name
//   2 message   0 seq u64     8 oldest u64   16 wall_ms u64   24 one WebSocket frame
//               flag 1: the message was removed, and there is no frame
//   3 removal   0 seq u64
//               flag 1: all messages up to seq were removed, instead of this one
//   4 dropped   0 segment u64
//   5 end       nothing
//
// The crc32c covers, in this order: the seed of the segment, which is the crc32c of its header and
// where the computation starts; the offset of the record in the segment as u64; the bytes 4 to 9
// and 12 to 15 of the record; its bytes from 16 on, with the zeros at its end. So neither zeros,
// nor old bytes of the disk, nor a record of another segment or from another offset is a valid
// record.
//
// The check has the lowest 16 bits of the crc32c as it is before the payload. So a record whose end
// the end of the file cuts off differs from a record whose length is damaged.
//
// A room record declares a room in this segment: it precedes all records of the room in the
// segment, which have its number. A segment declares each number once. A room whose epoch changes,
// or that begins again, is declared again with the next number, so a record always belongs to
// exactly one declaration, even if another one is lost. `from`: records of the room that have
// earlier epochs are valid only up to this seq; 0: none of them. `oldest`: the room keeps its
// messages from this one on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_buffer.h"
#include "base/bytes.h"

namespace wsd::engine {

inline constexpr std::size_t kLogRecordHeader = 16;
inline constexpr std::size_t kLogRecordAlignment = 8;
// Of the payload before the name of a room, or the frame of a message.
inline constexpr std::size_t kLogRoomFields = 24;
inline constexpr std::size_t kLogMessageFields = 24;

enum class LogRecordType : std::uint8_t {
  kRoom = 1,
  kMessage = 2,
  kRemoval = 3,
  kDropped = 4,  // a segment was compacted away, so its file, if it still exists, is ignored
  kEnd = 5,      // the run ended cleanly; nothing follows
};

// One record. The fields that its type does not have are 0.
struct LogRecord {
  LogRecordType type = LogRecordType::kEnd;
  bool after_sync = false;    // all bytes before the record were on disk when it was written
  bool removed = false;       // message: it was removed, and `bytes` is empty
  bool all_before = false;    // removal: of all messages up to `seq`
  std::uint32_t room = 0;     // the number of the declaration in this segment
  std::uint64_t epoch = 0;    // room
  std::uint64_t from = 0;     // room
  std::uint64_t seq = 0;      // message, removal
  std::uint64_t oldest = 0;   // room, message
  std::uint64_t wall_ms = 0;  // message: when it was logged, since 1970-01-01 00:00 UTC
  std::uint64_t segment = 0;  // dropped
  Bytes bytes;                // room: its name; message: its frame. A view into the decoded bytes
};

// Returns the size of a record with `payload` bytes of payload, in bytes.
[[nodiscard]] constexpr std::size_t log_record_size(std::size_t payload) noexcept {
  return (kLogRecordHeader + payload + kLogRecordAlignment - 1) / kLogRecordAlignment *
         kLogRecordAlignment;
}
[[nodiscard]] constexpr std::size_t log_message_size(std::size_t frame) noexcept {
  return log_record_size(kLogMessageFields + frame);
}
[[nodiscard]] constexpr std::size_t log_room_size(std::size_t name) noexcept {
  return log_record_size(kLogRoomFields + name);
}

// Appends records to a buffer, which then has a part of a segment. Each function returns false if
// out of memory, or if the record would have 4 GiB or more; nothing has changed then.
class LogRecordEncoder {
 public:
  // The buffer must outlive the encoder.
  explicit LogRecordEncoder(ByteBuffer& buffer) noexcept : buffer_(buffer) {}

  // Says where the next record goes: into the segment with this seed (log_segment_seed()), at
  // `offset` bytes from its beginning, which is a multiple of 8.
  void begin(std::uint32_t seed, std::uint64_t offset) noexcept {
    seed_ = seed;
    offset_ = offset;
    after_sync_ = false;
  }
  // Says that all bytes of the segment before the next record are on disk.
  void mark_synced() noexcept { after_sync_ = true; }
  // Returns the offset of the next record in the segment.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  [[nodiscard]] bool room(std::uint32_t number, std::uint64_t epoch, std::uint64_t from,
                          std::uint64_t oldest, Bytes name) noexcept;
  [[nodiscard]] bool message(std::uint32_t room, std::uint64_t seq, std::uint64_t oldest,
                             std::uint64_t wall_ms, Bytes frame) noexcept;
  // A message that was removed.
  [[nodiscard]] bool placeholder(std::uint32_t room, std::uint64_t seq, std::uint64_t oldest,
                                 std::uint64_t wall_ms) noexcept;
  [[nodiscard]] bool removal(std::uint32_t room, std::uint64_t seq, bool all_before) noexcept;
  [[nodiscard]] bool dropped(std::uint64_t segment) noexcept;
  [[nodiscard]] bool end() noexcept;

 private:
  struct Fields;
  [[nodiscard]] bool append(const Fields& fields, Bytes tail) noexcept;

  ByteBuffer& buffer_;
  std::uint32_t seed_ = 0;
  std::uint64_t offset_ = 0;
  bool after_sync_ = false;
};

// The result of decode_log_record().
struct DecodedLogRecord {
  enum class State : std::uint8_t {
    kValid,
    kBad,    // not a record
    kShort,  // a record whose header is valid, as far as it is there: it needs `size` bytes, and
             // `bytes` has fewer
  };
  State state = State::kBad;
  std::size_t size = 0;  // kValid, kShort: of the whole record
  LogRecord record;      // kValid
};

// Decodes the record at the beginning of `bytes`, which is at `offset` of the segment with this
// seed.
[[nodiscard]] DecodedLogRecord decode_log_record(std::uint32_t seed, std::uint64_t offset,
                                                 Bytes bytes) noexcept;

// Decodes the record at the beginning of `bytes`, which decode_log_record() has found valid before.
[[nodiscard]] DecodedLogRecord read_checked_log_record(Bytes bytes) noexcept;
// Returns the size of the record at the beginning of `bytes` if its header is valid and all of it
// is there, and 0 otherwise. The payload may be bad.
[[nodiscard]] std::size_t plausible_log_record(std::uint32_t seed, std::uint64_t offset,
                                               Bytes bytes) noexcept;

}  // namespace wsd::engine
