#include "conformance/autobahn_index.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "conformance/catalogue.h"

namespace wsconform {

namespace {

// An index has only objects of objects. Its leaves are strings, numbers and names. The members keep
// their order and their repetitions, because a repeated case is an error to report.
struct Value {
  std::vector<std::pair<std::string, Value>> members = {};
  std::string leaf = {};
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Value> whole() {
    auto value = this->value(0);
    skip_space();
    if (!at_.has_value() || *at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  static constexpr int kDepth = 8;

  void skip_space() {
    while (at_ && *at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[*at_]) != std::string_view::npos) {
      ++*at_;
    }
  }
  bool take(char c) {
    skip_space();
    if (!at_ || *at_ >= text_.size() || text_[*at_] != c) return false;
    ++*at_;
    return true;
  }
  Value fail() {
    at_.reset();
    return {};
  }
  std::string string() {
    std::string out;
    if (!take('"')) at_.reset();
    while (at_ && *at_ < text_.size() && text_[*at_] != '"') {
      if (text_[*at_] == '\\') ++*at_;
      if (*at_ < text_.size()) out.push_back(text_[(*at_)++]);
    }
    if (!take('"')) at_.reset();
    return out;
  }
  Value value(int depth) {
    if (depth > kDepth) return fail();
    skip_space();
    if (!at_ || *at_ >= text_.size()) return fail();
    if (text_[*at_] == '{') return object(depth);
    if (text_[*at_] == '"') return {.leaf = string()};
    const std::size_t end = std::min(text_.find_first_of(",}\n", *at_), text_.size());
    Value leaf{.leaf = std::string(text_.substr(*at_, end - *at_))};
    at_ = end;
    return leaf;
  }
  Value object(int depth) {
    Value out;
    take('{');
    if (take('}')) return out;
    do {
      std::string name = string();
      if (!take(':')) return fail();
      Value member = value(depth + 1);
      if (!at_) return out;
      out.members.emplace_back(std::move(name), std::move(member));
    } while (take(','));
    return take('}') ? out : fail();
  }

  std::string_view text_;
  std::optional<std::size_t> at_ = 0;
};

std::string leaf(const Value& value, std::string_view name) {
  for (const auto& [member, inner] : value.members) {
    if (member == name) return inner.leaf;
  }
  return {};
}

// A verdict with a name that this program does not know counts as FAILED.
Result result_of(const CaseId& id, const Value& value) {
  Result result{.id = id};
  const std::string behavior = leaf(value, "behavior");
  for (const Behavior b :
       {Behavior::ok, Behavior::non_strict, Behavior::informational, Behavior::unimplemented}) {
    if (behavior == name_of(b)) result.verdict.behavior = b;
  }
  const std::string close = leaf(value, "behaviorClose");
  for (const CloseBehavior b :
       {CloseBehavior::ok, CloseBehavior::wrong_code, CloseBehavior::unclean,
        CloseBehavior::failed_by_client, CloseBehavior::informational}) {
    if (close == name_of(b)) result.verdict.close = b;
  }
  int milliseconds = 0;
  const std::string duration = leaf(value, "duration");
  std::from_chars(duration.data(), duration.data() + duration.size(), milliseconds);
  result.seconds = milliseconds / 1000.0;
  return result;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

// Names each missing case. Cases that follow each other in the catalogue become "9.1.1 to 9.8.6".
std::string described_missing(const std::vector<CaseId>& all, const std::set<CaseId>& found) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && !found.contains(all[end])) ++end;
    if (end > i) {
      runs.push_back(all[i].str() + (end - i > 1 ? " to " + all[end - 1].str() : ""));
    }
    i = end + 1;
  }
  return joined(runs);
}

AgentResults agent_results(const std::string& agent, const Value& cases) {
  std::vector<CaseId> all;
  for (const Case& test : catalogue()) all.push_back(test.id);
  AgentResults out{.agent = agent, .results = {}, .problems = {}};
  std::set<CaseId> found;
  std::vector<std::string> repeated;
  std::vector<std::string> unknown;
  for (const auto& member : cases.members) {
    const std::string& name = member.first;
    const auto id = std::find_if(all.begin(), all.end(),
                                 [&](const CaseId& known) { return known.str() == name; });
    if (id == all.end()) {
      unknown.push_back(name);
    } else if (!found.insert(*id).second) {
      repeated.push_back(name);
    } else {
      out.results.push_back(result_of(*id, member.second));
    }
  }
  std::sort(out.results.begin(), out.results.end(),
            [](const Result& a, const Result& b) { return a.id < b.id; });
  if (found.size() < all.size()) {
    out.problems.push_back(std::to_string(all.size() - found.size()) + " of " +
                           std::to_string(all.size()) +
                           " cases are missing: " + described_missing(all, found));
  }
  if (!repeated.empty()) out.problems.push_back("cases appear twice: " + joined(repeated));
  if (!unknown.empty()) {
    out.problems.push_back("cases are not in the catalogue: " + joined(unknown));
  }
  return out;
}

}  // namespace

std::optional<std::vector<AgentResults>> parse_autobahn_index(std::string_view text) {
  const auto index = Reader(text).whole();
  if (!index || index->members.empty()) return std::nullopt;
  std::vector<AgentResults> agents;
  for (const auto& [agent, cases] : index->members) agents.push_back(agent_results(agent, cases));
  return agents;
}

}  // namespace wsconform
