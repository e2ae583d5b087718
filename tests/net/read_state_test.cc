#include "net/read_state.h"

#include <gtest/gtest.h>

namespace wsd::net {
namespace {

constexpr ReadState::Reason kReasons[] = {ReadState::kPaused, ReadState::kHeld, ReadState::kOver};

TEST(ReadState, NothingIsReadBeforeItIsAnnounced) {
  ReadState state;
  EXPECT_FALSE(state.wanted());
  EXPECT_FALSE(state.to_be_listed());
  state.announce(false, false);
  EXPECT_FALSE(state.wanted());
  state.announce(true, false);
  EXPECT_TRUE(state.wanted());
  EXPECT_TRUE(state.to_be_listed());
}

TEST(ReadState, ReadinessIsALatch) {
  ReadState state;
  state.announce(true, false);
  state.announce(false, false);  // a wake-up for writing alone
  EXPECT_TRUE(state.wanted());
  state.empty();
  EXPECT_FALSE(state.wanted());
}

TEST(ReadState, AShortReadHasEmptiedTheSocketButForAnAnnouncedEnd) {
  ReadState state;
  state.announce(true, false);
  state.short_read();
  EXPECT_FALSE(state.wanted());
  state.announce(true, true);
  state.short_read();
  EXPECT_TRUE(state.wanted());
  state.empty();
  EXPECT_FALSE(state.wanted());
}

// All combinations: reading is wanted exactly when there is readiness and no reason against it, and
// being on the list changes nothing but whether it is to be put there.
TEST(ReadState, EachReasonAloneStandsAgainstReading) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    ReadState state;
    const bool readable = (bits & 8) != 0;
    const bool listed = (bits & 16) != 0;
    if (readable) state.announce(true, false);
    for (unsigned i = 0; i < 3; ++i) {
      if ((bits >> i & 1) != 0) state.set(kReasons[i]);
    }
    state.set_listed(listed);
    const bool wanted = readable && (bits & 7) == 0;
    EXPECT_EQ(state.wanted(), wanted) << bits;
    EXPECT_EQ(state.to_be_listed(), wanted && !listed) << bits;
    EXPECT_EQ(state.listed(), listed) << bits;
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(state.has(kReasons[i]), (bits >> i & 1) != 0) << bits;
      state.clear(kReasons[i]);
    }
    EXPECT_EQ(state.wanted(), readable) << bits;
  }
}

}  // namespace
}  // namespace wsd::net
