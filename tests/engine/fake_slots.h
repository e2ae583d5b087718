// A cluster as one of its nodes sees it: which keys the node serves, and what it says about the
// others.
#pragma once

#include <cstdint>

#include "engine/fake_reply.h"

namespace wsd::engine {

class FakeSlots {
 public:
  // Returns the error that the node answers instead of a command with a key or a channel in this
  // slot: MOVED, ASK or CLUSTERDOWN. Returns no reply if the node executes the command. `has_key`:
  // the node has the key. `asking`: the command before was ASKING.
  [[nodiscard]] virtual FakeReply redirect(std::uint16_t slot, bool is_channel, bool has_key,
                                           bool asking) const = 0;
  // The replies of CLUSTER NODES, CLUSTER INFO and CLUSTER MYID.
  [[nodiscard]] virtual FakeReply nodes() const = 0;
  [[nodiscard]] virtual FakeReply info() const = 0;
  [[nodiscard]] virtual FakeReply id() const = 0;

 protected:
  ~FakeSlots() = default;
};

}  // namespace wsd::engine
