#include "conformance/report.h"

#include "conformance/bytes.h"
#include "conformance/catalogue.h"

namespace wsconform {

namespace {

void print_row(std::FILE* out, const char* name, const Totals& t) {
  std::fprintf(out, "%-22s %5zu %5zu %10zu %6zu %13zu %13zu %9zu %8.2f\n", name, t.run, t.ok,
               t.non_strict, t.failed, t.informational, t.unimplemented, t.not_clean, t.seconds);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json_of(const Case& test, const Result& result) {
  const Course& course = result.course;
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  std::string out = "  {\"case\": " + quoted(test.id.str());
  out += ", \"behavior\": " + quoted(name_of(result.verdict.behavior));
  out += ", \"behaviorClose\": " + quoted(name_of(result.verdict.close));
  out += ", \"sent\": " + quoted(test.sends);
  out += ", \"expected\": " + quoted(test.expects);
  out += ", \"seen\": " + quoted(described(course));
  out += ", \"result\": " + quoted(result.verdict.why);
  out += ", \"resultClose\": " + quoted(result.verdict.close_why);
  out += ", \"remoteCloseCode\": ";
  out += course.remote_code ? std::to_string(*course.remote_code) : "null";
  out += std::string(", \"closedBySuite\": ") + flag(course.closed_by_suite);
  out += std::string(", \"clean\": ") + flag(course.clean);
  out += std::string(", \"droppedBySuite\": ") + flag(course.dropped_by_suite);
  char duration[48];
  std::snprintf(duration, sizeof duration, ", \"duration_ms\": %.3f}", 1000 * result.seconds);
  return out + duration;
}

}  // namespace

Totals totals(const std::vector<Result>& results, int group) {
  Totals t;
  for (const Result& result : results) {
    if (group != 0 && result.id.group != group) continue;
    ++t.run;
    t.seconds += result.seconds;
    const Behavior behavior = result.verdict.behavior;
    t.ok += behavior == Behavior::ok;
    t.non_strict += behavior == Behavior::non_strict;
    t.failed += behavior == Behavior::failed;
    t.informational += behavior == Behavior::informational;
    t.unimplemented += behavior == Behavior::unimplemented;
    t.not_clean += !close_is_good(result.verdict.close);
  }
  return t;
}

void print_table(const std::vector<Result>& results, std::FILE* out) {
  std::fprintf(out, "%-22s %5s %5s %10s %6s %13s %13s %9s %8s\n", "group", "cases", "OK",
               "NON-STRICT", "FAILED", "INFORMATIONAL", "UNIMPLEMENTED", "not clean", "seconds");
  for (const GroupSize& group : kGroups) {
    const Totals t = totals(results, group.group);
    if (t.run == 0) continue;
    char name[64];
    std::snprintf(name, sizeof name, "%2d %s", group.group, group.name);
    print_row(out, name, t);
  }
  print_row(out, "all", totals(results, 0));
}

std::string remark(const Case& test, const Result& result) {
  const Verdict& verdict = result.verdict;
  const bool behaved = verdict.behavior == Behavior::ok;
  const bool closed = close_is_good(verdict.close);
  if (behaved && closed) return {};
  std::string out = test.id.str();
  if (!behaved) out += std::string(" ") + name_of(verdict.behavior);
  if (!closed) out += std::string(" close ") + name_of(verdict.close);
  out += ": sent " + test.sends + "; expected " + test.expects;
  out += "; got " + described(result.course);
  if (!behaved && !verdict.why.empty()) out += ": " + verdict.why;
  if (!closed && verdict.close_why != verdict.why) out += "; " + verdict.close_why;
  return out;
}

bool write_json(const std::string& path, const std::vector<const Case*>& cases,
                const std::vector<Result>& results) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  std::fputs("[\n", file);
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::fprintf(file, "%s%s\n", json_of(*cases[i], results[i]).c_str(),
                 i + 1 < results.size() ? "," : "");
  }
  std::fputs("]\n", file);
  return std::fclose(file) == 0;
}

}  // namespace wsconform
