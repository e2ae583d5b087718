// An operator's actions on the connections and rooms of a running server.
//
// The asking thread asks one reactor at a time, and each time for a small part of its connections.
// So an action on 100,000 connections never holds a reactor for longer than one part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/hub.h"
#include "wsd/close.h"
#include "wsd/position.h"
#include "wsd/stats.h"

namespace wsd::server {

// A reactor looks at this many connections for one question, and closes no more than this many.
inline constexpr std::size_t kSlotsPerQuestion = 1'024;
inline constexpr std::uint32_t kClosesPerQuestion = 128;

// Any thread but a reactor's of this hub, which would wait for itself. The comments in
// wsd/server.h give the results.
[[nodiscard]] ConnectionPage ask_page(const hub::Hub& hub, const ConnectionFilter& filter,
                                      std::uint64_t cursor, std::uint32_t limit);
[[nodiscard]] CloseResult ask_close_all(const hub::Hub& hub, const ConnectionFilter& filter,
                                        CloseCode code, std::string_view reason);
// `message` is std::nullopt for the whole history.
[[nodiscard]] std::optional<std::uint64_t> ask_remove(const hub::Hub& hub, std::string_view room,
                                                      const std::optional<Position>& message);

}  // namespace wsd::server
