#include "support/tools.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string_view>
#include <system_error>

namespace e2e {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

bool succeeds(const Command& command) { return run(command).status.code == 0; }

// The folder of this file in the source tree. A test binary then finds the scripts from any working
// directory, if it was built in that tree.
std::filesystem::path tests_folder() {
  if (std::filesystem::exists("tests/clients")) return "tests";
  return std::filesystem::path(__FILE__).parent_path().parent_path();
}

Tool find_node() {
  Tool tool;
  for (const std::string& modules : {environment("NODE_PATH"), std::string("/usr/share/nodejs"),
                                     std::string("/usr/lib/node_modules")}) {
    tool.command = {.argv = {"node"}, .env = {{"NODE_PATH", modules}}};
    if (succeeds(tool.with({"-e", "require('ws').WebSocket"}))) return tool;
  }
  tool.missing = "node with the module ws is missing: install nodejs and node-ws";
  return tool;
}

Tool find_nchan() {
  Tool tool = node_with_ws();
  if (!tool.missing.empty()) return tool;
  const std::filesystem::path module =
      std::filesystem::absolute(tests_folder() / "..") / "build/node/node_modules/nchan";
  tool.missing = "npm's module nchan is missing: run make check-deps, which needs npm for it";
  if (std::filesystem::exists(module / "package.json")) tool.missing.clear();
  tool.command.argv = {"node", client_script("nchan_client.cjs"), module.string()};
  return tool;
}

// tests/page/SCRIPT with the first of the browsers that can be started.
Tool find_browser(const char* script, std::initializer_list<const char*> names) {
  Tool tool = node_with_ws();
  if (!tool.missing.empty()) return tool;
  tool.command.argv = {"node", (tests_folder() / "page" / script).string()};
  for (const char* name : names) {
    if (!succeeds({.argv = {name, "--version"}})) continue;
    tool.command.argv.emplace_back(name);
    return tool;
  }
  tool.missing =
      "a browser is missing: install " + std::string(*names.begin()) + ", or run make check-deps";
  return tool;
}

Tool find_python() {
  Tool tool;
  std::vector<std::string> candidates;
  const std::string finder = (tests_folder() / "find_python").string();
  if (::access(finder.c_str(), X_OK) == 0) {
    const Output found = run({.argv = {finder}});
    if (found.status.code == 0) candidates.push_back(found.out.substr(0, found.out.find('\n')));
  }
  candidates.insert(candidates.end(), {"python3", "/usr/bin/python3"});
  for (const std::string& python : candidates) {
    tool.command = {.argv = {python}};
    if (!python.empty() && succeeds(tool.with({"-c", "import websockets"}))) return tool;
  }
  tool.missing = "a python3 that can import websockets is missing: install python3-websockets";
  return tool;
}

Tool find_curl() {
  // A user's ~/.curlrc must not change the test (--disable), and no proxy may be used.
  Tool tool{.command = {.argv = {"curl", "--disable", "--noproxy", "*", "--silent"}},
            .missing = {}};
  if (!succeeds({.argv = {"curl", "--version"}})) tool.missing = "curl is missing: install curl";
  return tool;
}

// Daemons are installed in folders that may be missing from the PATH of a user who is not root.
Tool find_daemon(const std::string& name) {
  Tool tool{.command = {.argv = {name}}, .missing = {}};
  for (const std::string& path : {name, "/usr/sbin/" + name, "/usr/local/sbin/" + name}) {
    tool.command.argv = {path};
    if (succeeds(tool.with({"-v"}))) return tool;
  }
  tool.missing = name + " is missing: install " + name;
  return tool;
}

Tool find_caddy() {
  Tool tool{.command = {.argv = {"caddy"}}, .missing = {}};
  if (!succeeds(tool.with({"version"}))) tool.missing = "caddy is missing: install caddy";
  return tool;
}

Tool find_openssl() {
  Tool tool{.command = {.argv = {"openssl"}}, .missing = {}};
  if (!succeeds(tool.with({"version"}))) tool.missing = "openssl is missing: install openssl";
  return tool;
}

Tool find_stunnel() {
  Tool tool{.command = {.argv = {"stunnel"}}, .missing = {}};
  if (!succeeds(tool.with({"-version"}))) tool.missing = "stunnel is missing: install stunnel4";
  return tool;
}

// The program `faketime` would be the parent of the program that it runs.
Tool find_faketime() {
  Tool tool;
  const Output found = run({.argv = {"faketime", "-f", "+1s", "printenv", "LD_PRELOAD"}});
  if (found.status.code != 0) {
    tool.missing = "faketime is missing: install faketime";
    return tool;
  }
  tool.command.argv = {"env", "LD_PRELOAD=" + found.out.substr(0, found.out.find('\n'))};
  return tool;
}

// Debian's package `prometheus` contains both.
Tool find_of_prometheus(const std::string& name) {
  Tool tool{.command = {.argv = {name}}, .missing = {}};
  if (!succeeds(tool.with({"--version"}))) tool.missing = name + " is missing: install prometheus";
  return tool;
}

}  // namespace

Command Tool::with(const std::vector<std::string>& arguments) const {
  Command result = command;
  result.argv.insert(result.argv.end(), arguments.begin(), arguments.end());
  return result;
}

const Tool& node_with_ws() {
  static const Tool tool = find_node();
  return tool;
}

const Tool& node_with_nchan() {
  static const Tool tool = find_nchan();
  return tool;
}

const Tool& chromium_with_node() {
  static const Tool tool =
      find_browser("page_client.cjs", {"chromium", "chromium-browser", "google-chrome"});
  return tool;
}

const Tool& firefox_with_node() {
  static const Tool tool = find_browser("firefox_client.cjs", {"firefox-esr", "firefox"});
  return tool;
}

const Tool& python_with_websockets() {
  static const Tool tool = find_python();
  return tool;
}

const Tool& curl() {
  static const Tool tool = find_curl();
  return tool;
}

const Tool& nginx() {
  static const Tool tool = find_daemon("nginx");
  return tool;
}

const Tool& caddy() {
  static const Tool tool = find_caddy();
  return tool;
}

const Tool& haproxy() {
  static const Tool tool = find_daemon("haproxy");
  return tool;
}

const Tool& stunnel() {
  static const Tool tool = find_stunnel();
  return tool;
}

const Tool& faketime() {
  static const Tool tool = find_faketime();
  return tool;
}

const Tool& openssl() {
  static const Tool tool = find_openssl();
  return tool;
}

const Tool& promtool() {
  static const Tool tool = find_of_prometheus("promtool");
  return tool;
}

const Tool& prometheus() {
  static const Tool tool = find_of_prometheus("prometheus");
  return tool;
}

Tool example(const std::string& name) {
  Tool tool;
  tool.ours = true;
  const std::string folder = environment("WSD_EXAMPLES");
  tool.command.argv = {folder + "/" + name};
  if (folder.empty()) {
    tool.missing = "WSD_EXAMPLES does not name the folder of the built docs/examples";
  } else if (::access(tool.command.argv[0].c_str(), X_OK) != 0) {
    tool.missing = "the example " + tool.command.argv[0] + " is missing: run 'make examples'";
  }
  return tool;
}

std::string deployed(const std::string& name) {
  std::ifstream file(tests_folder() / ".." / "docs" / "deploy" / name);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(text.empty()) << "docs/deploy/" << name << " is not there";
  return text;
}

Tool tutorial(const std::string& name) { return example("../tutorial/" + name); }

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string client_script(const std::string& name) {
  return (tests_folder() / "clients" / name).string();
}

bool tools_are_required() { return environment("CI") == "true"; }

bool may_start(const Tool& tool) {
  std::string_view suite =
      ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name();
  suite.remove_prefix(suite.rfind('/') + 1);  // the name of a set of parameters
  return tool.ours || suite.starts_with("Foreign") || suite.starts_with("Engine");
}

TemporaryDirectory::TemporaryDirectory() {
  // Short, because the path of a Unix socket has room for 107 bytes only.
  std::string pattern = "/tmp/wsd-e2e-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& content) const {
  std::ofstream(file(name)) << content;
  return file(name);
}

}  // namespace e2e
