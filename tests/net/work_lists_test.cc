#include "net/work_lists.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <vector>

namespace wsd::net {
namespace {

// The lists never read a connection.
Connection* connection(std::uintptr_t number) { return std::bit_cast<Connection*>(number * 16); }

TEST(WorkLists, Shrink_KeepsTheEntriesAndFreesTheSpace) {
  WorkLists lists;
  lists.make_room(10'000);
  for (std::uintptr_t i = 1; i <= 3; ++i) WorkLists::list(lists.paused, *connection(i));
  lists.shrink(5);
  EXPECT_EQ(lists.paused, (WorkLists::List{connection(1), connection(2), connection(3)}));
  for (const WorkLists::List* each : {&lists.ready, &lists.dirty, &lists.ended, &lists.paused}) {
    EXPECT_LE(each->capacity(), 1'000U);
    EXPECT_GE(each->capacity(), 5U);
  }
}

TEST(WorkLists, Shrink_KeepsSpaceForEveryConnection) {
  WorkLists lists;
  lists.make_room(10'000);
  lists.shrink(1'000);
  EXPECT_GE(lists.ready.capacity(), 1'000U);
  lists.make_room(1'001);
  EXPECT_GE(lists.ready.capacity(), 1'001U);
}

TEST(WorkLists, Shrink_LeavesAFittingListAlone) {
  WorkLists lists;
  lists.make_room(1'000);
  const std::size_t before = lists.ready.capacity();
  lists.shrink(900);
  EXPECT_EQ(lists.ready.capacity(), before);
}

}  // namespace
}  // namespace wsd::net
