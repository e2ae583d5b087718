// Judges a server by its answers to the handshake of a link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis_link.h"
#include "engine/resp_reader.h"

namespace wsd::engine {

// Returns the value of "NAME:VALUE" in a reply to INFO, or an empty text.
[[nodiscard]] std::string_view info_field(std::string_view info, std::string_view name) noexcept;

// Returns the first word of an error, like "NOPERM".
[[nodiscard]] std::string_view error_code(std::string_view text) noexcept;

// Returns whether this error says that the server is of no use now, whatever the request was. In a
// cluster, CLUSTERDOWN may be about one slot only.
[[nodiscard]] bool ends_link(std::string_view error, bool cluster) noexcept;

// Returns whether this error of a node of a cluster says that it does not serve the slot now, so
// that it has not run the command.
[[nodiscard]] bool is_about_slot(std::string_view error) noexcept;

// Appends the first command of a connection, which also authenticates. Throws std::bad_alloc if
// memory runs out; then `out` is as before.
void append_hello(std::string& out, const LinkSettings& settings);

// Returns a text of the server so that it may be logged: at most 200 bytes, without control
// characters, and with asterisks for `password`.
[[nodiscard]] std::string printable(std::string_view text, std::string_view password);

// Returns the longest text of a batch that a link takes. A node with a greater limit may have
// published it, or this node before its limit was lowered.
[[nodiscard]] std::size_t most_text_bytes(const LinkSettings& settings) noexcept;

// Collects the findings of a handshake. All methods take a reply and return whether the link may go
// on. If they return false, down() says why. They throw std::bad_alloc if memory runs out.
class RedisHandshake {
 public:
  RedisHandshake(const LinkSettings& settings, const FormerLink& former)
      : settings_(settings), former_(former) {
    up_.most_text_bytes = most_text_bytes(settings);
  }

  [[nodiscard]] bool hello(RespValue reply);                       // HELLO 3
  [[nodiscard]] bool replication(RespValue reply);                 // INFO replication
  [[nodiscard]] bool memory(RespValue reply);                      // INFO memory
  [[nodiscard]] bool time(RespValue reply, std::uint64_t now_ms);  // TIME
  [[nodiscard]] bool buffer_limits(RespValue reply);               // CONFIG GET
  [[nodiscard]] bool script(RespValue reply, std::string& sha);    // SCRIPT LOAD
  [[nodiscard]] bool killed(RespValue reply);  // CLIENT KILL ID, for each of ids_to_kill()
  [[nodiscard]] bool probed(RespValue reply);  // the script kProbe
  // CLUSTER INFO: this node must reach the majority of the masters, also at each heartbeat.
  [[nodiscard]] bool cluster_state(RespValue reply);
  // CLUSTER NODES. `choice` chooses one of the slots that this node serves; `asked` is its address.
  [[nodiscard]] bool cluster_nodes(RespValue reply, const Endpoint& asked, std::uint64_t choice);
  // A later reply to INFO replication: the server must be the same one, and a master.
  [[nodiscard]] bool beat(RespValue reply);
  // Records an error as the end of the link. `command` is the command with this reply.
  [[nodiscard]] bool refused(std::string_view command, RespValue reply);

  // After replication(). Returns the former connections to this server, or an id that no connection
  // has, because the call also proves the right to make it.
  [[nodiscard]] std::vector<std::uint64_t> ids_to_kill() const;
  // After cluster_nodes(): the slot that was chosen.
  [[nodiscard]] std::uint16_t slot() const noexcept { return slot_; }
  [[nodiscard]] const LinkUp& up() const noexcept { return up_; }
  [[nodiscard]] const LinkDown& down() const noexcept { return down_; }

 private:
  [[nodiscard]] bool fail(std::string why, bool for_good);
  [[nodiscard]] bool hello_refused(RespValue reply);

  const LinkSettings& settings_;
  const FormerLink former_;
  LinkUp up_;
  LinkDown down_;
  std::uint16_t slot_ = 0;
};

}  // namespace wsd::engine
