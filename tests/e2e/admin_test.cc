// The admin listener: its figures match the traffic, it answers only authorized clients, and wsd
// top and Prometheus can read it.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/expect.h"
#include "support/server_process.h"
#include "support/tools.h"

namespace e2e {
namespace {

constexpr const char* kToken = "a-token-that-is-long-enough";

// A running server with an admin listener, and a client of that listener.
class AdminServer {
 public:
  explicit AdminServer(std::vector<std::string> flags = {},
                       const std::string& admin = "127.0.0.1:0", std::size_t max_descriptors = 0)
      : server_(command_of(std::move(flags), admin, max_descriptors)) {
    const auto line = server_.process().wait_for_line("^admin on ");
    if (!line) {
      ADD_FAILURE() << "no admin listener: " << server_.process().output();
      return;
    }
    address_ = line->substr(line->rfind(' ') + 1);
  }

  [[nodiscard]] ServerProcess& server() { return server_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const {
    return static_cast<std::uint16_t>(std::stoi(address_.substr(address_.rfind(':') + 1)));
  }
  [[nodiscard]] RawClient connect() const {
    return address_.starts_with("unix:") ? RawClient::unix_socket(address_.substr(5))
                                         : RawClient::tcp(port());
  }
  [[nodiscard]] HttpResponse ask(RequestText request) const {
    RawClient client = connect();
    client.send(request.set("Connection", "close").text());
    return client.read_response().value_or(HttpResponse{});
  }
  [[nodiscard]] static RequestText request(std::string_view target) {
    return RequestText::get(target).set("Host", "localhost");
  }
  [[nodiscard]] HttpResponse get(std::string_view target) const { return ask(request(target)); }
  [[nodiscard]] HttpResponse get_with(std::string_view target,
                                      std::string_view authorization) const {
    return ask(request(target).set("Authorization", authorization));
  }
  // Returns one sample of /metrics, or "" if there is none of that name.
  [[nodiscard]] std::string metric(const std::string& series) const {
    const std::string text = "\n" + get("/metrics").body;
    const std::size_t at = text.find("\n" + series + " ");
    if (at == std::string::npos) return {};
    const std::size_t start = at + series.size() + 2;
    return text.substr(start, text.find('\n', start) - start);
  }
  // The server publishes its figures at the end of a turn, which may come after the client has
  // received what the turn sent.
  [[nodiscard]] ::testing::AssertionResult comes_to(const std::string& series,
                                                    const std::string& value) const {
    std::string last;
    if (eventually([&] { return (last = metric(series)) == value; })) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << series << " is " << last << ", not " << value;
  }

 private:
  [[nodiscard]] static Command command_of(std::vector<std::string> flags, const std::string& admin,
                                          std::size_t max_descriptors) {
    flags.insert(flags.end(),
                 {"--admin", admin, "--listen", "127.0.0.1:0", "--log-format", "text"});
    Command command = server_command(std::move(flags));
    command.max_descriptors = max_descriptors;
    return command;
  }

  ServerProcess server_;
  std::string address_;
};

std::string ended(const char* cause) {
  return std::string("wsd_connections_ended_total{cause=\"") + cause + "\"}";
}

TEST(Admin, Metrics_MatchTheTraffic) {
  AdminServer wsd({"--reactors", "2"});
  ServerProcess& server = wsd.server();
  constexpr int kMessages = 25;
  for (int i = 0; i < 4; ++i) {
    RawClient client = server.connect();
    ASSERT_TRUE(opens(client));
    for (int j = 0; j < kMessages; ++j) client.send(text_frame("message"));
    for (int j = 0; j < kMessages; ++j) ASSERT_TRUE(receives_text(client, "message"));
    if (i == 0) {
      client.reset();
    } else if (i == 1) {
      client.send(frame({.opcode = kText, .payload = "unmasked", .mask = false}));
      ASSERT_TRUE(is_closed_with(client, 1002));
    } else {
      client.send(close_frame(1000));
      ASSERT_TRUE(is_closed_with(client, 1000));
    }
  }
  RawClient refused = server.connect();
  refused.send(RequestText::upgrade().set("Origin", "https://elsewhere.example").text());
  EXPECT_EQ(refused.read_response().value_or(HttpResponse{}).status, 403);
  EXPECT_EQ(refused.read_until_end(), End::kFin);
  RawClient stays = server.connect();
  ASSERT_TRUE(opens(stays));

  EXPECT_TRUE(wsd.comes_to("wsd_messages_received_total", "100"));
  EXPECT_TRUE(wsd.comes_to("wsd_messages_sent_total", "100"));
  EXPECT_TRUE(wsd.comes_to("wsd_connections_accepted_total", "6"));
  EXPECT_TRUE(wsd.comes_to("wsd_connections{state=\"open\"}", "1"));
  EXPECT_TRUE(wsd.comes_to("wsd_connections{state=\"closing\"}", "0"));
  EXPECT_TRUE(wsd.comes_to(ended("peer_closed"), "2"));
  EXPECT_TRUE(wsd.comes_to(ended("reset"), "1"));
  EXPECT_TRUE(wsd.comes_to(ended("protocol_error"), "1"));
  EXPECT_TRUE(wsd.comes_to(ended("handshake_rejected"), "1"));
  EXPECT_TRUE(wsd.comes_to(ended("slow_consumer"), "0"));
  EXPECT_TRUE(wsd.comes_to("wsd_handshakes_refused_total{status=\"403\"}", "1"));
  EXPECT_EQ(wsd.metric("wsd_messages_dropped_total"), "0");
  EXPECT_EQ(wsd.metric("wsd_reactors"), "2");
  EXPECT_EQ(wsd.metric("wsd_draining"), "0");
}

TEST(Admin, Rooms_MatchTheTraffic) {
  AdminServer wsd({"--reactors", "2"});
  std::vector<RawClient> members;
  for (int i = 0; i < 3; ++i) {
    members.push_back(wsd.server().connect());
    ASSERT_TRUE(opens(members.back(), "/rooms/a%22b"));
  }
  RawClient other = wsd.server().connect();
  ASSERT_TRUE(opens(other, "/rooms/other"));
  ASSERT_TRUE(wsd.comes_to("wsd_rooms", "2"));
  ASSERT_TRUE(eventually(
      [&] { return wsd.get("/rooms").body.find(R"("members":3})") != std::string::npos; }));
  for (int i = 0; i < 5; ++i) {
    members[0].send(text_frame("to all"));
    for (RawClient& each : members) ASSERT_TRUE(receives_text(each, "to all"));
  }
  EXPECT_TRUE(wsd.comes_to("wsd_room_members", "4"));
  EXPECT_TRUE(wsd.comes_to("wsd_publishes_total", "5"));
  EXPECT_TRUE(wsd.comes_to("wsd_deliveries_total", "15"));
  EXPECT_TRUE(wsd.comes_to("wsd_messages_sent_total", "15"));
  EXPECT_EQ(wsd.metric("wsd_pending_publish_bytes"), "0");
  const HttpResponse rooms = wsd.get("/rooms?limit=1");
  EXPECT_EQ(rooms.get("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(rooms.body, R"({"total":2,"complete":true,"rooms":[{"name":"a\"b","members":3}]})"
                        "\n");
}

TEST(Admin, Connections_AreListedInTheRequestedOrder) {
  AdminServer wsd({"--reactors", "1", "--ping-interval", "100ms"});
  RawClient first = wsd.server().connect();
  ASSERT_TRUE(opens(first));
  RawClient second = wsd.server().connect();
  ASSERT_TRUE(opens(second, "/rooms/x"));
  // Only the first connection answers a Ping, so only it has a round-trip time.
  const auto ping = first.read_frame();
  ASSERT_TRUE(ping && ping->opcode == kPing);
  first.send(pong_frame(ping->payload));
  EXPECT_TRUE(wsd.comes_to("wsd_ping_round_trip_seconds_count", "1"));
  const std::string by_rtt = wsd.get("/connections?sort=rtt").body;
  const std::size_t at_first = by_rtt.find(first.local_address());
  const std::size_t at_second = by_rtt.find(second.local_address());
  ASSERT_NE(at_first, std::string::npos) << by_rtt;
  ASSERT_NE(at_second, std::string::npos) << by_rtt;
  EXPECT_LT(at_first, at_second) << by_rtt;
  EXPECT_NE(by_rtt.find("\"rtt_us\":null", at_second), std::string::npos) << by_rtt;
  EXPECT_EQ(by_rtt.find("{\"total\":2,\"complete\":true,\"connections\":["), 0U) << by_rtt;
  EXPECT_NE(wsd.get("/connections?sort=age&limit=1").body.find(first.local_address()),
            std::string::npos);
  EXPECT_EQ(wsd.get("/connections?limit=0").body.find(first.local_address()), std::string::npos);
  EXPECT_EQ(wsd.get("/connections?sort=height").status, 400);
  EXPECT_EQ(wsd.get("/rooms?sort=age").status, 400);
}

HttpResponse delete_of(const AdminServer& wsd, const std::string& id,
                       const std::string& authorization = {}) {
  RequestText request = AdminServer::request("/");
  request.line("DELETE /connections/" + id + " HTTP/1.1");
  if (!authorization.empty()) request.set("Authorization", authorization);
  return wsd.ask(request);
}

// Returns the id of the only connection.
std::string only_id(const std::string& connections) {
  const std::string head = R"("connections":[{"id":")";
  const std::size_t at = connections.find(head);
  if (at == std::string::npos) return {};
  const std::size_t start = at + head.size();
  return connections.substr(start, connections.find('"', start) - start);
}

TEST(Admin, AConnectionIsClosedByItsId) {
  AdminServer wsd;
  RawClient client = wsd.server().connect();
  ASSERT_TRUE(opens(client));
  const std::string id = only_id(wsd.get("/connections").body);
  EXPECT_EQ(delete_of(wsd, "1").status, 404);
  EXPECT_EQ(delete_of(wsd, "all").status, 404);
  EXPECT_EQ(wsd.get("/connections/" + id).status, 405);
  const HttpResponse response = delete_of(wsd, id);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.get("Cache-Control"), "no-store");
  EXPECT_TRUE(receives(client, kClose, close_payload(1008, "closed by operator")));
  EXPECT_EQ(delete_of(wsd, id).status, 404) << "it is closing already";
  client.send(close_frame(1008));
  EXPECT_EQ(client.read_until_end(), End::kFin);
  EXPECT_TRUE(wsd.comes_to(ended("application_closed"), "1"));
}

TEST(Admin, ForeignHostHeader_Gets421) {
  const TemporaryDirectory folder;
  AdminServer wsd;
  RequestText rebound = RequestText::get("/connections").set("Host", "evil.example");
  EXPECT_EQ(wsd.ask(rebound).status, 421);
  EXPECT_EQ(wsd.ask(RequestText::get("/livez").set("Host", "evil.example")).status, 200);
  EXPECT_EQ(wsd.ask(RequestText::get("/rooms").set("Host", "localhost:80")).status, 200);
  AdminServer guarded({"--admin-token-file", folder.write("token", kToken)});
  rebound.set("Authorization", std::string("Bearer ") + kToken);
  EXPECT_EQ(guarded.ask(rebound).status, 200);
}

TEST(Admin, CloseWithoutToken_IsRejected) {
  const TemporaryDirectory folder;
  AdminServer wsd({"--admin-token-file", folder.write("token", kToken)});
  RawClient client = wsd.server().connect();
  ASSERT_TRUE(opens(client));
  const std::string bearer = std::string("Bearer ") + kToken;
  const std::string id = only_id(wsd.get_with("/connections", bearer).body);
  EXPECT_EQ(delete_of(wsd, id).status, 401);
  client.send(text_frame("still here"));
  EXPECT_TRUE(receives_text(client, "still here"));
  EXPECT_EQ(delete_of(wsd, id, bearer).status, 200);
}

TEST(Admin, Responses_ForbidCachingAndSniffing) {
  AdminServer wsd;
  for (const char* target : {"/livez", "/readyz", "/metrics", "/connections", "/rooms"}) {
    const HttpResponse response = wsd.get(target);
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(response.get("Cache-Control"), "no-store") << target;
    EXPECT_EQ(response.get("X-Content-Type-Options"), "nosniff") << target;
  }
  EXPECT_EQ(wsd.get("/metrics").get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(wsd.get("/").status, 404) << "the page is the other server's";
  RawClient client = wsd.server().connect();
  client.send(RequestText::get("/metrics").text());
  EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, 404);
}

TEST(Admin, WithoutFlag_NothingIsServed) {
  ServerProcess server;
  ASSERT_TRUE(server.listening());
  EXPECT_TRUE(server.ends_cleanly());
  EXPECT_EQ(server.process().output().find("admin on"), std::string::npos);
}

TEST(Admin, Drain_ReadyzGets503UntilTheEnd) {
  AdminServer wsd({"--drain-window", "0", "--close-timeout", "60s", "--drain-timeout", "60s"});
  EXPECT_EQ(wsd.get("/readyz").status, 200);
  RawClient holds_on = wsd.server().connect();
  ASSERT_TRUE(opens(holds_on));
  wsd.server().signal(SIGTERM);
  HttpResponse response;
  ASSERT_TRUE(eventually([&] { return (response = wsd.get("/readyz")).status == 503; }));
  EXPECT_NE(response.body.find("draining"), std::string::npos);
  EXPECT_EQ(wsd.get("/livez").status, 200);
  EXPECT_EQ(wsd.metric("wsd_draining"), "1");
  EXPECT_FALSE(wsd.server().wait_exit(Duration::zero()));
  const auto close = holds_on.read_frame();
  ASSERT_TRUE(close && close->opcode == kClose);
  holds_on.send(close_frame(1001));
  const auto status = wsd.server().wait_exit();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 0) << wsd.server().process().output();
}

TEST(Admin, WithTokenFile_RequestsNeedTheToken) {
  const TemporaryDirectory folder;
  AdminServer wsd({"--admin-token-file", folder.write("token", std::string(kToken) + "\n")});
  for (const char* target : {"/metrics", "/connections", "/rooms"}) {
    const HttpResponse refusal = wsd.get(target);
    EXPECT_EQ(refusal.status, 401) << target;
    EXPECT_EQ(refusal.get("WWW-Authenticate"), "Bearer") << target;
    EXPECT_EQ(wsd.get_with(target, "Bearer wrong-token-of-that-length").status, 401) << target;
    EXPECT_EQ(wsd.get_with(target, std::string("Basic ") + kToken).status, 401) << target;
    EXPECT_EQ(wsd.get_with(target, std::string("Bearer ") + kToken).status, 200) << target;
  }
  for (const char* target : {"/livez", "/readyz"}) EXPECT_EQ(wsd.get(target).status, 200) << target;
  // Before the body, so that callers without the token cannot make the listener hold it.
  for (const char* target : {"/connections/1", "/connections?user=a", "/rooms/a/messages"}) {
    RawClient client = wsd.connect();
    client.send("DELETE " + std::string(target) +
                " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                "Content-Length: 1000\r\n\r\n");
    EXPECT_EQ(client.read_response().value_or(HttpResponse{}).status, 401) << target;
  }
  EXPECT_EQ(wsd.server().process().output().find(kToken), std::string::npos);
}

// A probe must tell whether the process lives, whoever else reaches the listener.
TEST(Admin, IdleConnections_KeepNoProbeOut) {
  const TemporaryDirectory folder;
  AdminServer wsd({"--admin-token-file", folder.write("token", kToken)});
  std::vector<RawClient> silent;
  std::vector<RawClient> half;
  std::vector<RawClient> kept_alive;
  for (int i = 0; i < 70; ++i) {
    silent.push_back(wsd.connect());
    half.push_back(wsd.connect());
    half.back().send("GET /livez HTTP/1.1\r\nHost: localhost\r\n");
    kept_alive.push_back(wsd.connect());
    kept_alive.back().send(AdminServer::request("/livez").text());
    EXPECT_EQ(kept_alive.back().read_response().value_or(HttpResponse{}).status, 200) << i;
  }
  EXPECT_EQ(silent.front().read_end(), End::kFin) << "the oldest one makes way";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wsd.get("/readyz").status, 200);
  EXPECT_EQ(wsd.get_with("/metrics", std::string("Bearer ") + kToken).status, 200);
  // Newer ones stayed. Of connections that came in the same 10 ms, any may count as the oldest.
  int stayed = 0;
  for (std::size_t i = kept_alive.size() - 20; i < kept_alive.size(); ++i) {
    kept_alive[i].send(AdminServer::request("/livez").text());
    if (kept_alive[i].read_response().value_or(HttpResponse{}).status == 200) ++stayed;
  }
  EXPECT_GE(stayed, 10);
}

// Clients may use up all descriptors that they can get. The admin listener and a reload have their
// own.
TEST(Admin, ClientsUseUpTheDescriptors_AdminAnswersAndUsersAreReloaded) {
  const TemporaryDirectory folder;
  const std::string users = folder.write("users", "0123456789abcdef ann read=*\n");
  std::filesystem::permissions(users, std::filesystem::perms::owner_read);
  constexpr std::size_t kDescriptors = 100;
  AdminServer wsd({"--reactors", "2", "--auth-file", users, "--handshake-timeout", "10m"},
                  "127.0.0.1:0", kDescriptors);
  std::vector<RawClient> crowd;
  for (std::size_t i = 0; i < 2 * kDescriptors; ++i) crowd.push_back(wsd.server().connect());
  ASSERT_TRUE(wsd.server().process().wait_for_line("event=accept_paused"));
  // 18 connections are the share of the admin listener, and a client cannot keep one from it.
  std::vector<RawClient> probes;
  for (int i = 0; i < 40; ++i) {
    probes.push_back(wsd.connect());
    probes.back().send(AdminServer::request("/livez").text());
    ASSERT_EQ(probes.back().read_response().value_or(HttpResponse{}).status, 200) << i;
  }
  const std::string fresh = folder.write("fresh", "fedcba9876543210 bob read=*\n");
  std::filesystem::permissions(fresh, std::filesystem::perms::owner_read);
  std::filesystem::rename(fresh, users);
  for (int i = 0; i < 3; ++i) {
    const std::size_t seen = wsd.server().process().lines().size();
    wsd.server().signal(SIGHUP);
    const auto line = wsd.server().process().wait_for_line("event=auth_reload", seen);
    ASSERT_TRUE(line);
    EXPECT_EQ(log_value(*line, "text"), "loaded 1 user");
  }
  crowd.clear();
  EXPECT_TRUE(eventually([&] {
    RawClient next = wsd.server().connect();
    next.send(RequestText::upgrade("/echo").add("Authorization", "Bearer fedcba9876543210").text());
    return next.read_response().value_or(HttpResponse{}).status == 101;
  })) << "clients are accepted again";
}

TEST(Admin, UnixSocket_IsServed) {
  const TemporaryDirectory folder;
  AdminServer wsd({}, "unix:" + folder.file("admin.sock"));
  EXPECT_EQ(wsd.get("/livez").status, 200);
  const Output top = run({.argv = {server_binary(), "top", wsd.address()}});
  EXPECT_EQ(top.status.code, 0) << top.all();
}

Output start_with(const std::vector<std::string>& flags) {
  Command command = server_command({"--listen", "127.0.0.1:0"});
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  return run(command);
}

TEST(Admin, InvalidConfiguration_ErrorIsASentence) {
  const TemporaryDirectory folder;
  const Output open_to_all = start_with({"--admin", "0.0.0.0:0"});
  EXPECT_EQ(open_to_all.status.code, 78);
  EXPECT_NE(open_to_all.err.find("--admin-token-file"), std::string::npos) << open_to_all.err;
  const Output no_file =
      start_with({"--admin", "0.0.0.0:0", "--admin-token-file", folder.file("missing")});
  EXPECT_EQ(no_file.status.code, 78);
  EXPECT_NE(no_file.err.find("missing"), std::string::npos) << no_file.err;
  const Output short_token =
      start_with({"--admin", "127.0.0.1:0", "--admin-token-file", folder.write("short", "secret")});
  EXPECT_EQ(short_token.status.code, 78);
  EXPECT_EQ(short_token.err.find("secret"), std::string::npos) << short_token.err;
  EXPECT_EQ(start_with({"--admin", "nonsense"}).status.code, 2);
  AdminServer wsd;
  EXPECT_EQ(start_with({"--admin", wsd.address()}).status.code, 69);
}

// wsd top, with output that is not a terminal.

TEST(Top, OnAPipe_PrintsOneScreen) {
  const TemporaryDirectory folder;
  const std::string token = folder.write("token", kToken);
  AdminServer wsd({"--admin-token-file", token});
  RawClient client = wsd.server().connect();
  ASSERT_TRUE(opens(client));
  const Output top = run({.argv = {server_binary(), "top", wsd.address(), "--token-file", token}});
  EXPECT_EQ(top.status.code, 0) << top.all();
  EXPECT_NE(top.out.find("connections  open 1 "), std::string::npos) << top.out;
  EXPECT_NE(top.out.find(client.local_address()), std::string::npos) << top.out;
  EXPECT_EQ(top.out.find('\x1b'), std::string::npos) << "no terminal, no control";
  const Output refused = run({.argv = {server_binary(), "top", wsd.address()}});
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_NE(refused.err.find("--token-file"), std::string::npos) << refused.err;
}

TEST(Top, NoServer_PrintsAnError) {
  const TemporaryDirectory folder;
  const Output top = run({.argv = {server_binary(), "top", "unix:" + folder.file("nobody")}});
  EXPECT_EQ(top.status.code, 1);
  EXPECT_NE(top.err.find("cannot connect to an admin listener at unix:"), std::string::npos)
      << top.err;
  EXPECT_EQ(run({.argv = {server_binary(), "top", "--sideways"}}).status.code, 2);
  EXPECT_EQ(run({.argv = {server_binary(), "top", "--help"}}).status.code, 0);
}

// Prometheus reads the metrics.

TEST(ForeignPrometheus, PromtoolFindsNothingWrongWithTheMetrics) {
  E2E_REQUIRE(promtool());
  AdminServer wsd;
  const TemporaryDirectory folder;
  const std::string scrape = folder.write("metrics", wsd.get("/metrics").body);
  const Output check = run({.argv = {"sh", "-c", "promtool check metrics < \"$0\"", scrape}});
  EXPECT_EQ(check.status.code, 0) << check.all();
  EXPECT_EQ(check.all(), "");
}

// Returns the value that Prometheus has scraped for `query`, from its API.
std::string value_of(std::uint16_t port, const std::string& query) {
  RawClient client = RawClient::foreign(port);
  if (!client.connected()) return {};
  client.send(RequestText::get("/api/v1/query?query=" + query).set("Connection", "close").text());
  const std::string body = client.read_response().value_or(HttpResponse{}).body;
  const std::size_t at = body.find("\"value\":[");
  if (at == std::string::npos) return {};
  const std::size_t start = body.find('"', at + 9) + 1;
  return body.substr(start, body.find('"', start) - start);
}

TEST(ForeignPrometheus, PrometheusScrapesIt) {
  E2E_REQUIRE(prometheus());
  AdminServer wsd;
  RawClient client = wsd.server().connect();
  ASSERT_TRUE(opens(client));
  for (int i = 0; i < 7; ++i) {
    client.send(text_frame("scraped"));
    ASSERT_TRUE(receives_text(client, "scraped"));
  }
  const TemporaryDirectory folder;
  const std::string config = folder.write(
      "prometheus.yml",
      "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: wsd\n  static_configs:\n"
      "  - targets: ['" +
          wsd.address() + "']\n");
  const std::uint16_t port = free_port();
  const Subprocess process(
      prometheus().with({"--config.file=" + config, "--storage.tsdb.path=" + folder.file("data"),
                         "--web.listen-address=127.0.0.1:" + std::to_string(port)}));
  // Prometheus must start, scrape and store the samples.
  EXPECT_TRUE(eventually([&] { return value_of(port, "up") == "1"; }, 3 * patience()))
      << process.output();
  EXPECT_TRUE(eventually([&] { return value_of(port, "wsd_messages_received_total") == "7"; }))
      << value_of(port, "wsd_messages_received_total");
  EXPECT_EQ(value_of(port, "wsd_connections%7Bstate=%22open%22%7D"), "1");
}

}  // namespace
}  // namespace e2e
