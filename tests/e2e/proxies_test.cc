// Real proxies, configured as in docs/deploy: nginx and Caddy with X-Forwarded-For, HAProxy with
// the PROXY protocol. Clients use wss, and the proxy connects to the server over loopback. Also
// tests clients that forge the proxy's data.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

// The address of the clients. The proxies use 127.0.0.1.
constexpr const char* kClient = "127.0.0.7";
constexpr const char* kOtherClient = "127.0.0.8";
constexpr auto kScriptPatience = std::chrono::seconds(60);

std::string loopback(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

// Replaces each `from`. There must be at least one.
void substitute(std::string& text, const std::string& from, const std::string& to) {
  std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "'" << from << "' is not in the file any more";
  for (; at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// A self-signed certificate for 127.0.0.1.
class Certificate {
 public:
  explicit Certificate(const TemporaryDirectory& directory)
      : certificate_(directory.file("tls.crt")), key_(directory.file("tls.key")) {
    const Output made = run(openssl().with(
        {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", key_, "-out", certificate_}));
    EXPECT_EQ(made.status.code, 0) << made.all();
  }
  [[nodiscard]] const std::string& file() const { return certificate_; }
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  std::string certificate_;
  std::string key_;
};

// A proxy in front of `server`, and its clients.
class Proxy {
 public:
  // `start` returns the proxy's command for a given port.
  template <class Start>
  Proxy(const Certificate& certificate, Start start) : certificate_(certificate.file()) {
    // Another program may have taken a port that was free before.
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      process_ = std::make_unique<Subprocess>(start(port_));
      bool ended = false;
      const bool up = eventually([&] {
        ended = process_->wait_exit(Duration::zero()).has_value();
        return ended || RawClient::tcp(port_).connected();
      });
      if (up && !ended) return;
    }
    ADD_FAILURE() << "the proxy does not listen:\n" << process_->output();
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() {
    process_->signal(SIGTERM);
    EXPECT_TRUE(process_->wait_exit()) << "the proxy does not end";
  }

  [[nodiscard]] std::string url(const std::string& scheme, const std::string& path) const {
    return scheme + "://" + loopback(port_) + path;
  }
  [[nodiscard]] Command client(const Tool& tool, const char* script,
                               const std::vector<std::string>& arguments,
                               const char* from = kClient) const {
    Command command = tool.with({client_script(script)});
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env.insert(command.env.end(), {{"SSL_CERT_FILE", certificate_},
                                           {"NODE_EXTRA_CA_CERTS", certificate_},
                                           {"CLIENT_ADDRESS", from}});
    return command;
  }
  // Starts a WebSocket client that stays connected. It prints "open", or why it could not connect.
  [[nodiscard]] std::unique_ptr<Subprocess> stays(const std::string& path,
                                                  const char* from = kClient) const {
    return std::make_unique<Subprocess>(
        client(python_with_websockets(), "websockets_client.py", {"wait", url("wss", path)}, from));
  }
  // Returns the status of a GET with these additional fields.
  [[nodiscard]] std::string get(const std::string& path,
                                const std::vector<std::string>& fields = {}) const {
    Command command =
        curl().with({"--cacert", certificate_, "--interface", kClient, "--http1.1", "--output",
                     "/dev/null", "--write-out", "%{http_code}", url("https", path)});
    for (const std::string& field : fields) {
      command.argv.insert(command.argv.end(), {"--header", field});
    }
    return run(command).out;
  }
  [[nodiscard]] std::string output() const { return process_->output(); }

 private:
  std::string certificate_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Subprocess> process_;
};

// docs/deploy/nginx.conf inside the smallest configuration that nginx accepts.
Command nginx_command(const TemporaryDirectory& directory, const Certificate& certificate,
                      const std::string& upstream, std::uint16_t port) {
  std::string site = deployed("nginx.conf");
  substitute(site, "server 127.0.0.1:9001;", "server " + upstream + ";");
  substitute(site, "listen 443 ssl;", "listen " + loopback(port) + " ssl;");
  substitute(site, "listen [::]:443 ssl;", "");
  substitute(site, "/etc/nginx/tls/ws.example.com.crt", certificate.file());
  substitute(site, "/etc/nginx/tls/ws.example.com.key", certificate.key());
  std::string around = "daemon off;\nmaster_process off;\nerror_log stderr notice;\npid " +
                       directory.file("nginx.pid") +
                       ";\nevents { worker_connections 256; }\nhttp {\naccess_log off;\n";
  for (const std::string kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    around += kind + "_temp_path " + directory.file(kind) + ";\n";
  }
  around += "include " + directory.write("site.conf", site) + ";\n}\n";
  return nginx().with(
      {"-e", "stderr", "-p", directory.file(""), "-c", directory.write("nginx.conf", around)});
}

Command haproxy_command(const TemporaryDirectory& directory, const Certificate& certificate,
                        const std::string& version, std::uint16_t server, std::uint16_t port) {
  std::string config = deployed("haproxy.cfg");
  const Output joined = run({.argv = {"cat", certificate.file(), certificate.key()}});
  const std::string pem = directory.write("tls.pem", joined.out);
  substitute(config, "server wsd1 127.0.0.1:9001 send-proxy-v2 check",
             "server wsd1 " + loopback(server) + " " + version + " check inter 100ms");
  substitute(config, "bind :::443 v4v6 ", "bind " + loopback(port) + " ");
  substitute(config, "/etc/haproxy/tls/ws.example.com.pem", pem);
  substitute(config, "maxconn 20000", "maxconn 256");
  return haproxy().with({"-db", "-f", directory.write("haproxy.cfg", config)});
}

Command caddy_command(const TemporaryDirectory& directory, const Certificate& certificate,
                      const std::string& upstream, std::uint16_t port) {
  std::string site = deployed("Caddyfile");
  substitute(site, "ws.example.com {",
             "https://" + loopback(port) + " {\n\tbind 127.0.0.1\n\ttls " + certificate.file() +
                 " " + certificate.key() + "\n");
  substitute(site, "127.0.0.1:9001", upstream);
  Command command =
      caddy().with({"run", "--adapter", "caddyfile", "--config",
                    directory.write("Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\n" + site)});
  for (const char* name : {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"}) {
    command.env.emplace_back(name, directory.file(""));
  }
  return command;
}

void expect_success(const Command& command) {
  const Output output = run(command, kScriptPatience);
  EXPECT_EQ(output.status.code, 0) << output.all();
  EXPECT_NE(output.out.find("ok "), std::string::npos) << output.all();
}

bool is_open(Subprocess& client) {
  return client.wait_for_line("^open$", 0, kScriptPatience).has_value();
}

// Returns the next line, from line `from` on, that logs the end of a connection.
std::string end_line(ServerProcess& server, std::size_t from, const std::string& pattern = {}) {
  return server.process().wait_for_line("connection_end.*" + pattern, from).value_or("no line");
}

std::size_t lines_of(ServerProcess& server) { return server.process().lines().size(); }

std::size_t ends_of_echoes(ServerProcess& server, std::size_t from) {
  const std::vector<std::string> lines = server.process().lines();
  return static_cast<std::size_t>(std::count_if(
      lines.begin() + static_cast<std::ptrdiff_t>(from), lines.end(), [](const auto& line) {
        return line.find("connection_end") != std::string::npos &&
               line.find("path=/echo") != std::string::npos;
      }));
}

// Checks that the log line names `address` as `remote` and the proxy as `via`.
void expect_remote(const std::string& line, const std::string& address) {
  const std::string remote = log_value(line, "remote");
  EXPECT_EQ(remote.substr(0, remote.find(':')), address) << line;
  EXPECT_EQ(log_value(line, "via").substr(0, 10), "127.0.0.1:") << line;
}

std::uint16_t admin_port(ServerProcess& server) {
  const std::string line = server.process().wait_for_line("^admin on ").value_or(":0");
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

// A page of the admin listener.
std::string page(std::uint16_t port, const char* path) {
  RawClient client = RawClient::tcp(port);
  client.send(RequestText::get(path).set("Host", "localhost").text());
  return client.read_response().value_or(HttpResponse{}).body;
}

// A complete handshake, because HAProxy answers one without a key by itself (400).
const std::vector<std::string> kForgedHandshake = {
    "X-Forwarded-For: 6.6.6.6", "Connection: Upgrade", "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"};

// Every proxy must pass all checks that clients of other projects make of an echo.
void expect_echoes(const Proxy& proxy) {
  expect_success(
      proxy.client(node_with_ws(), "ws_client.cjs", {"echo", proxy.url("wss", "/echo")}));
  expect_success(proxy.client(python_with_websockets(), "websockets_client.py",
                              {"echo", proxy.url("wss", "/echo")}));
  EXPECT_EQ(proxy.get("/healthz"), "200") << proxy.output();
}

// The limit applies to one client and not to another, and ended connections no longer count.
void expect_limits_for_each_client(ServerProcess& server, const Proxy& proxy) {
  std::vector<std::unique_ptr<Subprocess>> open;
  for (const char* from : {kClient, kClient, kOtherClient}) {
    open.push_back(proxy.stays("/echo", from));
    ASSERT_TRUE(is_open(*open.back())) << open.back()->output() << proxy.output();
  }
  std::size_t from = lines_of(server);
  const auto refused = proxy.stays("/echo");
  const auto status = refused->wait_exit(kScriptPatience);
  ASSERT_TRUE(status);
  EXPECT_NE(status->code, 0);
  EXPECT_NE(refused->output().find("429"), std::string::npos) << refused->output();
  std::string line = end_line(server, from, "address_limit");
  EXPECT_EQ(log_value(line, "status"), "429");
  expect_remote(line, kClient);

  from = lines_of(server);
  open[0]->signal(SIGKILL);
  expect_remote(end_line(server, from, "path=/echo"), kClient);
  open[0] = proxy.stays("/echo");
  EXPECT_TRUE(is_open(*open[0])) << open[0]->output();

  from = lines_of(server);
  for (const auto& client : open) client->signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return ends_of_echoes(server, from) == open.size(); }))
      << server.process().output();
}

// The Close of a drain reaches the client through the proxy, and the client's answer comes back.
// The drain may also end the proxy's own health checks.
void expect_goodbye(ServerProcess& server, const Proxy& proxy) {
  const auto client = proxy.stays("/echo");
  ASSERT_TRUE(is_open(*client)) << client->output();
  const std::size_t from = lines_of(server);
  server.signal(SIGTERM);
  EXPECT_TRUE(client->wait_for_line("^closed 1001$", 0, kScriptPatience)) << client->output();
  const std::string line = end_line(server, from, "path=/echo");
  EXPECT_EQ(log_value(line, "cause"), "drain") << line;
  EXPECT_EQ(log_value(line, "code_received"), "1001") << line;
}

class ForeignProxy : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
};

#define E2E_REQUIRE_CLIENTS()              \
  do {                                     \
    E2E_REQUIRE(openssl());                \
    E2E_REQUIRE(curl());                   \
    E2E_REQUIRE(node_with_ws());           \
    E2E_REQUIRE(python_with_websockets()); \
  } while (false)

TEST_F(ForeignProxy, NginxOverLoopback) {
  E2E_REQUIRE(nginx());
  E2E_REQUIRE_CLIENTS();
  const Certificate certificate(directory_);
  ServerProcess server({"--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "2",
                        "--log-level", "info"});
  ASSERT_TRUE(server.listening());
  const Proxy proxy(certificate, [&](std::uint16_t port) {
    return nginx_command(directory_, certificate, loopback(server.port()), port);
  });
  expect_echoes(proxy);
  // The address that the client forges stands left of the one that nginx adds.
  for (const std::string forged :
       {"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: ,unknown,",
        "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6"}) {
    const std::size_t from = lines_of(server);
    EXPECT_EQ(proxy.get("/nowhere", {forged, "Upgrade: websocket"}), "404");
    const std::string line = end_line(server, from, "404");
    expect_remote(line, kClient);
  }
  expect_limits_for_each_client(server, proxy);
  expect_goodbye(server, proxy);
}

TEST_F(ForeignProxy, CaddyOverLoopback) {
  E2E_REQUIRE(caddy());
  E2E_REQUIRE_CLIENTS();
  const Certificate certificate(directory_);
  ServerProcess server({"--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "2",
                        "--log-level", "info"});
  ASSERT_TRUE(server.listening());
  const Proxy proxy(certificate, [&](std::uint16_t port) {
    return caddy_command(directory_, certificate, loopback(server.port()), port);
  });
  expect_echoes(proxy);
  const std::size_t from = lines_of(server);
  EXPECT_EQ(proxy.get("/nowhere", kForgedHandshake), "404");
  expect_remote(end_line(server, from, "404"), kClient);
  expect_limits_for_each_client(server, proxy);
  expect_goodbye(server, proxy);
}

// A proxy ends a connection that is silent for longer than its timeout. Pings prevent silence.
TEST_F(ForeignProxy, Nginx_KeepsIdleConnectionThatPings) {
  E2E_REQUIRE(nginx());
  E2E_REQUIRE_CLIENTS();
  const Certificate certificate(directory_);
  for (const bool pings : {true, false}) {
    ServerProcess server({"--trusted-proxy", "127.0.0.1", "--read-timeout", "off", "--admin",
                          "127.0.0.1:0", "--ping-interval", pings ? "500ms" : "off"});
    ASSERT_TRUE(server.listening());
    const std::uint16_t admin = admin_port(server);
    const Proxy proxy(certificate, [&](std::uint16_t port) {
      Command command = nginx_command(directory_, certificate, loopback(server.port()), port);
      std::string site = run({.argv = {"cat", directory_.file("site.conf")}}).out;
      substitute(site, "proxy_read_timeout 90s;", "proxy_read_timeout 3s;");
      static_cast<void>(directory_.write("site.conf", site));
      return command;
    });
    const auto client = proxy.stays("/echo");
    ASSERT_TRUE(is_open(*client)) << client->output() << proxy.output();
    if (pings) {
      // Ten half seconds are longer than the timeout of three seconds.
      EXPECT_TRUE(eventually([&] {
        const std::string text = page(admin, "/metrics");
        const std::size_t at = text.find("\nwsd_ping_round_trip_seconds_count ");
        return at != std::string::npos && std::atoi(text.c_str() + text.find(' ', at)) >= 10;
      }));
      EXPECT_EQ(client->output(), "open\n");
    } else {
      EXPECT_TRUE(client->wait_for_line("^closed 1006$", 0, kScriptPatience)) << client->output();
    }
  }
}

TEST_F(ForeignProxy, NginxOverAUnixSocket) {
  E2E_REQUIRE(nginx());
  E2E_REQUIRE_CLIENTS();
  const Certificate certificate(directory_);
  const std::string path = directory_.file("wsd.sock");
  ServerProcess server({"--listen", "unix:" + path, "--trusted-proxy", "unix",
                        "--max-connections-per-address", "1"});
  ASSERT_TRUE(server.listening());
  const Proxy proxy(certificate, [&](std::uint16_t port) {
    return nginx_command(directory_, certificate, "unix:" + path, port);
  });
  const auto client = proxy.stays("/echo");
  ASSERT_TRUE(is_open(*client)) << client->output() << proxy.output();
  const auto other = proxy.stays("/echo", kOtherClient);
  ASSERT_TRUE(is_open(*other)) << other->output();
  const std::size_t from = lines_of(server);
  client->signal(SIGKILL);
  const std::string line = end_line(server, from);
  EXPECT_EQ(log_value(line, "remote"), kClient) << line;
  EXPECT_EQ(log_value(line, "via"), "unix") << line;
}

class ForeignHaproxy : public ForeignProxy, public ::testing::WithParamInterface<const char*> {};

TEST_P(ForeignHaproxy, WithTheProxyProtocol) {
  E2E_REQUIRE(haproxy());
  E2E_REQUIRE_CLIENTS();
  const Certificate certificate(directory_);
  ServerProcess server({"--proxy-protocol", "on", "--trusted-proxy", "127.0.0.1",
                        "--max-connections-per-address", "2"});
  ASSERT_TRUE(server.listening());
  const Proxy proxy(certificate, [&](std::uint16_t port) {
    return haproxy_command(directory_, certificate, GetParam(), server.port(), port);
  });
  expect_echoes(proxy);
  const std::size_t from = lines_of(server);
  EXPECT_EQ(proxy.get("/nowhere", kForgedHandshake), "404");
  expect_remote(end_line(server, from, "404"), kClient);
  expect_limits_for_each_client(server, proxy);
  expect_goodbye(server, proxy);
}

INSTANTIATE_TEST_SUITE_P(Versions, ForeignHaproxy, ::testing::Values("send-proxy", "send-proxy-v2"),
                         [](const auto& row) {
                           return std::string(row.param).ends_with("v2") ? "Two" : "One";
                         });

// HAProxy's health checks, as its manual begins with them. The first two are its defaults.
TEST_F(ForeignProxy, HaproxyHealthChecks_FindTheServerUp_AndThenLeaving) {
  E2E_REQUIRE(haproxy());
  E2E_REQUIRE(curl());
  E2E_REQUIRE(openssl());
  ServerProcess server({"--drain-delay", "600s"});
  ASSERT_TRUE(server.listening());
  const std::vector<std::pair<std::string, std::string>> checks = {
      {"tcp", ""},
      {"options", "option httpchk"},
      {"asterisk", "option httpchk OPTIONS *"},
      {"healthz", "option httpchk GET /healthz"}};
  std::string config =
      "global\n maxconn 256\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n"
      " timeout server 30s\n";
  for (const auto& [name, option] : checks) {
    config += "backend " + name + "\n " + option + "\n server one " + loopback(server.port()) +
              " check inter 50ms\n";
  }
  const Proxy proxy(Certificate(directory_), [&](std::uint16_t port) {
    const std::string stats = "frontend stats\n bind " + loopback(port) +
                              "\n stats enable\n stats uri /\n stats refresh 1s\n";
    return haproxy().with({"-db", "-f", directory_.write("checks.cfg", config + stats)});
  });
  // Returns the row of the statistics for that backend's server.
  const auto row = [&](const std::string& name) {
    const std::string text = run(curl().with({"--silent", proxy.url("http", "/;csv")})).out;
    const std::size_t at = text.find("\n" + name + ",one,");
    return at == std::string::npos ? std::string()
                                   : text.substr(at + 1, text.find('\n', at + 1) - at);
  };
  const auto finds = [&](const std::string& name, const std::string& status,
                         const std::string& check) {
    return eventually([&] {
      const std::string found = row(name);
      return found.find("," + status + ",") != std::string::npos &&
             found.find("," + check + ",") != std::string::npos;
    });
  };
  EXPECT_TRUE(finds("tcp", "UP", "L4OK")) << row("tcp");
  for (const char* name : {"options", "asterisk", "healthz"}) {
    EXPECT_TRUE(finds(name, "UP", "L7OK")) << row(name);
  }
  server.signal(SIGTERM);
  for (const char* name : {"options", "asterisk", "healthz"}) {
    EXPECT_TRUE(finds(name, "DOWN", "L7STS")) << row(name);
  }
  EXPECT_TRUE(finds("tcp", "UP", "L4OK")) << row("tcp");
  for (const std::string& line : server.process().lines()) {
    EXPECT_EQ(line.find("connection_end"), std::string::npos) << line;
  }
  server.signal(SIGTERM);
  EXPECT_TRUE(server.wait_exit());
}

std::string remote_in_log(const std::vector<std::string>& flags, const std::string& fields) {
  ServerProcess server(flags);
  EXPECT_TRUE(server.listening());
  RawClient client = server.connect();
  const std::string address = client.local_address();
  RequestText request = RequestText::upgrade("/nowhere");
  request.raw(fields);
  client.send(request.text());
  EXPECT_TRUE(is_refused(client, {404}));
  const std::string remote = log_value(end_line(server, 0), "remote");
  return remote == address ? "peer" : remote;
}

TEST(Proxies, ForgedFieldsAreIgnored) {
  for (const std::string field :
       {"X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6",
        "X-Forwarded-For: 10.0.0.1, 6.6.6.6, 10.0.0.1", "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=\"[::1]\"", "X-Forwarded-For: unknown"}) {
    EXPECT_EQ(remote_in_log({}, field), "peer") << field;
    EXPECT_EQ(remote_in_log({"--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::/0",
                             "--trusted-proxy", "unix"},
                            field),
              "peer")
        << field;
  }
  EXPECT_EQ(remote_in_log({"--trusted-proxy", "127.0.0.1"}, "X-Forwarded-For: 6.6.6.6"), "6.6.6.6");
  EXPECT_EQ(remote_in_log({"--trusted-proxy", "127.0.0.1"}, "Forwarded: for=6.6.6.6"), "peer");
  EXPECT_EQ(remote_in_log({"--trusted-proxy", "127.0.0.1", "--forwarded-field", "forwarded"},
                          "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 7.7.7.7"),
            "6.6.6.6");
}

TEST(Proxies, ProxyProtocolOn_RejectsOtherInput) {
  ServerProcess server(
      {"--proxy-protocol", "on", "--trusted-proxy", "127.0.0.1", "--admin", "127.0.0.1:0"});
  ASSERT_TRUE(server.listening());
  const std::uint16_t admin = admin_port(server);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {RequestText::upgrade().text(), "NoProxyHeader"},
      {"PROXY TCP4 192.0.2.1 198.51.100.2 99999 443\r\n", "BadProxyHeader"},
      {"\x16\x03\x01\x02", "NoProxyHeader"},
  };
  for (const auto& [bytes, violation] : rows) {
    RawClient client = server.connect();
    const std::string address = client.local_address();
    client.send(bytes);
    EXPECT_EQ(client.read_end(), End::kFin) << "without a word";
    const std::string line = server.wait_for_end_of(address).value_or("no line");
    EXPECT_EQ(log_value(line, "cause"), "proxy_header") << line;
    EXPECT_EQ(log_value(line, "violation"), violation) << line;
    EXPECT_TRUE(server.process().wait_for_line("proxy_header_refused.*" + address + ".*PROXY"));
  }
  // The admin listener is not behind the proxy. It counts the rejections.
  EXPECT_TRUE(eventually([&] {
    return page(admin, "/metrics").find("{cause=\"proxy_header\"} 3\n") != std::string::npos;
  }));
  // A valid header, byte by byte.
  RawClient client = server.connect();
  client.send_in_pieces(
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n" + RequestText::upgrade().text(), 1);
  ASSERT_TRUE(is_upgraded(client));
  const std::string connections = page(admin, "/connections");
  const std::string both =
      "\"remote\":\"192.0.2.1:4711\",\"via\":\"" + client.local_address() + "\"";
  EXPECT_NE(connections.find(both), std::string::npos) << connections;
  EXPECT_TRUE(closes_normally(client));
}

TEST(Proxies, HeaderRejections_AreRateLimitedInTheLog) {
  ServerProcess server(
      {"--proxy-protocol", "on", "--trusted-proxy", "10.0.0.0/8", "--admin", "127.0.0.1:0"});
  ASSERT_TRUE(server.listening());
  const std::uint16_t admin = admin_port(server);
  constexpr int kMany = 2'000;
  for (int i = 0; i < kMany; ++i) {
    RawClient client = server.connect();
    EXPECT_NE(client.read_end(), End::kTimeout);
  }
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (const std::string& line : server.process().lines()) {
      if (line.find(text) != std::string::npos) ++found;
    }
    return found;
  };
  EXPECT_TRUE(eventually([&] {
    return page(admin, "/metrics").find("{cause=\"proxy_header\"} 2000\n") != std::string::npos;
  })) << page(admin, "/metrics");
  for (const char* event : {"proxy_header_refused", "connection_end"}) {
    EXPECT_TRUE(eventually([&] { return count(event) >= 1; })) << event;
    EXPECT_LT(count(event), kMany) << event;
  }
}

}  // namespace
}  // namespace e2e
