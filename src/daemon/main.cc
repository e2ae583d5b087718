// The daemon's main program: start, routes, signals and drain.
#include <wsd/server.h>
#include <wsd/version.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/admin/admin_server.h"
#include "daemon/admin/top.h"
#include "daemon/auth/authenticator.h"
#include "daemon/auth/token_file.h"
#include "daemon/config/config_file.h"
#include "daemon/config/generated_texts.h"
#include "daemon/config/load_config.h"
#include "daemon/page/page.h"
#include "daemon/rooms/members_route.h"
#include "daemon/rooms/room_routes.h"
#include "daemon/service/service.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration)

namespace wsd::daemon {
namespace {

// Writes a line to standard error in one call, so that lines of several threads never mix. Does not
// use the logger, so that --log-level off hides neither the address nor the reason of an exit.
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
  return fail(kExitFailed, "cannot write to standard output");
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
  sources.read_file = [](const std::string& path) {
    return read_config_file(path, FileKinds::kAny);
  };
  sources.check = &check_options;
  return sources;
}

void add_routes(Server& server, const Authenticator& authenticator, const PublishAccess& access,
                const ServerOptions& options) {
  Handlers echo;
  echo.upgrade = [&authenticator](const Request& request) {
    return authenticator.authorize(request);
  };
  echo.message = [](Connection& from, const Message& message) { from.send(message); };
  server.route("/", echo);
  server.route("/echo", echo);
  add_room_routes(server, authenticator, access);
  add_room_members(server, authenticator, options);
  for (const PageFile& file : page_files()) {
    server.http(file.path, [&file](const Request&) { return page_response(file); });
  }
  server.http("/healthz", [](const Request&) {
    Response response;
    response.body = "ok\n";
    return response;
  });
}

// Returns the signals that the daemon waits for. All threads block them, because each inherits its
// mask from the first.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

std::string users_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " user" : " users");
}

void reload_users(const Server& server, Authenticator& authenticator) {
  const AuthFile file = authenticator.load();
  for (const std::string& warning : file.warnings) {
    server.log(LogLevel::kWarn, "auth_reload", warning);
  }
  if (file.error.empty()) {
    server.log(LogLevel::kInfo, "auth_reload", "loaded " + users_text(file.users->size()));
  } else {
    server.log(LogLevel::kError, "auth_reload", "the current users stay in use: " + file.error);
  }
}

// The tokens from the token files, or an error sentence.
struct Secrets {
  PublishAccess publish{PublishMode::kOff, {}};
  std::string admin_token;
  std::string error;
};

Secrets read_secrets(const DaemonOptions& options) {
  Secrets secrets;
  TokenFile publish;
  if (!options.publish_token_file.empty()) {
    publish = read_token_file("--publish-token-file", options.publish_token_file);
  } else if (options.publish == PublishMode::kToken) {
    publish.error =
        "--publish token needs --publish-token-file: write a token into a file, such as the output "
        "of openssl rand -hex 32, and name that file";
  }
  TokenFile admin;
  if (!options.admin.address.empty() && !options.admin.token_file.empty()) {
    admin = read_token_file("--admin-token-file", options.admin.token_file);
  }
  secrets.error = publish.error.empty() ? std::move(admin.error) : std::move(publish.error);
  secrets.publish = PublishAccess(options.publish, std::move(publish.token));
  secrets.admin_token = std::move(admin.token);
  return secrets;
}

// The objects that live as long as the daemon serves.
struct Parts {
  const Sources& sources;
  const DaemonOptions& options;
  Authenticator& authenticator;
  const Secrets& secrets;
  Service& service;
};

void reload(const Server& server, const Parts& parts) {
  parts.service.reloading();
  Loaded reread = load_config(parts.sources);
  parts.service.choose_listeners(reread);
  const ReloadReport report = reload_report(parts.options, reread);
  parts.service.reloaded();
  server.log(report.valid ? LogLevel::kInfo : LogLevel::kError, "reload", report.text);
  if (parts.authenticator.guarded()) reload_users(server, parts.authenticator);
}

// Returns when SIGTERM or SIGINT has arrived. Handles SIGHUP.
void await_end(const Server& server, const Parts& parts, const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number != SIGHUP) return;
    reload(server, parts);
  }
}

// Restores the kernel's default action, so that a second signal ends the process at once.
void let_signals_kill() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) {
    static_cast<void>(std::signal(number, SIG_DFL));
    sigaddset(&set, number);
  }
  static_cast<void>(pthread_sigmask(SIG_UNBLOCK, &set, nullptr));
}

int serve(const Parts& parts) {
  const DaemonOptions& options = parts.options;
  const sigset_t signals = awaited_signals();
  static_cast<void>(pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  // The process is the daemon's own.
  ServerOptions of_server = options.server;
  of_server.process = {.raise_open_file_limit = true, .return_large_blocks = true};
  Server server(of_server);
  add_routes(server, parts.authenticator, parts.secrets.publish, options.server);
  for (const std::string& address : options.listen) {
    if (const std::string error = parts.service.listen(server, address); !error.empty()) {
      return fail(kExitCannotBind, error);
    }
  }
  if (const std::string error = server.start(); !error.empty()) return fail(kExitFailed, error);
  AdminServer admin(server, options.server.log);
  if (const std::string error = admin.start(options.admin.address, parts.secrets.admin_token);
      !error.empty()) {
    return fail(kExitCannotBind, error);
  }
  for (const std::string& address : server.addresses()) say("listening on " + address);
  for (const std::string& address : admin.addresses()) say("admin on " + address);
  const auto watchdog = parts.service.ready(server);
  await_end(server, parts, signals);
  parts.service.stopping(server, options.server.drain_timeout_ms);
  server.drain();
  let_signals_kill();
  server.wait();
  admin.stop();
  const DrainVerdict verdict = judge_drain(server.forced_closes());
  return verdict.sentence.empty() ? kExitClean : fail(verdict.exit_code, verdict.sentence);
}

std::string version_text() {
  const std::string_view library = deflate_library();
  return "wsd " + std::string(version()) +
         "\npermessage-deflate: " + (library.empty() ? "not built in" : std::string(library)) +
         "\n";
}

int top(const Sources& sources) {
  const TopOptions options = parse_top_arguments(
      {sources.arguments.begin() + 1, sources.arguments.end()}, sources.environment);
  if (!options.error.empty()) return fail(kExitUsage, options.error);
  return options.help ? print(top_help()) : run_top(options, &fail);
}

int run(int argc, char** argv) {
  const Sources sources = sources_of_process(argc, argv);
  if (!sources.arguments.empty() && sources.arguments.front() == "top") return top(sources);
  Loaded loaded = load_config(sources);
  for (const std::string& warning : loaded.warnings) say("wsd: warning: " + warning);
  if (!loaded.error.empty()) return fail(loaded.exit_code, loaded.error);
  Authenticator authenticator(loaded.options.auth);
  const bool judged = loaded.action == Action::kServe || loaded.action == Action::kCheckConfig;
  if (judged && authenticator.guarded()) {
    const AuthFile file = authenticator.load();
    for (const std::string& warning : file.warnings) say("wsd: warning: " + warning);
    if (!file.error.empty()) return fail(kExitBadConfiguration, file.error);
  }
  const Secrets secrets = judged ? read_secrets(loaded.options) : Secrets{};
  if (!secrets.error.empty()) return fail(kExitBadConfiguration, secrets.error);
  switch (loaded.action) {
    case Action::kHelp:
      return print(help_text());
    case Action::kVersion:
      return print(version_text());
    case Action::kCheckConfig:
      return print("# configuration ok\n" + render_config(loaded.options));
    case Action::kPrint:
      return print(printed(loaded.print));
    case Action::kServe:
      break;
  }
  Service service(take_service_variables());
  service.choose_listeners(loaded);
  for (const std::string& warning : service.warnings(loaded.options)) {
    say("wsd: warning: " + warning);
  }
  return serve({sources, loaded.options, authenticator, secrets, service});
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
