#include "engine/log_rooms.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/fake_member.h"

namespace wsd::engine {
namespace {

using hub::frame_of;
using Kind = LogEntry::Kind;

// What the shard is told.
class Sink final : public hub::RoomSink {
 public:
  void kept(hub::Ticket ticket) noexcept override {
    told.push_back("kept " + std::to_string(ticket));
  }
  void lost(hub::EngineTerm term) noexcept override {
    told.push_back("lost " + std::to_string(term));
  }

  std::vector<std::string> told;
};

class LogRoomsTest : public ::testing::Test {
 protected:
  [[nodiscard]] static LogBatch& batch_of(hub::Mail& mail) {
    return static_cast<LogBatch&>(*std::get<hub::ShardTaskMail>(mail.body).task);
  }
  void answer(std::size_t index, bool kept, hub::EngineTerm now) {
    LogBatch& batch = batch_of(*posted_[index]);
    batch.kept = kept;
    batch.now = now;
    batch.run();
  }
  [[nodiscard]] std::vector<Kind> kinds(std::size_t index) {
    std::vector<Kind> all;
    for (const LogEntry& each : batch_of(*posted_[index]).entries) all.push_back(each.kind);
    return all;
  }
  void publish(hub::RoomHome& home, const Position& position) {
    rooms_.publish(home, position, 1, 0, frame_of("x"));
  }

  hub::RoomConfig config_;
  hub::RoomHome a_{"a", 7, config_};
  hub::RoomHome b_{"b", 8, config_};
  Sink sink_;
  std::vector<std::unique_ptr<hub::Mail>> posted_;
  LogRooms rooms_{sink_, 3, false,
                  [this](std::unique_ptr<hub::Mail> mail) { posted_.push_back(std::move(mail)); }};
};

TEST_F(LogRoomsTest, TurnWithoutEntries_SendsNothing) {
  rooms_.end_turn();
  EXPECT_FALSE(rooms_.has_to_send());
  EXPECT_TRUE(posted_.empty());
}

TEST_F(LogRoomsTest, RoomIsNamedOnce_AndAgainInANewEpoch) {
  publish(a_, {7, 1});
  publish(a_, {7, 2});
  publish(b_, {8, 1});
  EXPECT_TRUE(rooms_.has_to_send());
  rooms_.end_turn();
  publish(a_, {7, 3});
  rooms_.end_turn();
  rooms_.publish(a_, {9, 4}, 1, 3, frame_of("x"));
  rooms_.end_turn();
  ASSERT_EQ(posted_.size(), 3U);
  EXPECT_EQ(kinds(0), (std::vector<Kind>{Kind::kRoom, Kind::kMessage, Kind::kMessage, Kind::kRoom,
                                         Kind::kMessage}));
  LogBatch& first = batch_of(*posted_[0]);
  EXPECT_EQ(first.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first.shard, 3U);
  EXPECT_EQ(first.last, 3U);
  EXPECT_EQ(first.entries[0].position, (Position{7, 0}));
  EXPECT_NE(first.entries[0].room, first.entries[3].room);
  EXPECT_EQ(kinds(1), (std::vector<Kind>{Kind::kMessage}));
  EXPECT_EQ(kinds(2), (std::vector<Kind>{Kind::kRoom, Kind::kMessage}));
  EXPECT_EQ(batch_of(*posted_[2]).entries[0].position, (Position{9, 3}));
  EXPECT_EQ(batch_of(*posted_[2]).entries[0].seq, 3U) << "from";
}

TEST_F(LogRoomsTest, NumberOfARoomThatHasEnded_IsGivenAgain) {
  publish(a_, {7, 1});
  const RoomNumber number = a_.engine_number;
  rooms_.close(a_);
  rooms_.close(a_);
  rooms_.close(b_);  // the log does not know it
  publish(b_, {8, 1});
  EXPECT_EQ(b_.engine_number, number);
  rooms_.end_turn();
  EXPECT_EQ(kinds(0), (std::vector<Kind>{Kind::kRoom, Kind::kMessage, Kind::kEnd, Kind::kRoom,
                                         Kind::kMessage}));
}

TEST_F(LogRoomsTest, AnswersAreToldInOrder) {
  for (std::uint64_t i = 1; i <= 2; ++i) {
    publish(a_, {7, i});
    rooms_.end_turn();
  }
  answer(0, true, 0);
  answer(1, true, 0);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"kept 1", "kept 2"}));
}

TEST_F(LogRoomsTest, Lost_IsToldOnceForAllThatWasHandedOver) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    publish(a_, {7, i});
    rooms_.end_turn();
  }
  publish(a_, {7, 4});  // of the current turn
  rooms_.close(b_);
  answer(0, false, 1);
  answer(1, false, 1);
  answer(2, false, 1);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"lost 1"}));
  rooms_.end_turn();
  EXPECT_EQ(kinds(3), (std::vector<Kind>{})) << "lost with the others";
  EXPECT_EQ(batch_of(*posted_[3]).term, 1U);
  EXPECT_TRUE(batch_of(*posted_[3]).names.empty());
}

TEST_F(LogRoomsTest, EachTermIsTold) {
  publish(a_, {7, 1});
  rooms_.end_turn();
  publish(a_, {7, 2});
  rooms_.end_turn();
  answer(0, false, 1);
  answer(1, false, 2);  // meanwhile the log keeps again
  publish(a_, {9, 3});
  rooms_.end_turn();
  EXPECT_EQ(batch_of(*posted_[2]).term, 2U);
  answer(2, true, 2);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"lost 1", "lost 2", "kept 3"}));
}

TEST_F(LogRoomsTest, StillFailing_IsToldForEachLaterBatch) {
  publish(a_, {7, 1});
  rooms_.end_turn();
  answer(0, false, 1);
  publish(a_, {9, 2});
  rooms_.end_turn();
  answer(1, false, 1);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"lost 1", "lost 1"}));
}

TEST_F(LogRoomsTest, RestoredRoom_IsKnownToTheLog) {
  a_.continue_after({7, 20});
  rooms_.add_restored(a_, 12, 15);
  const std::unique_ptr<LogBatch> restored = rooms_.take_restored();
  ASSERT_EQ(restored->entries.size(), 2U);
  EXPECT_EQ(restored->entries[0].kind, Kind::kRoom);
  EXPECT_EQ(restored->entries[0].position, (Position{7, 20}));
  EXPECT_EQ(restored->entries[0].seq, 12U);
  EXPECT_EQ(restored->entries[1].kind, Kind::kOldest);
  EXPECT_EQ(restored->entries[1].seq, 15U);
  EXPECT_FALSE(rooms_.has_to_send());
  publish(a_, {7, 21});
  rooms_.end_turn();
  EXPECT_EQ(kinds(0), (std::vector<Kind>{Kind::kMessage}));
}

TEST_F(LogRoomsTest, Removals) {
  publish(a_, {7, 1});
  rooms_.remove(a_, 1, false);
  EXPECT_EQ(rooms_.remove(a_, 1, true), 3U);
  rooms_.end_turn();
  EXPECT_EQ(kinds(0),
            (std::vector<Kind>{Kind::kRoom, Kind::kMessage, Kind::kRemoval, Kind::kRemovalAll}));
  EXPECT_EQ(batch_of(*posted_[0]).entries[2].position, (Position{7, 1}));
  EXPECT_EQ(batch_of(*posted_[0]).last, 3U);
}

TEST_F(LogRoomsTest, Resumed_NextBatchHasTheNewTerm) {
  publish(a_, {7, 1});
  rooms_.end_turn();
  answer(0, false, 1);
  rooms_.resumed(2);
  rooms_.resumed(2);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"lost 1", "lost 2"}));
  publish(a_, {9, 1});
  rooms_.end_turn();
  EXPECT_EQ(batch_of(*posted_[1]).term, 2U);
  answer(1, true, 2);
  EXPECT_EQ(sink_.told.back(), "kept 2");
}

// The log has refused a batch in its old term while the word of the new one was on its way.
TEST_F(LogRoomsTest, ResumedBeforeAnAnswerOfTheOldTerm_TheAnswerTellsNothing) {
  publish(a_, {7, 1});
  rooms_.end_turn();
  answer(0, false, 1);
  publish(a_, {8, 1});
  rooms_.end_turn();
  publish(a_, {8, 2});
  rooms_.resumed(2);
  rooms_.end_turn();
  answer(1, false, 2);
  EXPECT_EQ(sink_.told, (std::vector<std::string>{"lost 1", "lost 2"}));
  EXPECT_EQ(kinds(2), (std::vector<Kind>{})) << "lost with the others";
}

}  // namespace
}  // namespace wsd::engine
