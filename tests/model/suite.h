// The scenarios for a mailbox, a gate, both together and a reference count. The headers of src/ and
// their mutants run the same ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/explorer.h"
#include "model/flow_gate_scenario.h"
#include "model/mailbox_scenario.h"
#include "model/reference_count_scenario.h"
#include "model/shard_scenario.h"

namespace wsd::model {

struct NamedScenario {
  std::string name;
  unsigned spurious = 0;
  MakeScenario make;
};
using Suite = std::vector<NamedScenario>;

template <class Subject, class Settings>
[[nodiscard]] NamedScenario named(std::string name, const Settings& settings) {
  return {std::move(name), settings.spurious, making<Subject>(settings)};
}

template <template <class, template <class> class> class Box>
[[nodiscard]] Suite mailbox_suite() {
  using Subject = MailboxScenario<Box>;
  Suite suite;
  MailboxSettings settings;
  settings.pushes = 1;
  settings.spurious = 0;
  settings.producers = 1;
  suite.push_back(named<Subject>("1 producer, 1 push", settings));
  settings.producers = 2;
  suite.push_back(named<Subject>("2 producers, 1 push each", settings));
  settings = {};
  suite.push_back(named<Subject>("2 producers, 2 pushes each", settings));
  settings.arms_twice = true;
  suite.push_back(named<Subject>("2 producers, 2 pushes each, armed twice", settings));
  settings.arms_twice = false;
  settings.other_wakes = 1;
  suite.push_back(named<Subject>("2 producers, 2 pushes each, one wake from elsewhere", settings));
  settings.other_wakes = 0;
  settings.pushes = 3;
  settings.spurious = 2;
  suite.push_back(named<Subject>("2 producers, 3 pushes each", settings));
  settings.producers = 3;
  settings.pushes = 1;
  settings.other_wakes = 1;
  suite.push_back(named<Subject>("3 producers, 1 push each, one wake from elsewhere", settings));
  return suite;
}

template <template <template <class> class> class Gate>
[[nodiscard]] Suite flow_gate_suite() {
  using Subject = FlowGateScenario<Gate>;
  Suite suite;
  FlowGateSettings settings;
  suite.push_back(named<Subject>("bound 1: 2 reactors enter twice each", settings));
  settings.first_asks = true;
  suite.push_back(named<Subject>("bound 1: one reactor enters twice, one asks twice", settings));
  settings.enters = 1;
  settings.feeders = 3;
  suite.push_back(named<Subject>("bound 1: 2 reactors enter, one asks", settings));
  settings.feeders = 1;
  settings.enters = 2;
  settings.strangers = 1;
  settings.items = 2;
  suite.push_back(named<Subject>("bound 1: a reactor asks twice, a stranger enters 2", settings));
  settings.strangers = 2;
  settings.bound = 3;
  suite.push_back(named<Subject>("bound 3: a reactor asks twice, 2 strangers enter 2", settings));
  settings = {};
  settings.bound = 2;
  suite.push_back(named<Subject>("bound 2: 2 reactors enter twice each", settings));
  settings = {};
  settings.feeders = 0;
  settings.strangers = 3;
  suite.push_back(named<Subject>("bound 1: 3 strangers", settings));
  settings.items = 2;
  settings.bound = 2;
  suite.push_back(named<Subject>("bound 2: 3 strangers with 2 items", settings));
  settings.feeders = 1;
  settings.strangers = 2;
  settings.items = 1;
  settings.bound = 1;
  suite.push_back(named<Subject>("bound 1: a reactor enters twice, 2 strangers", settings));
  return suite;
}

template <template <class, template <class> class> class Box,
          template <template <class> class> class Gate>
[[nodiscard]] Suite shard_suite() {
  using Subject = ShardScenario<Box, Gate>;
  Suite suite;
  ShardSettings settings;
  settings.publishes = {1, 1};
  suite.push_back(named<Subject>("bound 1: 2 reactors publish once each", settings));
  settings.publishes = {2, 1};
  suite.push_back(named<Subject>("bound 1: 2 reactors publish, 2 and 1", settings));
  settings.bound = 0;
  settings.publishes = {1, 1};
  suite.push_back(named<Subject>("bound 0: 2 reactors publish once each", settings));
  return suite;
}

template <template <template <class> class> class Count>
[[nodiscard]] Suite reference_count_suite() {
  using Subject = ReferenceCountScenario<Count>;
  Suite suite;
  ReferenceCountSettings settings;
  suite.push_back(named<Subject>("3 holders", settings));
  settings.copies = true;
  suite.push_back(named<Subject>("3 holders that copy", settings));
  settings.holders = 4;
  settings.copies = false;
  suite.push_back(named<Subject>("4 holders", settings));
  return suite;
}

}  // namespace wsd::model
