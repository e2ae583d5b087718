#include "engine/log_recovery.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "engine/log_scan.h"
#include "engine/recovered_rooms.h"

namespace wsd::engine {
namespace {

struct File {
  LogFileFacts facts;
  DecodedLogHeader header;
  std::size_t asked = 0;  // bytes of its beginning

  [[nodiscard]] bool is_valid() const noexcept {
    return header.state == DecodedLogHeader::State::kValid && header.header.number == facts.number;
  }
};

// The sentences about rooms are limited, because a damage may reach all of them.
constexpr std::size_t kMostRoomSentences = 20;

bool all_zero(Bytes bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

struct LogRecovery::State {
  LogBootId boot_id = {};
  std::map<std::uint64_t, File> files;
  bool planned = false;

  // Which file next() has returned: a candidate for the last segment, or an older one.
  const File* part = nullptr;
  std::uint64_t part_length = 0;
  // Candidates have numbers below this one; 0: the last segment is known, or there is none.
  std::uint64_t below = ~std::uint64_t{0};
  const File* last = nullptr;
  std::size_t older_left = 0;  // entries of the last segment's list that are still to be read
  // The first segment of the latest run that began with new epochs. Damage in an older one cannot
  // touch an epoch that is in use.
  std::uint64_t new_epochs_from = 0;

  bool last_clean = false;
  bool epochs_in_doubt = false;  // because of damage
  std::set<std::uint64_t> dropped;
  RecoveredRooms rooms;
  std::vector<std::string> damage;
  std::vector<LogSegmentEntry> kept;
  std::vector<std::uint64_t> unlinks;
  std::uint64_t records = 0;

  void add_damage(std::uint64_t number, const std::string& text) {
    damage.push_back("segment " + log_segment_name(number) + " " + text);
    if (number >= new_epochs_from) epochs_in_doubt = true;
  }
  std::optional<Part> next_candidate();
  std::optional<Part> next_older();
  void judge_bad_candidate(const File& file, Bytes bytes);
  void add_candidate(const File& file, Bytes bytes);
  void become_last(const File& file);
  void add_older(const File& file, Bytes bytes);
  void take(const File& file, const LogScan& scan, Bytes bytes);
  [[nodiscard]] bool epochs_go_on() const;
};

LogRecovery::LogRecovery(const LogBootId& boot_id) : state_(std::make_unique<State>()) {
  state_->boot_id = boot_id;
}

LogRecovery::~LogRecovery() = default;

std::size_t LogRecovery::add_file(const LogFileFacts& facts, Bytes head) {
  File& file = state_->files[facts.number];
  const std::size_t asked = file.asked == 0 ? kLogFirstRead : file.asked;
  file.facts = facts;
  file.header = decode_log_header(head);
  if (file.header.state != DecodedLogHeader::State::kShort) return 0;
  // The header ends before the file was to end, or the caller cannot read all bytes that it was
  // asked for.
  if (file.header.size > facts.size || (file.asked != 0 && head.size() < asked)) return 0;
  return file.asked = file.header.size;
}

std::string LogRecovery::error() const {
  for (const auto& [number, file] : state_->files) {
    if (file.header.state != DecodedLogHeader::State::kNewer) continue;
    return "segment " + log_segment_name(number) + " has the format version " +
           std::to_string(file.header.version) + ", and this version of wsd reads only version " +
           std::to_string(kLogVersion) + ": start the newer wsd, or use another directory";
  }
  return {};
}

std::optional<LogRecovery::Part> LogRecovery::next() {
  if (state_->last == nullptr && state_->below != 0) {
    if (const auto part = state_->next_candidate()) return part;
  }
  return state_->next_older();
}

std::optional<LogRecovery::Part> LogRecovery::State::next_candidate() {
  while (below != 0) {
    const auto after = files.lower_bound(below);
    if (after == files.begin()) {
      below = 0;
      return std::nullopt;
    }
    const File& file = std::prev(after)->second;
    below = file.facts.number;
    if (file.facts.size == 0) {
      unlinks.push_back(file.facts.number);
      continue;
    }
    part = &file;
    part_length = file.facts.size;
    return Part{file.facts.number, part_length};
  }
  return std::nullopt;
}

std::optional<LogRecovery::Part> LogRecovery::State::next_older() {
  while (last != nullptr && older_left != 0) {
    --older_left;
    const LogSegmentEntry& entry = last->header.header.older[older_left];
    if (dropped.contains(entry.number)) continue;
    const auto at = files.find(entry.number);
    if (at == files.end()) {
      add_damage(entry.number, "is missing");
      continue;
    }
    const File& file = at->second;
    kept.push_back({entry.number, std::min(entry.good_length, file.facts.size)});
    if (!file.is_valid()) {
      add_damage(entry.number, "has a damaged header");
      continue;
    }
    if (file.facts.size < entry.good_length) {
      add_damage(entry.number, "has " + std::to_string(file.facts.size) + " bytes instead of " +
                                   std::to_string(entry.good_length));
    }
    part = &file;
    part_length = kept.back().good_length;
    if (part_length > file.header.size) return Part{entry.number, part_length};
  }
  return std::nullopt;
}

void LogRecovery::add_segment(Bytes bytes) {
  const File& file = *std::exchange(state_->part, nullptr);
  if (bytes.size() < state_->part_length) {
    state_->add_damage(file.facts.number, "has become shorter while it was read");
  }
  if (state_->last != nullptr) {
    state_->add_older(file, bytes);
  } else if (file.is_valid()) {
    state_->add_candidate(file, bytes);
  } else {
    state_->judge_bad_candidate(file, bytes);
  }
}

void LogRecovery::cannot_read(std::string_view reason) {
  const File& file = *std::exchange(state_->part, nullptr);
  if (state_->last == nullptr) {
    if (file.is_valid()) {
      state_->become_last(file);
    } else {
      state_->kept.push_back({file.facts.number, file.facts.size});
    }
  }
  state_->add_damage(file.facts.number, "cannot be read: " + std::string(reason));
  state_->epochs_in_doubt = true;
}

// A segment above all valid ones, without a valid header.
void LogRecovery::State::judge_bad_candidate(const File& file, Bytes bytes) {
  if (!log_segment_was_used(file.facts.number, bytes)) {
    unlinks.push_back(file.facts.number);
    return;
  }
  kept.push_back({file.facts.number, file.facts.size});
  add_damage(file.facts.number, "has a damaged header");
  epochs_in_doubt = true;
}

// The highest segment with a valid header is the last one, if the server has begun to use it.
void LogRecovery::State::add_candidate(const File& file, Bytes bytes) {
  const LogSegmentHeader& header = file.header.header;
  LogScan scan = scan_log_segment(file.header.seed, bytes, file.header.size);
  // A power loss leaves any part of the bytes written since the last sync, as does a failure of the
  // disk, or a snapshot of a running system: a valid record may follow bad bytes. The log ends
  // before them, so no message is there without its predecessors. In mode each, the records
  // after them were not answered.
  const bool may_be_torn = header.boot_id != boot_id || header.mode == HistorySync::kEach;
  const bool cut = scan.damaged && (header.failed || (may_be_torn && !scan.synced_bytes_are_bad));
  const std::size_t bad_at = scan.good_length;
  // A process that is killed leaves a short file. Zeros are bytes that the disk has failed to
  // store, and a client may have seen the lost message.
  const bool may_be_short = bytes.size() - bad_at < kLogRecordHeader;
  if (scan.has_bad_bytes && header.boot_id == boot_id && !may_be_short &&
      all_zero(bytes.subspan(bad_at))) {
    epochs_in_doubt = true;
  }
  if (cut) {
    bytes = bytes.first(bad_at);
    scan = scan_log_segment(file.header.seed, bytes, file.header.size);
  }
  if (scan.leading_rooms < header.declared && !scan.damaged) {
    unlinks.push_back(file.facts.number);
    return;
  }
  become_last(file);
  last_clean = scan.ended_cleanly;
  // A snapshot, or bytes that have changed.
  const bool unexplained = cut && header.boot_id == boot_id && !header.failed;
  if (scan.damaged || unexplained) {
    add_damage(file.facts.number, "is damaged at byte " + std::to_string(bad_at));
  }
  // If the server ended while it wrote, bad bytes are at the end: they are not damage.
  kept.back().good_length = scan.end;
  take(file, scan, bytes);
}

void LogRecovery::State::become_last(const File& file) {
  last = &file;
  kept.push_back({file.facts.number, file.facts.size});
  const LogSegmentHeader& header = file.header.header;
  older_left = header.older.size();
  std::uint64_t run = 0;
  const auto consider = [&](const File& other) {
    const LogSegmentHeader& of = other.header.header;
    if (!other.is_valid() || !of.new_epochs || of.run < run) return;
    new_epochs_from = of.run == run ? std::min(new_epochs_from, of.number) : of.number;
    run = of.run;
  };
  consider(file);
  for (const LogSegmentEntry& entry : header.older) {
    const auto at = files.find(entry.number);
    if (at != files.end()) consider(at->second);
  }
  // A segment whose header is damaged may be of that run, too.
  std::uint64_t earlier = 0;
  for (const LogSegmentEntry& entry : header.older) {
    const auto at = files.find(entry.number);
    if (at == files.end() || !at->second.is_valid()) continue;
    if (at->second.header.header.run < run) earlier = entry.number;
  }
  new_epochs_from = std::min(new_epochs_from, earlier + 1);
  for (const auto& [number, other] : files) {
    if (number >= header.number) break;
    const auto at = std::lower_bound(
        header.older.begin(), header.older.end(), number,
        [](const LogSegmentEntry& entry, std::uint64_t wanted) { return entry.number < wanted; });
    if (at == header.older.end() || at->number != number) unlinks.push_back(number);
  }
}

void LogRecovery::State::add_older(const File& file, Bytes bytes) {
  const LogScan scan = scan_log_segment(file.header.seed, bytes, file.header.size);
  if (scan.has_bad_bytes) {
    add_damage(file.facts.number, "is damaged at byte " + std::to_string(scan.good_length));
  }
  take(file, scan, bytes);
}

void LogRecovery::State::take(const File& file, const LogScan& scan, Bytes bytes) {
  records += scan.records;
  for (const std::uint64_t number : scan.dropped) {
    if (number < file.facts.number) dropped.insert(number);
  }
  // Rooms that were not declared when all rooms got new epochs are dead. After damage, the
  // declaration may be lost, and the room is alive.
  const bool only_known = file.facts.number < new_epochs_from && !epochs_in_doubt;
  if (!rooms.add(scan, bytes, only_known) && !scan.has_bad_bytes) {
    add_damage(file.facts.number, "has records that belong to no room");
  }
}

// Whether every position that a client may have seen is in the log. A copy of the directory, or one
// that was restored, may lack the latest positions; its files have other inodes or birth times.
bool LogRecovery::State::epochs_go_on() const {
  if (epochs_in_doubt) return false;
  if (last == nullptr) return true;
  const LogSegmentHeader& header = last->header.header;
  const bool is_itself =
      header.inode == last->facts.inode && header.birth_ns == last->facts.birth_ns;
  if (!is_itself || header.failed || header.unkept) return false;
  return last_clean || header.boot_id == boot_id || header.mode == HistorySync::kEach;
}

RecoveredLog LogRecovery::finish() {
  State& state = *state_;
  RecoveredLog log;
  std::vector<std::string> rooms_damage;
  if (!state.rooms.finish(log.rooms, rooms_damage)) state.epochs_in_doubt = true;
  log.epochs_go_on = state.epochs_go_on();
  log.damage = std::move(state.damage);
  const std::size_t said = std::min(rooms_damage.size(), kMostRoomSentences);
  std::move(rooms_damage.begin(), rooms_damage.begin() + static_cast<std::ptrdiff_t>(said),
            std::back_inserter(log.damage));
  if (said < rooms_damage.size()) {
    log.damage.push_back(std::to_string(rooms_damage.size() - said) +
                         " more rooms have missing messages");
  }
  std::sort(state.kept.begin(), state.kept.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  for (const std::uint64_t number : state.dropped) {
    if (state.files.contains(number)) state.unlinks.push_back(number);
  }
  std::sort(state.unlinks.begin(), state.unlinks.end());
  state.unlinks.erase(std::unique(state.unlinks.begin(), state.unlinks.end()), state.unlinks.end());
  for (const LogSegmentEntry& entry : state.kept) log.bytes += entry.good_length;
  log.records = state.records;
  if (!state.files.empty()) log.next_segment = std::prev(state.files.end())->first + 1;
  if (state.last != nullptr) {
    const LogSegmentHeader& header = state.last->header.header;
    // A segment that was never used, or one with a damaged header, may be of a later run.
    const auto later = static_cast<std::uint64_t>(
        std::distance(state.files.upper_bound(header.number), state.files.end()));
    log.run = header.run + 1 + later;
    log.first_epoch = header.first_epoch + (1 + later) * kLogEpochsPerRun;
  }
  return log;
}

const std::vector<LogSegmentEntry>& LogRecovery::kept() const noexcept { return state_->kept; }

const std::vector<std::uint64_t>& LogRecovery::unlinks() const noexcept { return state_->unlinks; }

}  // namespace wsd::engine
