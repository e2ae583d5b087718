// Matches the path of a request with the patterns of the routes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wsd::server {

// Values of a pattern's "{name}" and "{name...}" segments, percent-decoded (RFC 3986 §2.1).
using PathParams = std::vector<std::pair<std::string_view, std::string>>;

struct RouteMatch {
  std::size_t route = 0;
  PathParams params;
};

// The kinds of segments of a pattern, the strongest first.
enum class SegmentKind : std::uint8_t {
  kLiteral,
  kNamed,     // "{name}": one segment
  kCatchAll,  // "{name...}": the rest of the path
};

// A list of patterns such as "/rooms/{room}", numbered in the order in which they were added.
// Constant while the server runs. Any thread may then call the const functions.
class Router {
 public:
  // Adds a pattern and returns an empty string, or returns an error clause: check_route_pattern()
  // does not accept it, or it equals a known pattern except for the names.
  [[nodiscard]] std::string add(std::string_view pattern);
  // Returns the number of the route that was added with exactly this pattern.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view pattern) const;
  // Returns the route for `path`, which is as received. A named segment matches any segment that is
  // not empty. A catch-all segment matches the rest of the path, if that is not empty and does not
  // begin with a slash or a backslash, encoded or not. If several routes match, the first segment
  // in which they differ decides: a literal segment wins over a named one, and a named one over a
  // catch-all.
  [[nodiscard]] std::optional<RouteMatch> match(std::string_view path) const;
  [[nodiscard]] std::size_t size() const noexcept { return routes_.size(); }
  // Returns the pattern of a route.
  [[nodiscard]] std::string pattern(std::size_t route) const { return text_of(routes_[route]); }

 private:
  struct Segment {
    std::string text;  // the literal, or the name
    SegmentKind kind = SegmentKind::kLiteral;
  };
  using Route = std::vector<Segment>;

  [[nodiscard]] static std::string text_of(const Route& route);
  [[nodiscard]] static bool matches(const Route& route, std::string_view path) noexcept;
  // Returns whether `a` wins over `b` for a path that both match.
  [[nodiscard]] static bool precedes(const Route& a, const Route& b) noexcept;

  std::vector<Route> routes_;
};

// Removes the first segment from a path that is not empty, and returns it without the slash before
// it.
[[nodiscard]] std::string_view take_segment(std::string_view& path) noexcept;
// Returns the segments of a path, each without the slash before it.
[[nodiscard]] std::vector<std::string_view> segments_of(std::string_view path);
// Returns the name in a segment "{name}" or "{name...}" of a pattern, or std::nullopt for a literal
// segment.
[[nodiscard]] std::optional<std::string_view> segment_name(std::string_view segment);
[[nodiscard]] SegmentKind segment_kind(std::string_view segment);

// Implement the functions of the same names in wsd/check.h.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string decode_segment(std::string_view segment);

}  // namespace wsd::server
