#include "daemon/rooms/history_query.h"

#include <gtest/gtest.h>

namespace wsd::daemon {
namespace {

void expect_since(std::string_view query, const Since& since) {
  const SinceQuery result = since_of_query(query);
  EXPECT_EQ(result.error, "") << query;
  EXPECT_EQ(result.since.kind, since.kind) << query;
  EXPECT_EQ(result.since.count, since.count) << query;
  EXPECT_EQ(result.since.position, since.position) << query;
}

TEST(SinceQuery, ParsesPositionAndCount) {
  expect_since("", {});
  expect_since("token=x&lastly=3&last_event=1", {});
  expect_since("last=5", Since::last(5));
  expect_since("a=b&last=0", Since::last(0));
  expect_since("last_event_id=12:3", Since::after({12, 3}));
  expect_since("last_event_id=12%3A3&x", Since::after({12, 3}));
  // Nchan's client adds last_event_id to a URL with last= when it reconnects.
  expect_since("last=5&last_event_id=12%3a3", Since::after({12, 3}));
  expect_since("last_event_id=18446744073709551615:18446744073709551615",
               Since::after({~std::uint64_t{0}, ~std::uint64_t{0}}));
}

TEST(SinceQuery, InvalidPositionOrNumber_IsRejected) {
  for (const char* query :
       {"last_event_id=", "last_event_id=abc", "last_event_id=1:", "last_event_id=:1",
        "last_event_id=-1:2", "last_event_id=18446744073709551616:1",
        "last_event_id=1:18446744073709551616", "last_event_id=1%3", "last_event_id=1%zz2",
        "last_event_id=1:2%00", "last_event_id=1:2&last_event_id=1:2", "last=", "last=-1", "last=x",
        "last=4294967296", "last=1&last=2", "last=1%"}) {
    EXPECT_NE(since_of_query(query).error, "") << query;
  }
}

}  // namespace
}  // namespace wsd::daemon
