#include "conformance/runner.h"

#include <algorithm>
#include <utility>

#include "conformance/bytes.h"
#include "conformance/data_set.h"

namespace wsconform {

namespace {

constexpr double kStepS = 1;
constexpr std::uint16_t kGoingAway = 1001;

bool begins(const Events& whole, const Events& part) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

void do_step(Session& session, const Step& step) {
  if (step.only_if_open && !session.is_open()) return;
  Events& received = session.course().received;
  switch (step.kind) {
    case Step::Kind::frame:
      session.send(step.frame, step.chop);
      break;
    case Step::Kind::raw_header:
      session.link().send_header(step.frame, step.count, step.chop);
      break;
    case Step::Kind::raw_payload:
      session.link().send_payload(step.frame.payload, step.chop);
      break;
    case Step::Kind::close:
      session.close(step.frame);
      break;
    case Step::Kind::events: {
      const Time limit = session.deadline(kStepS);
      while (session.is_open() && received.size() < step.count && session.wait(limit)) {
      }
      break;
    }
    case Step::Kind::barrier:
      session.barrier(kStepS);
      if (session.is_open()) received.push_back(mark(step.frame.payload));
      break;
    case Step::Kind::quiet: {
      const Time limit = session.deadline(step.seconds);
      while (session.is_open() && session.wait(limit)) {
      }
      if (session.is_open()) received.push_back(mark(step.frame.payload));
      break;
    }
  }
}

// Returns true if no further event can complete the expected events.
bool is_lost(const Script& script, const Events& received) {
  return !begins(script.ok, received) &&
         !(script.non_strict && begins(*script.non_strict, received));
}

bool is_matched(const Script& script, const Events& received) {
  return received == script.ok || (script.non_strict && received == *script.non_strict);
}

void run_script(Session& session, const Script& script) {
  for (const Step& step : script.steps) {
    if (session.ended()) break;
    do_step(session, step);
  }
  const Time limit = session.deadline(script.limit_s);
  const Events& received = session.course().received;
  while (session.is_open()) {
    if (script.close.by_suite) {
      if (script.close_when_matched && is_matched(script, received)) {
        session.close(script.close.codes.front());
      } else if (is_lost(script, received)) {
        session.close(kGoingAway);
      }
    } else if (is_lost(script, received) && session.barrier(script.limit_s)) {
      // The peer accepted a frame that it should have rejected, and the connection is still open.
      session.close(kGoingAway);
    }
    if (!session.wait(limit) && session.is_open()) session.close(kGoingAway);
  }
  session.finish();
}

// Waits for the echo. Returns an empty string, or how the echo differs from the message.
std::string echo_problem(Session& session, const Series& series, const std::string& sent,
                         Time limit) {
  Events& received = session.course().received;
  while (session.is_open() && received.empty()) {
    if (!session.wait(limit)) return "the series did not finish in time";
  }
  if (received.empty()) return "the connection ended during the series";
  const Event& echo = received.front();
  if (echo.kind == (series.binary ? Event::Kind::binary : Event::Kind::text) && echo.data == sent) {
    return {};
  }
  return "sent " + described(sent) + ", got back " + described(received);
}

Verdict run_series(Session& session, const Series& series) {
  if (!series.offers.empty() && !session.compressed()) {
    session.close(1000);
    session.finish();
    return judge_series(Behavior::unimplemented, "permessage-deflate was not accepted",
                        session.course());
  }
  const Time limit = session.deadline(series.limit_s);
  DataStream data(series.data, series.binary ? Unit::bytes : Unit::characters);
  std::string problem;
  for (int i = 0; i < series.count && problem.empty(); ++i) {
    const std::string message = data.next(series.length);
    session.course().received.clear();
    session.send_message(series.binary ? kBinary : kText, message, series.fragment);
    problem = echo_problem(session, series, message, limit);
    if (!problem.empty()) problem = "message " + std::to_string(i + 1) + ": " + problem;
  }
  session.course().received.clear();
  session.close(1000);
  session.finish();
  const Events& late = session.course().received;
  if (problem.empty() && !late.empty())
    problem = "received after the last echo: " + described(late);
  return judge_series(problem.empty() ? Behavior::ok : Behavior::failed, problem, session.course());
}

template <typename Open>
Result run_with(const Case& test, Session& session, const Open& open) {
  const Time start = Clock::now();
  Result result{.id = test.id};
  const auto* series = std::get_if<Series>(&test.body);
  Script script;
  if (series == nullptr) script = std::get<0>(test.body)();
  const bool opened = open(series == nullptr ? std::vector<Offer>{} : series->offers);
  if (series == nullptr) {
    if (opened) run_script(session, script);
    result.verdict = judge(script, session.course());
  } else if (opened) {
    result.verdict = run_series(session, *series);
  } else {
    result.verdict = judge_series(Behavior::failed, "", session.course());
  }
  result.course = std::move(session.course());
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace

Result run(const Case& test, const Url& url, double patience) {
  Session session(Role::client, patience);
  return run_with(test, session, [&](const auto& offers) { return session.open(url, offers); });
}

Result run(const Case& test, Session& session, const UpgradeRequest& request) {
  return run_with(test, session,
                  [&](const auto& offers) { return session.accept(request, offers); });
}

}  // namespace wsconform
