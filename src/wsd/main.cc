// The daemon: what it serves, and its life between start and signal.
#include <wsd/server.h>
#include <wsd/version.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "config_file.h"
#include "demo_page.h"
#include "room_routes.h"
#include "settings.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration)

namespace wsd::daemon {
namespace {

// Unbuffered and in one call, so that lines of several threads never mix; independent of the
// logger, so that --log-level off hides neither the address nor the reason of an exit.
void say(std::string_view line) {
  static_cast<void>(std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data()));
}

int fail(int exit_code, const std::string& sentence) {
  say("wsd: " + sentence);
  return exit_code;
}

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return kExitClean;
  return fail(kExitFailed, "standard output cannot be written");
}

Sources sources_of_process(int argc, char** argv) {
  Sources sources;
  sources.arguments.assign(argv + (argc > 0 ? 1 : 0), argv + argc);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("WSD_") || equals == std::string_view::npos) continue;
    sources.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  sources.read_file = &read_config_file;
  sources.check = &check_options;
  return sources;
}

void add_routes(Server& server, const PublishAccess& access) {
  Handlers echo;
  echo.message = [](Connection& from, const Message& message) { from.send(message); };
  server.route("/", echo);
  server.route("/echo", echo);
  add_room_routes(server, access);
  server.http("/", [](const Request&) { return demo_page(); });
  server.http("/demo.js", [](const Request&) { return demo_script(); });
  server.http("/demo.css", [](const Request&) { return demo_style(); });
  server.http("/healthz", [](const Request&) {
    Response response;
    response.body = "ok\n";
    return response;
  });
}

// The signals this daemon waits for. Blocked in all threads, as each inherits it from the first.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

void reload(const Server& server, const Sources& sources, const DaemonOptions& running) {
  const ReloadReport report = reload_report(running, load_settings(sources));
  server.log(report.valid ? LogLevel::kInfo : LogLevel::kError, "reload", report.text);
}

// Returns when a signal has asked for the end.
void await_end(const Server& server, const Sources& sources, const DaemonOptions& running,
               const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number != SIGHUP) return;
    reload(server, sources, running);
  }
}

// From here on the kernel's default stands, so a second signal ends the process at once.
void let_signals_kill() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) {
    static_cast<void>(std::signal(number, SIG_DFL));
    sigaddset(&set, number);
  }
  static_cast<void>(pthread_sigmask(SIG_UNBLOCK, &set, nullptr));
}

int serve(const DaemonOptions& options, const PublishAccess& access, const Sources& sources) {
  const sigset_t signals = awaited_signals();
  static_cast<void>(pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  Server server(options.server);
  add_routes(server, access);
  for (const std::string& address : options.listen) {
    if (const std::string error = server.listen(address); !error.empty()) {
      return fail(kExitCannotBind, error);
    }
  }
  if (const std::string error = server.start(); !error.empty()) return fail(kExitFailed, error);
  for (const std::string& address : server.addresses()) say("listening on " + address);
  await_end(server, sources, options, signals);
  server.drain();
  let_signals_kill();
  server.wait();
  return kExitClean;
}

struct AccessSetting {
  PublishAccess access{PublishMode::kOff, {}};
  std::string error;
};

// The settings with what the token file holds, or a sentence that says what is wrong with it.
AccessSetting publish_access(const DaemonOptions& options, Action action) {
  if (action == Action::kHelp || action == Action::kVersion) return {};
  const std::string& path = options.publish_token_file;
  if (path.empty()) {
    if (options.publish != PublishMode::kToken) return {PublishAccess(options.publish, {}), {}};
    return {{PublishMode::kOff, {}},
            "--publish token needs the token: write it into a file and add --publish-token-file"};
  }
  const FileText file = read_file("token file", "--publish-token-file", path);
  if (!file.error.empty()) return {{PublishMode::kOff, {}}, file.error};
  TokenText token = token_of(file.text);
  if (token.error.empty()) return {PublishAccess(options.publish, std::move(token.token)), {}};
  return {{PublishMode::kOff, {}}, "--publish-token-file: the file " + path + " " + token.error};
}

std::string version_text() {
  const std::string_view library = deflate_library();
  return "wsd " + std::string(version()) +
         "\npermessage-deflate: " + (library.empty() ? "not built in" : std::string(library)) +
         "\n";
}

int run(int argc, char** argv) {
  const Sources sources = sources_of_process(argc, argv);
  const Loaded loaded = load_settings(sources);
  for (const std::string& warning : loaded.warnings) say("wsd: warning: " + warning);
  if (!loaded.error.empty()) return fail(loaded.exit_code, loaded.error);
  const AccessSetting publish = publish_access(loaded.options, loaded.action);
  if (!publish.error.empty()) return fail(kExitBadConfiguration, publish.error);
  switch (loaded.action) {
    case Action::kHelp:
      return print(help_text());
    case Action::kVersion:
      return print(version_text());
    case Action::kCheckConfig:
      return print("# configuration ok\n" + render_config(loaded.options));
    case Action::kServe:
      break;
  }
  return serve(loaded.options, publish.access, sources);
}

}  // namespace
}  // namespace wsd::daemon

int main(int argc, char** argv) {
  try {
    return wsd::daemon::run(argc, argv);
  } catch (const std::exception& error) {
    static_cast<void>(std::fprintf(stderr, "wsd: %s\n", error.what()));
    return wsd::daemon::kExitFailed;
  }
}
