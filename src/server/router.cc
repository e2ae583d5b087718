#include "server/router.h"

#include <algorithm>

#include "protocol/syntax.h"
#include "wsd/check.h"

namespace wsd::server {
namespace {

constexpr std::string_view kCatchAllEnd = "...}";

// Returns whether a catch-all segment may match the part of a path from `first` on. Its value must
// not begin with a slash: an application that appends it to a directory would open an absolute
// path. is_plain_path() in request_target.cc has rejected dot segments.
bool begins_a_rest(std::string_view first) {
  if (first.empty()) return false;
  const int byte = protocol::percent_decoded(first);
  return byte != '/' && byte != '\\';
}

}  // namespace

std::string_view take_segment(std::string_view& path) noexcept {
  const std::string_view rest = path.substr(1);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  path = rest.substr(end);
  return rest.substr(0, end);
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) segments.push_back(take_segment(path));
  return segments;
}

SegmentKind segment_kind(std::string_view segment) {
  if (segment.size() <= 2 || !segment.starts_with('{') || !segment.ends_with('}')) {
    return SegmentKind::kLiteral;
  }
  return segment.ends_with(kCatchAllEnd) && segment.size() > kCatchAllEnd.size() + 1
             ? SegmentKind::kCatchAll
             : SegmentKind::kNamed;
}

std::optional<std::string_view> segment_name(std::string_view segment) {
  const SegmentKind kind = segment_kind(segment);
  if (kind == SegmentKind::kLiteral) return std::nullopt;
  const std::size_t end = kind == SegmentKind::kNamed ? 1 : kCatchAllEnd.size();
  return segment.substr(1, segment.size() - 1 - end);
}

std::optional<std::string> percent_decode(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; at += 3) {
    if (protocol::percent_decoded(text.substr(at)) < 0) return std::nullopt;
  }
  return decode_segment(text);
}

std::string decode_segment(std::string_view segment) {
  std::string out;
  out.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const int byte = protocol::percent_decoded(segment.substr(i));
    out += byte < 0 ? segment[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return out;
}

std::string Router::add(std::string_view pattern) {
  if (std::string error = check_route_pattern(pattern); !error.empty()) return error;
  Route route;
  for (const std::string_view text : segments_of(pattern)) {
    route.push_back({std::string(segment_name(text).value_or(text)), segment_kind(text)});
  }
  const auto same_shape = [](const Segment& a, const Segment& b) {
    return a.kind == b.kind && (a.kind != SegmentKind::kLiteral || a.text == b.text);
  };
  for (const Route& known : routes_) {
    if (!std::equal(known.begin(), known.end(), route.begin(), route.end(), same_shape)) continue;
    const std::string before = text_of(known);
    if (before == pattern) return '"' + before + "\" was added before; add each pattern once";
    return '"' + std::string(pattern) + "\" matches the same paths as \"" + before +
           "\", which was added before; use the same names for its segments";
  }
  routes_.push_back(std::move(route));
  return {};
}

std::string Router::text_of(const Route& route) {
  std::string text;
  for (const Segment& segment : route) {
    switch (segment.kind) {
      case SegmentKind::kLiteral:
        text.append("/" + segment.text);
        break;
      case SegmentKind::kNamed:
        text.append("/{" + segment.text + "}");
        break;
      case SegmentKind::kCatchAll:
        text.append("/{" + segment.text).append(kCatchAllEnd);
        break;
    }
  }
  return text;
}

std::optional<std::size_t> Router::find(std::string_view pattern) const {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (text_of(routes_[i]) == pattern) return i;
  }
  return std::nullopt;
}

bool Router::matches(const Route& route, std::string_view path) noexcept {
  for (const Segment& segment : route) {
    if (path.empty()) return false;
    if (segment.kind == SegmentKind::kCatchAll) return begins_a_rest(take_segment(path));
    if (segment.kind == SegmentKind::kNamed) {
      if (take_segment(path).empty()) return false;
      continue;
    }
    // Most routes differ from the path here, so the end of its segment is not searched for.
    path.remove_prefix(1);
    const std::string_view text = segment.text;
    if (!text.empty() && (path.empty() || path.front() != text.front())) return false;
    if (!path.starts_with(text)) return false;
    path.remove_prefix(segment.text.size());
    if (!path.empty() && path.front() != '/') return false;
  }
  return path.empty();
}

bool Router::precedes(const Route& a, const Route& b) noexcept {
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i].kind != b[i].kind) return a[i].kind < b[i].kind;
  }
  return false;
}

std::optional<RouteMatch> Router::match(std::string_view path) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!matches(route, path)) continue;
    if (best == nullptr || precedes(route, *best)) best = &route;
  }
  if (best == nullptr) return std::nullopt;
  RouteMatch found;
  found.route = static_cast<std::size_t>(best - routes_.data());
  for (const Segment& segment : *best) {
    const std::string_view rest = path.substr(1);
    const std::string_view text = take_segment(path);
    if (segment.kind == SegmentKind::kLiteral) continue;
    const bool all = segment.kind == SegmentKind::kCatchAll;
    found.params.emplace_back(segment.text, decode_segment(all ? rest : text));
  }
  return found;
}

}  // namespace wsd::server
