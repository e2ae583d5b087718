#include "daemon/admin/top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wsd/check.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include "daemon/admin/http_fetch.h"
#include "daemon/admin/prometheus.h"
#include "daemon/admin/top_screen.h"
#include "daemon/auth/token_file.h"
#include "daemon/text/strings.h"

namespace wsd::daemon {
namespace {

constexpr std::uint32_t kTimeoutMs = 5'000;
constexpr int kPeriodMs = 1'000;

// Sets up the terminal, and restores its cursor, screen and input mode on destruction.
class Terminal {
 public:
  Terminal() {
    keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (keys_) {
      termios raw = before_;
      // Keys arrive at once and without echo. Ctrl-C is a key too, so there is only one way out.
      raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
      static_cast<void>(::tcsetattr(STDIN_FILENO, TCSANOW, &raw));
    }
    put("\x1b[?1049h\x1b[?25l");
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    put("\x1b[?25h\x1b[?1049l");
    if (keys_) static_cast<void>(::tcsetattr(STDIN_FILENO, TCSANOW, &before_));
  }

  // Overwrites the screen line by line, so that it does not flicker.
  static void draw(const std::vector<std::string>& lines) {
    std::string out = "\x1b[H";
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out.append(i == 0 ? "" : "\r\n").append(lines[i]).append("\x1b[K");
    }
    put(out.append("\x1b[J"));
  }
  // Returns whether a key, a signal or a hangup asks to quit within `wait_ms`.
  [[nodiscard]] bool asked_to_end(int wait_ms) const {
    pollfd entry{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&entry, keys_ ? 1 : 0, wait_ms);
    if (ready < 0) return true;  // a signal
    if (ready == 0) return false;
    char key = 0;
    constexpr char kControlC = 3;
    constexpr char kControlD = 4;
    const bool came = ::read(STDIN_FILENO, &key, 1) == 1;
    return !came || key == 'q' || key == 'Q' || key == kControlC || key == kControlD;
  }
  static winsize size() {
    winsize found{};
    constexpr unsigned short kRows = 24;
    constexpr unsigned short kColumns = 80;
    static_cast<void>(::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found));
    if (found.ws_row == 0) found.ws_row = kRows;
    if (found.ws_col == 0) found.ws_col = kColumns;
    return found;
  }

 private:
  static void put(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  termios before_{};
  bool keys_ = false;
};

std::uint64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

struct Look {
  TopSample sample;
  std::string error;  // a sentence; empty if there is no error
};

Look look(const std::string& address, const std::string& token) {
  Look result;
  for (const std::string target : {"/metrics", "/connections?sort=queue&limit=10"}) {
    const Fetched fetched = http_fetch(address, target, token, kTimeoutMs);
    result.error = fetched.error;
    if (fetched.error.empty() && fetched.status == 401) {
      result.error = address + " requires a token; name its file with --token-file FILE";
    } else if (fetched.error.empty() && fetched.status != 200) {
      result.error.append(address).append(" answered ").append(target).append(" with status ");
      result.error.append(std::to_string(fetched.status));
      result.error.append("; check that it is an admin listener of wsd");
    }
    if (!result.error.empty()) return result;
    if (target == "/metrics") {
      result.sample.at_ms = now_ms();
      result.sample.stats = parse_metrics(fetched.body);
    } else if (auto rows = json_rows(fetched.body, "connections")) {
      result.sample.connections = std::move(*rows);
    }
  }
  return result;
}

extern "C" void on_end_signal(int /*number*/) {}

}  // namespace

TopOptions parse_top_arguments(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment) {
  TopOptions options;
  const auto variable = [&](const char* name, std::string& into) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) into = found->second;
  };
  variable("WSD_ADMIN", options.address);
  variable("WSD_ADMIN_TOKEN_FILE", options.token_file);
  constexpr std::string_view kTokenFile = "--token-file";
  bool has_address = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& each = arguments[i];
    if (each == "--help" || each == "-h") {
      options.help = true;
    } else if (each == kTokenFile && i + 1 < arguments.size()) {
      options.token_file = arguments[++i];
    } else if (each.starts_with(std::string(kTokenFile) + "=")) {
      options.token_file = each.substr(kTokenFile.size() + 1);
    } else if (each.starts_with("-") || has_address) {
      options.error = quote(each) +
                      " is not an argument of wsd top, which accepts one ADDRESS and " +
                      "--token-file FILE";
      return options;
    } else {
      options.address = each;
      has_address = true;
    }
  }
  if (std::string error = check_listen_address(options.address); !error.empty()) {
    options.error = "the address of wsd top: " + error;
  }
  return options;
}

std::string top_help() {
  return R"(Usage: wsd top [ADDRESS] [--token-file FILE]

Shows live figures of a wsd that runs with --admin ADDRESS. q or Ctrl-C ends it. If standard output
is not a terminal, it prints the figures once and exits. ADDRESS is HOST:PORT, [V6]:PORT or
unix:PATH; the default is WSD_ADMIN, or 127.0.0.1:9002 without it. --token-file names a file with
the token of the admin listener; the default is WSD_ADMIN_TOKEN_FILE.
)";
}

int run_top(const TopOptions& options, const std::function<int(int, const std::string&)>& fail) {
  TokenFile token;
  if (!options.token_file.empty()) token = read_token_file("--token-file", options.token_file);
  if (!token.error.empty()) return fail(kExitBadConfiguration, token.error);
  Look now = look(options.address, token.token);
  if (!now.error.empty()) return fail(kExitFailed, now.error);
  Look before;  // empty, with the same time: no rates yet, and quantiles over the whole run
  before.sample.at_ms = now.sample.at_ms;
  if (::isatty(STDOUT_FILENO) == 0) {
    std::string all;
    constexpr std::size_t kEverything = std::numeric_limits<std::size_t>::max();
    for (const std::string& line :
         top_screen(before.sample, now.sample, options.address, kEverything, kEverything)) {
      all.append(line).append("\n");
    }
    const bool written = std::fwrite(all.data(), 1, all.size(), stdout) == all.size();
    return written && std::fflush(stdout) == 0
               ? kExitClean
               : fail(kExitFailed, "cannot write to standard output");
  }
  // A signal interrupts the wait for a key. The program then ends by its normal path.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = &on_end_signal;
    static_cast<void>(::sigaction(number, &action, nullptr));
  }
  std::string error;
  {
    const Terminal terminal;
    while (error.empty()) {
      const winsize size = Terminal::size();
      Terminal::draw(
          top_screen(before.sample, now.sample, options.address, size.ws_row, size.ws_col));
      if (terminal.asked_to_end(kPeriodMs)) break;
      before = std::exchange(now, look(options.address, token.token));
      error = now.error;
    }
  }
  return error.empty() ? kExitClean : fail(kExitFailed, error);
}

}  // namespace wsd::daemon
