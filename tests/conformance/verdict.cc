#include "conformance/verdict.h"

#include <algorithm>
#include <utility>

#include "conformance/bytes.h"

namespace wsconform {

namespace {

std::string joined(const std::vector<std::uint16_t>& codes) {
  std::string out;
  for (const std::uint16_t code : codes) {
    if (!out.empty()) out += " or ";
    out += std::to_string(code);
  }
  return out;
}

void judge_close(Verdict& verdict, const ExpectedClose& expected, const Course& course) {
  const auto set = [&](CloseBehavior close, std::string why) {
    verdict.close = close;
    verdict.close_why = std::move(why);
  };
  const auto& codes = expected.codes;
  if (!course.opened) {
    set(CloseBehavior::failed, "the opening handshake was not completed");
  } else if (expected.by_suite != course.closed_by_suite) {
    set(CloseBehavior::failed, expected.by_suite ? "the peer ended the connection, not the suite"
                                                 : "the peer did not end the connection");
  } else if (expected.clean && !course.clean) {
    set(CloseBehavior::unclean, "the closing handshake was not completed");
  } else if (course.remote_code &&
             std::find(codes.begin(), codes.end(), *course.remote_code) == codes.end()) {
    set(CloseBehavior::wrong_code, "expected close code " + joined(codes) + " or none, got " +
                                       std::to_string(*course.remote_code));
  } else if (course.dropped_by_suite) {
    set(CloseBehavior::failed_by_client, "the peer did not close the TCP connection");
  } else {
    set(CloseBehavior::ok, {});
  }
  if (!course.violation.empty() && verdict.close == CloseBehavior::ok) {
    set(CloseBehavior::failed, course.violation);
  }
}

void make_informational(Verdict& verdict, const Script& script, const Course& course) {
  verdict.behavior = Behavior::informational;
  verdict.close = CloseBehavior::informational;
  verdict.why = course.received == script.ok ? "all messages were answered before the Close"
                                             : "the peer sent its Close before all messages";
  if (script.ok.empty()) verdict.why = "not defined by RFC 6455";
  verdict.close_why.clear();
}

}  // namespace

const char* name_of(Behavior behavior) {
  switch (behavior) {
    case Behavior::ok:
      return "OK";
    case Behavior::non_strict:
      return "NON-STRICT";
    case Behavior::failed:
      return "FAILED";
    case Behavior::informational:
      return "INFORMATIONAL";
    case Behavior::unimplemented:
      return "UNIMPLEMENTED";
  }
  return "";
}

const char* name_of(CloseBehavior behavior) {
  switch (behavior) {
    case CloseBehavior::ok:
      return "OK";
    case CloseBehavior::failed:
      return "FAILED";
    case CloseBehavior::wrong_code:
      return "WRONG CODE";
    case CloseBehavior::unclean:
      return "UNCLEAN";
    case CloseBehavior::failed_by_client:
      return "FAILED BY CLIENT";
    case CloseBehavior::informational:
      return "INFORMATIONAL";
  }
  return "";
}

Verdict judge(const Script& script, const Course& course) {
  Verdict verdict;
  verdict.why = "the peer did something else";
  if (!course.opened) {
    verdict.why = course.not_opened;
  } else if (!course.violation.empty()) {
    verdict.why = course.violation;
  } else if (course.received == script.ok) {
    verdict.behavior = Behavior::ok;
    verdict.why.clear();
  } else if (script.non_strict && course.received == *script.non_strict) {
    verdict.behavior = Behavior::non_strict;
    verdict.why = "allowed, but not the best behavior";
  }
  judge_close(verdict, script.close, course);
  if (!course.opened) return verdict;
  if (script.informational) {
    make_informational(verdict, script, course);
    return verdict;
  }
  const bool wrong_end = script.close.by_suite != course.closed_by_suite;
  const bool fatal =
      (script.close.wrong_end_is_fatal && wrong_end) ||
      (script.close.wrong_code_is_fatal && verdict.close == CloseBehavior::wrong_code);
  if (fatal && verdict.behavior != Behavior::failed) {
    verdict.behavior = Behavior::failed;
    verdict.why = verdict.close_why;
  }
  return verdict;
}

Verdict judge_series(Behavior behavior, std::string why, const Course& course) {
  Verdict verdict{.behavior = behavior, .why = std::move(why)};
  if (!course.opened) verdict.why = course.not_opened;
  if (!course.violation.empty()) {
    verdict.behavior = Behavior::failed;
    verdict.why = course.violation;
  }
  judge_close(verdict, ExpectedClose{}, course);
  return verdict;
}

std::string described(const Events& events) {
  std::string out;
  for (const Event& event : events) {
    if (!out.empty()) out += ", ";
    switch (event.kind) {
      case Event::Kind::text:
        out += "text " + described(event.data);
        break;
      case Event::Kind::binary:
        out += "binary " + described(event.data);
        break;
      case Event::Kind::pong:
        out += "Pong " + described(event.data);
        break;
      case Event::Kind::mark:
        out += event.data;
        break;
    }
  }
  return out;
}

std::string described(const Course& course) {
  if (!course.opened) return course.not_opened;
  std::string out = described(course.received);
  if (!out.empty()) out += ", ";
  if (!course.violation.empty()) out += course.violation + ", ";
  if (course.close_received) {
    out += course.remote_code ? "Close " + std::to_string(*course.remote_code) : "Close";
    if (!course.remote_reason.empty()) out += ' ' + described(course.remote_reason);
    out += course.closed_by_suite ? " in answer to ours, " : ", ";
  } else if (course.closed_by_suite) {
    out += "no answer to our Close, ";
  }
  if (course.dropped_by_suite) return out + "connection left open";
  return out + (course.reset ? "connection reset" : "end of connection");
}

}  // namespace wsconform
