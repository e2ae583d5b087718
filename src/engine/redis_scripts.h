// The Lua scripts that run in Redis, and how to read their replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wsd::engine {

enum class Script : std::uint8_t { kPublish, kOpen, kPage, kProbe };
inline constexpr std::size_t kScripts = 4;

// Returns the source of a script. KEYS[1] is the room's key. EPOCH and SEQ are decimal numbers.
//
// publish  ARGV: EPOCH-*, batch text, [COUNT, otherwise 1, [the oldest id to keep, or an empty text
//          to trim nothing, [time to live in milliseconds]]].
//          Adds the batch, and publishes "ID TEXT" to the channel of the room, or "ID !COUNT" if
//          the text is longer than 64 KiB. Returns the id "EPOCH-SEQ" of the batch's first message.
//          Errors: "EPOCH ..." if the room has another epoch or no key. All others are as Redis
//          reports them. With an error, no message of the batch has a position.
// open     ARGV: EPOCH and SEQ of the latest position that this node has seen (0 0: none), time to
//          live in milliseconds, the first 20 bits of the replid as a decimal number.
//          Returns {EPOCH, SEQ of the latest message (a number), 1 if this call began the epoch
//          or else 0, seconds, microseconds, id}: seconds and microseconds are the server's TIME,
//          and the id is that of the oldest entry, or 0-0 if there is none.
//          Errors: "REPLID ..." if the server is not a master with these bits.
// page     ARGV: '+' (newest first, from an id down) or '-' (oldest first, from an id up); the id,
//          with '(' before it if it is not wanted itself; the most bytes of text; the most
//          entries; the most bytes of one text. The first entry may exceed the bytes of all texts.
//          Returns {id, text, id, text, ...} and at the end "end" if there are no more. "!COUNT"
//          stands for a text that is too long by itself.
// probe    Makes each call of the other scripts once, at a key that no room has. Returns the names
//          of the commands that the user may not run there, which is empty if all is well.
[[nodiscard]] std::string_view source_of(Script script) noexcept;

}  // namespace wsd::engine
