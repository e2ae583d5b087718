// The load that the tests of the engine use, on one node without an engine.

#include "support/engine_load.h"

#include <gtest/gtest.h>

#include <string>

namespace e2e {
namespace {

TEST(EngineLoadItself, OneNodeWithoutEngine_IsExact) {
  const AdminServer node({});
  EngineLoad load({&node}, {});
  EXPECT_TRUE(load.delivers(500));
  const std::string summary = load.finish({});
  EXPECT_NE(summary.find(" messages"), std::string::npos) << summary;
}

}  // namespace
}  // namespace e2e
