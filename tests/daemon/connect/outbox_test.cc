#include "daemon/connect/outbox.h"

#include <gtest/gtest.h>

#include <string>

namespace wsd::daemon {
namespace {

using Kind = Outgoing::Kind;

TEST(Outbox, NextBatch_WaitsUntilTheLastOneHasDrained) {
  Outbox outbox;
  EXPECT_TRUE(outbox.take().empty());
  outbox.add({Kind::kText, "one"});
  outbox.add({Kind::kBinary, "two"});
  EXPECT_EQ(outbox.bytes(), 2 * sizeof(Outgoing) + 6);
  const auto batch = outbox.take();
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_EQ(batch[0].payload, "one");
  EXPECT_EQ(batch[1].kind, Kind::kBinary);
  EXPECT_EQ(outbox.bytes(), 0U);
  outbox.add({Kind::kBinary, "three"});
  EXPECT_TRUE(outbox.take().empty());
  EXPECT_FALSE(outbox.empty());
  outbox.drained();
  EXPECT_EQ(outbox.take().size(), 1U);
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, APing_BeginsABatch) {
  Outbox outbox;
  outbox.add({Kind::kText, "one"});
  outbox.add({Kind::kPing, ""});
  outbox.add({Kind::kText, "two"});
  EXPECT_EQ(outbox.take().size(), 1U);
  outbox.drained();
  EXPECT_EQ(outbox.take().size(), 2U);
}

TEST(Outbox, ABatch_HasALimitOfMessagesAndOfBytes) {
  Outbox outbox;
  for (std::size_t i = 0; i <= Outbox::kBatchMessages; ++i) outbox.add({});
  EXPECT_EQ(outbox.take().size(), Outbox::kBatchMessages);
  outbox.drained();
  EXPECT_EQ(outbox.take().size(), 1U);
  outbox.drained();
  for (int i = 0; i < 3; ++i)
    outbox.add({Kind::kBinary, std::string(Outbox::kBatchBytes / 2, 'x')});
  EXPECT_EQ(outbox.take().size(), 2U);
  EXPECT_EQ(outbox.bytes(), sizeof(Outgoing) + Outbox::kBatchBytes / 2);
}

TEST(Outbox, EmptyMessages_Count) {
  Outbox outbox;
  for (int i = 0; i < 1'000; ++i) outbox.add({});
  EXPECT_GE(outbox.bytes(), 1'000 * sizeof(Outgoing));
}

TEST(Outbox, Clear_LeavesNothingToSend) {
  Outbox outbox;
  outbox.add({Kind::kText, "one"});
  outbox.clear();
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.bytes(), 0U);
  EXPECT_TRUE(outbox.take().empty());
}

}  // namespace
}  // namespace wsd::daemon
