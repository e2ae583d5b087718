// The queries of an operator's actions: which connections, and how to close them.
#pragma once

#include <wsd/close.h>
#include <wsd/stats.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wsd::daemon {

// A parsed query.
struct ActionQuery {
  ConnectionFilter filter;                       // user=, room=
  std::uint64_t after = 0;                       // after=CURSOR
  std::uint32_t limit = 100;                     // limit=N
  CloseCode code = CloseCode::kPolicyViolation;  // code=N
  std::string reason = "closed by operator";     // reason=TEXT
  std::string error;                             // a sentence; empty if there is none
};
// Parses the text after "?", whose parameters may be those of `allowed`, each at most once. Values
// are percent-encoded.
[[nodiscard]] ActionQuery parse_action_query(std::string_view query,
                                             const std::vector<std::string_view>& allowed);

// Returns whether the query of /connections asks for a page of a complete list.
[[nodiscard]] bool asks_for_page(std::string_view query);

}  // namespace wsd::daemon
