#include "hub/close_requests.h"

#include <gtest/gtest.h>

namespace wsd::hub {
namespace {

TEST(CloseRequests, EachConnectionHasOneAtATime) {
  CloseRequests requests;
  EXPECT_TRUE(requests.add(1));
  EXPECT_FALSE(requests.add(1));
  EXPECT_TRUE(requests.add(2));
  requests.remove(1);
  EXPECT_TRUE(requests.add(1));
  requests.remove(3);  // none waits
}

}  // namespace
}  // namespace wsd::hub
