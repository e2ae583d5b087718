// wsconform: runs the cases of the Autobahn Testsuite against any WebSocket echo server or client.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conformance/autobahn_index.h"
#include "conformance/catalogue.h"
#include "conformance/data_set.h"
#include "conformance/deflate.h"
#include "conformance/link.h"
#include "conformance/report.h"
#include "conformance/runner.h"
#include "conformance/serve.h"

namespace {

using namespace wsconform;

constexpr int kGood = 0;
constexpr int kBad = 1;
constexpr int kUsage = 2;
constexpr int kUnavailable = 69;

constexpr const char* kHelp =
    "Usage: wsconform ws://HOST[:PORT][/PATH] [FLAG]...\n"
    "       wsconform --serve HOST:PORT [FLAG]...\n"
    "       wsconform --list [FLAG]...\n"
    "       wsconform --from-autobahn INDEX.JSON [--strict]\n"
    "\n"
    "Runs the 517 cases of the Autobahn Testsuite against a WebSocket echo server. With --serve,\n"
    "runs them as the server of an echo client, which requests /getCaseCount,\n"
    "/runCase?case=N&agent=NAME for each N from 1, and at the end /updateReports?agent=NAME.\n"
    "\n"
    "  --serve HOST:PORT    serve one client; port 0 lets the system choose one\n"
    "  --cases PATTERNS     run only the cases that match, such as 6.*,7.1.5 (default: *)\n"
    "  --exclude PATTERNS   leave out the cases that match\n"
    "  --json FILE          write all results to FILE\n"
    "  --jobs N             run N cases at the same time (default: 1)\n"
    "  --patience FACTOR    multiply every time limit, for slow machines (default: 1)\n"
    "  --strict             count NON-STRICT as a failure\n"
    "  --quiet              print only the table\n"
    "  --list               print the cases without connecting\n"
    "  --from-autobahn FILE judge the index.json that wstest wrote; every agent must have a "
    "result\n"
    "                       for each of the 517 cases\n"
    "\n"
    "Exit status:\n"
    "  0   every case is good\n"
    "  1   a case FAILED, is UNIMPLEMENTED, was not closed cleanly, is missing or could not run\n"
    "  2   the command line is wrong\n"
    "  69  no server accepts connections at this address, or --serve cannot listen on it\n";

struct Flags {
  std::string url;
  std::string serve;
  std::string cases = "*";
  std::string exclude;
  std::string json;
  std::string index;
  int jobs = 1;
  double patience = 1;
  bool strict = false;
  bool quiet = false;
  bool list = false;
  bool help = false;
};

int usage_error(const std::string& what) {
  std::fprintf(stderr, "wsconform: %s; see wsconform --help\n", what.c_str());
  return kUsage;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

// Returns an empty string, or the problem with the flag.
std::string parse_value(Flags& flags, std::string_view name, std::string value) {
  if (name == "--cases") {
    flags.cases = std::move(value);
  } else if (name == "--exclude") {
    flags.exclude = std::move(value);
  } else if (name == "--json") {
    flags.json = std::move(value);
  } else if (name == "--serve") {
    flags.serve = std::move(value);
  } else if (name == "--from-autobahn") {
    flags.index = std::move(value);
  } else if (name == "--jobs") {
    if (!parse_number(value, flags.jobs))
      return "--jobs '" + value + "' is not a number of at least 1";
  } else if (name == "--patience") {
    if (!parse_number(value, flags.patience))
      return "--patience '" + value + "' is not a number greater than 0";
  } else {
    return "unknown flag " + std::string(name);
  }
  return {};
}

std::string parse(Flags& flags, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    bool* const given = word == "--strict"  ? &flags.strict
                        : word == "--quiet" ? &flags.quiet
                        : word == "--list"  ? &flags.list
                        : word == "--help"  ? &flags.help
                                            : nullptr;
    if (given != nullptr) {
      *given = true;
    } else if (!word.starts_with("--")) {
      if (!flags.url.empty()) return "the command line has more than one URL";
      flags.url = word;
    } else {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos && i + 1 == words.size()) return word + " has no value";
      std::string value = equals == std::string::npos ? words[++i] : word.substr(equals + 1);
      const std::string name = word.substr(0, equals);
      if (std::string problem = parse_value(flags, name, std::move(value)); !problem.empty()) {
        return problem;
      }
    }
  }
  return {};
}

bool is_good_enough(const Verdict& verdict, bool strict) {
  return is_good(verdict) && !(strict && verdict.behavior == Behavior::non_strict);
}

bool show_agent(const AgentResults& agent, const std::string& path, bool strict) {
  bool good = agent.problems.empty();
  std::printf("%s\n", agent.agent.c_str());
  for (const Result& result : agent.results) {
    const Verdict& verdict = result.verdict;
    good = good && is_good_enough(verdict, strict);
    if (verdict.behavior == Behavior::ok && close_is_good(verdict.close)) continue;
    std::printf("%s %s, close %s\n", result.id.str().c_str(), name_of(verdict.behavior),
                name_of(verdict.close));
  }
  print_table(agent.results, stdout);
  std::fflush(stdout);
  for (const std::string& problem : agent.problems) {
    std::fprintf(stderr,
                 "wsconform: %s is not a complete index: '%s': %s. An index must have each case "
                 "of the catalogue exactly once: run the testsuite again, and see in its log and "
                 "in the server's why it stopped\n",
                 path.c_str(), agent.agent.c_str(), problem.c_str());
  }
  return good;
}

int show_index(const std::string& path, bool strict) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto agents = parse_autobahn_index(text);
  if (!agents) {
    std::fprintf(stderr,
                 "wsconform: %s is not an index of the Autobahn Testsuite: name the index.json "
                 "that wstest writes into its outdir\n",
                 path.c_str());
    return kBad;
  }
  bool good = true;
  for (const AgentResults& agent : *agents) good = show_agent(agent, path, strict) && good;
  return good ? kGood : kBad;
}

std::vector<Result> run_all(const std::vector<const Case*>& cases, const Url& url,
                            const Flags& flags) {
  std::vector<Result> results(cases.size());
  std::atomic<std::size_t> next = 0;
  std::mutex printing;
  const auto work = [&] {
    for (std::size_t i = next++; i < cases.size(); i = next++) {
      results[i] = run(*cases[i], url, flags.patience);
      const std::string line = flags.quiet ? std::string() : remark(*cases[i], results[i]);
      if (line.empty()) continue;
      const std::lock_guard lock(printing);
      std::printf("%s\n", line.c_str());
      std::fflush(stdout);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 1; i < flags.jobs; ++i) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return results;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int judge_all(const Flags& flags, const std::vector<const Case*>& cases,
              const std::vector<Result>& results, std::size_t not_run) {
  print_table(results, stdout);
  std::printf("the suite used %.2f CPU seconds\n", cpu_seconds());
  if (not_run > 0) {
    std::printf("not run: %zu cases of groups 12 and 13: wsconform was built without zlib\n",
                not_run);
  }
  if (!flags.json.empty() && !write_json(flags.json, cases, results)) {
    std::fprintf(stderr, "wsconform: cannot write %s\n", flags.json.c_str());
    return kBad;
  }
  const bool good = std::all_of(results.begin(), results.end(), [&](const Result& result) {
    return is_good_enough(result.verdict, flags.strict);
  });
  return good && not_run == 0 ? kGood : kBad;
}

int serve_client(const Flags& flags, const std::vector<const Case*>& cases, std::size_t not_run) {
  const auto colon = flags.serve.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == flags.serve.size()) {
    return usage_error("--serve '" + flags.serve + "' is not HOST:PORT");
  }
  if (flags.jobs > 1) return usage_error("--jobs does not apply to --serve");
  const Served served =
      serve({flags.serve.substr(0, colon), flags.serve.substr(colon + 1), flags.patience}, cases,
            [&](const Case& test, const Result& result) {
              const std::string line = flags.quiet ? std::string() : remark(test, result);
              if (!line.empty()) std::printf("%s\n", line.c_str());
              std::fflush(stdout);
            });
  if (!served.problem.empty()) {
    std::fprintf(stderr, "wsconform: %s\n", served.problem.c_str());
    return kUnavailable;
  }
  std::vector<const Case*> run;
  for (const Case* test : cases) {
    const bool has_run = std::any_of(served.results.begin(), served.results.end(),
                                     [&](const Result& result) { return result.id == test->id; });
    if (has_run) {
      run.push_back(test);
    } else {
      std::printf("%s was not run: the client did not request it\n", test->id.str().c_str());
    }
  }
  const int status = judge_all(flags, run, served.results, not_run);
  return run.size() == cases.size() ? status : kBad;
}

int drive(const Flags& flags) {
  const auto url = parse_url(flags.url);
  if (!url && !flags.list && flags.serve.empty()) {
    return usage_error("'" + flags.url + "' is not ws://HOST[:PORT][/PATH]");
  }
  const Cases all = catalogue();
  std::vector<const Case*> cases;
  std::size_t not_run = 0;
  for (const Case& test : all) {
    const std::string id = test.id.str();
    if (!matches(flags.cases, id) || matches(flags.exclude, id)) continue;
    if (needs_deflate(test) && !have_zlib() && !flags.list) {
      ++not_run;
    } else {
      cases.push_back(&test);
    }
  }
  if (cases.empty() && not_run == 0) return usage_error("no case matches --cases and --exclude");
  if (flags.list) {
    for (const Case* test : cases) {
      std::printf("%s\t%s\t%s\n", test->id.str().c_str(), test->sends.c_str(),
                  test->expects.c_str());
    }
    return kGood;
  }
  if (!flags.serve.empty()) {
    (void)bytes_of(DataSet::stars);
    return serve_client(flags, cases, not_run);
  }
  if (const std::string problem = Link().connect(*url); !problem.empty()) {
    std::fprintf(stderr, "wsconform: %s\n", problem.c_str());
    return kUnavailable;
  }
  // Generates the data before any case starts its clock.
  (void)bytes_of(DataSet::stars);
  return judge_all(flags, cases, run_all(cases, *url, flags), not_run);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  if (const std::string problem = parse(flags, {argv + 1, argv + argc}); !problem.empty()) {
    return usage_error(problem);
  }
  if (flags.help) {
    std::fputs(kHelp, stdout);
    return kGood;
  }
  if (!flags.index.empty()) return show_index(flags.index, flags.strict);
  if (!flags.url.empty() && !flags.serve.empty()) {
    return usage_error("the command line has a URL and --serve: give one of them");
  }
  if (flags.url.empty() && flags.serve.empty() && !flags.list) {
    return usage_error("the command line has no URL");
  }
  return drive(flags);
}
