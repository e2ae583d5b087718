// The daemon's main program: start, routes, signals and drain.
#include <wsd/server.h>
#include <wsd/version.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/admin/admin_server.h"
#include "daemon/admin/top.h"
#include "daemon/auth/authenticator.h"
#include "daemon/auth/token_file.h"
#include "daemon/config/config_file.h"
#include "daemon/config/generated_texts.h"
#include "daemon/config/load_config.h"
#include "daemon/connect/connect_command.h"
#include "daemon/log/log_command.h"
#include "daemon/page/page.h"
#include "daemon/rooms/members_route.h"
#include "daemon/rooms/room_routes.h"
#include "daemon/service/descriptor_plan.h"
#include "daemon/service/reloader.h"
#include "daemon/service/say.h"
#include "daemon/service/service.h"
#include "daemon/service/signals.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration)

namespace wsd::daemon {
namespace {

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
  if (authenticator.guarded()) {
    echo.open = [&authenticator](const Connection& opened) { authenticator.opened(opened); };
  }
  echo.message = [](Connection& from, const Message& message) { from.send(message); };
  server.route("/", echo);
  server.route("/echo", echo);
  add_room_routes(server, authenticator, access, options);
  add_room_members(server, authenticator, options);
  for (const PageFile& file : page_files()) {
    server.http(file.path, [&file](const Request&) { return page_response(file); });
  }
  // A load balancer that reaches only this listener sees here that the server drains.
  server.http("/healthz", [&server](const Request&) {
    Response response;
    response.body = "ok\n";
    if (server.draining()) {
      response.status = 503;
      response.body = "the server is shutting down, try again\n";
      response.headers = {{"Retry-After", "1"}};
    }
    return response;
  });
}

// The tokens and the password from their files, or an error sentence.
struct Secrets {
  PublishAccess publish{PublishMode::kOff, {}};
  std::string admin_token;
  std::string engine_password;
  std::vector<std::string> warnings;
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
  TokenFile engine;
  if (!options.server.engine.url.empty() && !options.engine_password_file.empty()) {
    engine = read_password_file("--engine-password-file", options.engine_password_file);
  }
  for (const TokenFile& file : {publish, admin, engine}) {
    if (!file.warning.empty()) secrets.warnings.push_back(file.warning);
    if (secrets.error.empty()) secrets.error = file.error;
  }
  secrets.publish = PublishAccess(options.publish, std::move(publish.token));
  secrets.admin_token = std::move(admin.token);
  secrets.engine_password = std::move(engine.token);
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

// The files of a reload. Their users are empty without an auth file.
struct Reread {
  Loaded config;
  AuthFile auth;
};

// May block for ever. Uses nothing but its arguments and constants.
Reread reread(const Sources& sources, const std::string& auth_file) {
  Sources again = sources;
  again.read_file = [](const std::string& path) {
    return read_config_file(path, FileKinds::kRegular);
  };
  Reread files{load_config(again), {}};
  if (!auth_file.empty()) files.auth = load_auth_file(auth_file);
  return files;
}

std::string users_text(std::size_t users, std::size_t revoked) {
  std::string text = "loaded " + std::to_string(users) + (users == 1 ? " user" : " users");
  if (revoked != 0) {
    text += "; closes " + std::to_string(revoked) +
            (revoked == 1 ? " connection" : " connections") + " whose token or right is gone";
  }
  return text;
}

void apply_users(const Server& server, Authenticator& authenticator, const AuthFile& file) {
  for (const std::string& warning : file.warnings) {
    server.log(LogLevel::kWarn, "auth_reload", warning);
  }
  if (!file.error.empty()) {
    server.log(LogLevel::kError, "auth_reload", "the current users stay in use: " + file.error);
    return;
  }
  const std::vector<Revocation> revoked = authenticator.replace(file.users);
  for (const Revocation& each : revoked) {
    each.connection.close(CloseCode::kPolicyViolation, each.reason);
  }
  server.log(LogLevel::kInfo, "auth_reload", users_text(file.users->size(), revoked.size()));
}

void apply(const Server& server, const Parts& parts, Reread files) {
  parts.service.choose_listeners(files.config);
  const ReloadReport report = reload_report(parts.options, files.config);
  server.log(report.valid ? LogLevel::kInfo : LogLevel::kError, "reload", report.text);
  if (parts.authenticator.guarded()) apply_users(server, parts.authenticator, files.auth);
}

// Logs an exception of `step` and returns false. An exception would end the process, because the
// thread of a reload has no caller.
template <class Step>
bool succeeds(const Server& server, Step step) {
  try {
    step();
    return true;
  } catch (const std::exception& error) {
    server.log(LogLevel::kError, "reload", std::string("the reload failed: ") + error.what());
    return false;
  }
}

// `server` and `parts` are used only while a result takes effect, so a thread that was abandoned
// does not use them.
Reloader::Read reload_of(const Server& server, const Parts& parts) {
  return [&server, parts, sources = parts.sources, auth_file = parts.options.auth.file] {
    std::shared_ptr<Reread> files;
    std::exception_ptr error;
    try {
      files = std::make_shared<Reread>(reread(sources, auth_file));
    } catch (const std::exception&) {
      error = std::current_exception();
    }
    return [&server, parts, files, error] {
      succeeds(server, [&] {
        if (error) std::rethrow_exception(error);
        apply(server, parts, std::move(*files));
      });
      parts.service.reloaded();
    };
  };
}

// Returns when SIGTERM or SIGINT has arrived. Handles SIGHUP.
void await_end(const Server& server, const Parts& parts, Reloader& reloader,
               const sigset_t& signals) {
  for (;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (number != SIGHUP) return;
    parts.service.reloading();
    if (!succeeds(server, [&] { reloader.request(); })) parts.service.reloaded();
  }
}

// Looking up a name may block, so it must be possible to end the process meanwhile.
std::string listen(Server& server, AdminServer& admin, const Parts& parts) {
  const KillableScope killable;
  for (const std::string& address : parts.options.listen) {
    if (std::string error = parts.service.listen(server, address); !error.empty()) return error;
  }
  return admin.listen(parts.options.admin.address, parts.secrets.admin_token);
}

// The result of serve().
struct Served {
  int exit_code = kExitClean;
  bool abandoned = false;  // a thread still reads a file
};

Served serve(const Parts& parts) {
  const DaemonOptions& options = parts.options;
  const sigset_t signals = block_signals();
  const DescriptorPlan descriptors = plan_descriptors(!options.admin.address.empty());
  // The process is the daemon's own.
  ServerOptions of_server = options.server;
  of_server.process = {.raise_open_file_limit = true, .return_large_blocks = true};
  // Without a token, the daemon trusts its clients because only this machine can reach it.
  of_server.http.guard_loopback =
      !parts.authenticator.guarded() || options.publish == PublishMode::kLoopback;
  of_server.http.cross_origin = true;
  of_server.limits.reserved_descriptors = descriptors.reserved;
  of_server.engine.password = parts.secrets.engine_password;
  Server server(of_server);
  AdminServer admin(server, options.server.log, descriptors.admin_connections,
                    options.server.engine.timeout_ms);
  add_routes(server, parts.authenticator, parts.secrets.publish, options.server);
  if (const std::string error = listen(server, admin, parts); !error.empty()) {
    return {fail(kExitCannotBind, error)};
  }
  if (const std::string error = server.start(); !error.empty()) {
    // An error that names a flag is about its value: the engine refuses the password, for example.
    const bool setting = error.starts_with("--");
    return {fail(setting ? kExitBadConfiguration : kExitFailed, error)};
  }
  if (const std::string error = admin.start(); !error.empty()) return {fail(kExitFailed, error)};
  for (const std::string& address : server.addresses()) say("listening on " + address);
  for (const std::string& address : admin.addresses()) say("admin on " + address);
  const auto watchdog = parts.service.ready(server);
  Reloader reloader(reload_of(server, parts));
  await_end(server, parts, reloader, signals);
  parts.service.stopping(
      server, std::uint64_t{options.server.drain_delay_ms} + options.server.drain_timeout_ms);
  server.drain();
  let_signals_kill();
  server.wait();
  const bool abandoned = !reloader.end();
  if (abandoned) {
    server.log(
        LogLevel::kWarn, "reload",
        "a reload still waits for a file and is abandoned: check the file systems of --config "
        "and --auth-file");
  }
  admin.stop();
  const DrainVerdict verdict = judge_drain(server.forced_closes());
  if (verdict.sentence.empty()) return {kExitClean, abandoned};
  return {fail(verdict.exit_code, verdict.sentence), abandoned};
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

int log(const Sources& sources) {
  const LogCommand command = parse_log_arguments(
      {sources.arguments.begin() + 1, sources.arguments.end()}, sources.environment);
  if (!command.error.empty()) return fail(kExitUsage, command.error);
  return command.help ? print(log_help()) : run_log(command, &fail);
}

int connect(const Sources& sources) {
  ConnectCommand command =
      parse_connect_arguments({sources.arguments.begin() + 1, sources.arguments.end()});
  if (!command.error.empty()) return fail(kExitUsage, command.error);
  return command.help ? print(connect_help()) : run_connect(std::move(command), &fail);
}

int run(int argc, char** argv) {
  const Sources sources = sources_of_process(argc, argv);
  if (!sources.arguments.empty() && sources.arguments.front() == "top") return top(sources);
  if (!sources.arguments.empty() && sources.arguments.front() == "log") return log(sources);
  if (!sources.arguments.empty() && sources.arguments.front() == "connect") return connect(sources);
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
  for (const std::string& warning : secrets.warnings) say("wsd: warning: " + warning);
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
  const Served served = serve({sources, loaded.options, authenticator, secrets, service});
  // The thread may use static objects, which a normal exit destroys.
  if (served.abandoned) std::_Exit(served.exit_code);
  return served.exit_code;
}

}  // namespace
}  // namespace wsd::daemon

int main(int argc, char** argv) {
  try {
    return wsd::daemon::run(argc, argv);
  } catch (const std::exception& error) {
    try {
      wsd::daemon::say(std::string("wsd: ") + error.what());
    } catch (const std::bad_alloc&) {
      // The exit status remains.
    }
    return wsd::daemon::kExitFailed;
  }
}
