// The course of a case and the verdict on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conformance/case.h"

namespace wsconform {

enum class Behavior { ok, non_strict, failed, informational, unimplemented };
enum class CloseBehavior { ok, failed, wrong_code, unclean, failed_by_client, informational };

[[nodiscard]] const char* name_of(Behavior behavior);
[[nodiscard]] const char* name_of(CloseBehavior behavior);

// The events on a connection, as the suite saw them.
struct Course {
  bool opened = false;
  std::string not_opened = {};  // why the connection did not open
  Events received = {};
  std::string violation = {};  // how the peer violated the protocol
  bool closed_by_suite = false;
  bool close_received = false;
  bool clean = false;
  bool dropped_by_suite = false;
  bool reset = false;
  std::optional<std::uint16_t> remote_code = std::nullopt;
  std::string remote_reason = {};
};

struct Verdict {
  Behavior behavior = Behavior::failed;
  CloseBehavior close = CloseBehavior::failed;
  std::string why = {};        // the reason for `behavior`
  std::string close_why = {};  // the reason for `close`
};

// Compares the course with the events and the close that the script expects.
[[nodiscard]] Verdict judge(const Script& script, const Course& course);
// Judges how the connection of a series was closed. The caller has judged its echoes.
[[nodiscard]] Verdict judge_series(Behavior behavior, std::string why, const Course& course);

[[nodiscard]] std::string described(const Events& events);
[[nodiscard]] std::string described(const Course& course);

struct Result {
  CaseId id;
  Verdict verdict = {};
  Course course = {};
  double seconds = 0;
};

[[nodiscard]] inline bool close_is_good(CloseBehavior close) {
  return close == CloseBehavior::ok || close == CloseBehavior::informational;
}
[[nodiscard]] inline bool is_good(const Verdict& verdict) {
  return verdict.behavior != Behavior::failed && verdict.behavior != Behavior::unimplemented &&
         close_is_good(verdict.close);
}

}  // namespace wsconform
