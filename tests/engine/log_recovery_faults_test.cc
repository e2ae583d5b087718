// Recovery of logs that were cut, or in which a bit was flipped. It may lose messages, but never
// gives a message that was not written, and never lets a position name two messages.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "engine/log_history.h"
#include "engine/log_rig.h"

namespace wsd::engine {
namespace {

std::size_t times(std::size_t count) {
  return std::getenv("WSD_TEST_SANITIZED") != nullptr ? count / 10 : count;
}

bool was_seen(const LogHistory::Seen& seen, std::uint64_t last_segment, std::size_t cut) {
  return seen.segment != last_segment || seen.end <= cut;
}

// Checks what a recovery has found against what clients have seen. What lies beyond `cut` of the
// last segment was written, but nobody has seen it.
void check(const Recovered& found, const LogHistory& history, std::size_t cut = ~std::size_t{0}) {
  for (const RecoveredRoom& room : found.log.rooms) {
    for (const RecoveredMessage& message : room.messages) {
      if (!message.frame) continue;
      const std::string frame(as_text(message.frame.bytes()));
      ASSERT_TRUE(history.was_written(room.name, message.seq, frame)) << frame;
      const auto at = history.seen().find({room.name, room.last.epoch, message.seq});
      if (found.log.epochs_go_on && at != history.seen().end() &&
          was_seen(at->second, history.last_segment(), cut)) {
        ASSERT_EQ(at->second.frame, frame);
      }
    }
    if (!room.messages.empty()) {
      ASSERT_EQ(room.messages.back().seq, room.last.seq);
    }
  }
  for (const auto& [place, seen] : history.seen()) {
    if (!was_seen(seen, history.last_segment(), cut)) continue;
    const auto& [name, epoch, seq] = place;
    if (found.log.first_epoch != 0) {
      // An epoch of the new run names no old message.
      ASSERT_GT(found.log.first_epoch, epoch);
    } else {
      ASSERT_TRUE(found.log.rooms.empty());
    }
    const RecoveredRoom* const room = found.room(name);
    if (!found.log.epochs_go_on || room == nullptr) continue;
    // The room gives the positions after its last one next.
    ASSERT_FALSE(room->last.epoch == epoch && room->last.seq < seq)
        << name << " " << epoch << ":" << seq << " is given twice";
  }
}

TEST(LogRecoveryFaults, WholeLog_IsFoundExactly) {
  for (std::uint32_t seed = 0; seed < times(100); ++seed) {
    const LogHistory history(seed, 100 + seed * 10);
    const Recovered found = recover(history.files(), boot(1));
    SCOPED_TRACE(seed);
    ASSERT_TRUE(found.log.damage.empty()) << found.log.damage.front();
    ASSERT_TRUE(found.log.epochs_go_on);
    check(found, history);
    std::size_t rooms = 0;
    for (const auto& [name, messages] : history.expected()) {
      ASSERT_EQ(found.messages(name), messages) << name;
      ++rooms;
    }
    ASSERT_EQ(found.log.rooms.size(), rooms);
  }
}

// The bytes of the last segment without its header.
std::size_t records_size(const LogHistory& history) {
  const LogFile& last = history.files().all().at(history.last_segment());
  return last.size() - kLogHeaderFields - 16 * last.header().older.size();
}

TEST(LogRecoveryFaults, CutAtEachByteOfItsLast4KiB_LosesOnlyWhatNobodyHasSeen) {
  // The first history whose last segment has so many records.
  std::uint32_t seed = 0;
  while (records_size(LogHistory(seed, 600)) <= 4'096) ++seed;
  const LogHistory history(seed, 600);
  const std::uint64_t last = history.last_segment();
  const LogFile whole = history.files().all().at(last);
  LogFiles files = history.files();
  const std::size_t step = times(10) == 10 ? 1 : 10;
  for (std::size_t cut = whole.size(); cut + 4'096 > whole.size(); cut -= step) {
    files[last].cut(cut);
    const Recovered found = recover(files, boot(1));
    SCOPED_TRACE(cut);
    check(found, history, cut);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(found.log.epochs_go_on);
    ASSERT_TRUE(found.log.damage.empty()) << found.log.damage.front();
  }
}

TEST(LogRecoveryFaults, OneFlippedBit_GivesNoWrongMessageAndNoPositionTwice) {
  std::mt19937 random(1);
  constexpr std::size_t kHistories = 20;
  for (std::uint32_t seed = 0; seed < kHistories; ++seed) {
    const LogHistory history(seed, 300);
    LogFiles files = history.files();
    for (std::size_t i = 0; i < times(10'000 / kHistories); ++i) {
      auto at = files.all().begin();
      std::advance(at, random() % files.all().size());
      const std::uint64_t number = random() % 2 == 0 ? history.last_segment() : at->first;
      const std::size_t bit = random() % (files[number].size() * 8);
      files[number].flip(bit);
      const Recovered found = recover(files, boot(1));
      files[number].flip(bit);
      SCOPED_TRACE(testing::Message()
                   << "seed " << seed << ", segment " << number << ", bit " << bit);
      check(found, history);
      ASSERT_FALSE(HasFatalFailure());
    }
  }
}

}  // namespace
}  // namespace wsd::engine
