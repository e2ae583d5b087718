#include "net/read_state.h"

#include <gtest/gtest.h>

namespace wsd::net {
namespace {

constexpr ReadState::Reason kReasons[] = {ReadState::kPaused, ReadState::kPublishBlocked,
                                          ReadState::kClosed, ReadState::kAwaitingResponse,
                                          ReadState::kPausedByApplication};

TEST(ReadState, NothingIsReadBeforeItIsAnnounced) {
  ReadState state;
  EXPECT_FALSE(state.should_read());
  EXPECT_FALSE(state.should_enqueue());
  state.on_event(false, false);
  EXPECT_FALSE(state.should_read());
  state.on_event(true, false);
  EXPECT_TRUE(state.should_read());
  EXPECT_TRUE(state.should_enqueue());
}

TEST(ReadState, ReadinessIsALatch) {
  ReadState state;
  state.on_event(true, false);
  state.on_event(false, false);  // a wake-up for writing only
  EXPECT_TRUE(state.should_read());
  state.on_drained();
  EXPECT_FALSE(state.should_read());
}

TEST(ReadState, AShortReadHasEmptiedTheSocketButForAnAnnouncedEnd) {
  ReadState state;
  state.on_event(true, false);
  state.short_read();
  EXPECT_FALSE(state.should_read());
  state.on_event(true, true);
  state.short_read();
  EXPECT_TRUE(state.should_read());
  state.on_drained();
  EXPECT_FALSE(state.should_read());
}

// All combinations: should_read() is true if there is readiness and no reason to pause. Being on
// the ready list changes only should_enqueue().
TEST(ReadState, EachReasonAloneStandsAgainstReading) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    ReadState state;
    const bool readable = (bits & 8) != 0;
    const bool listed = (bits & 16) != 0;
    if (readable) state.on_event(true, false);
    for (unsigned i = 0; i < 3; ++i) {
      if ((bits >> i & 1) != 0) state.set(kReasons[i]);
    }
    state.set_listed(listed);
    const bool wanted = readable && (bits & 7) == 0;
    EXPECT_EQ(state.should_read(), wanted) << bits;
    EXPECT_EQ(state.should_enqueue(), wanted && !listed) << bits;
    EXPECT_EQ(state.listed(), listed) << bits;
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(state.has(kReasons[i]), (bits >> i & 1) != 0) << bits;
      state.clear(kReasons[i]);
    }
    EXPECT_EQ(state.should_read(), readable) << bits;
  }
}

}  // namespace
}  // namespace wsd::net
