// The TLS of docs/deploy/stunnel.conf between a node and Redis, with a certificate of this test.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/admin_server.h"
#include "support/engine_nodes.h"
#include "support/redis_process.h"
#include "support/subprocess.h"
#include "support/tools.h"

namespace e2e {
namespace {

constexpr const char* kName = "redis.example.com";

void replace_once(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << "stunnel.conf has no \"" << from << '"';
  text.replace(at, from.size(), to);
}

// A stunnel that is Redis's TLS port, on a Unix socket. It has a certificate for kName.
class TlsServer {
 public:
  explicit TlsServer(const RedisProcess& redis) {
    const Output made = run(openssl().with(
        {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
         "2", "-keyout", folder_.file("key"), "-out", certificate(), "-subj",
         std::string("/CN=") + kName, "-addext", std::string("subjectAltName=DNS:") + kName}));
    EXPECT_EQ(made.status.code, 0) << made.all();
    const std::string config = folder_.write(
        "server.conf", "foreground = yes\npid =\n[redis]\naccept = " + socket() +
                           "\nconnect = " + redis.socket() + "\ncert = " + certificate() +
                           "\nkey = " + folder_.file("key") + "\n");
    process_ = std::make_unique<Subprocess>(stunnel().with({config}));
    listens_at(*process_, socket());
  }

  // Starts the stunnel of the guide, which expects this name in the certificate. Returns the path
  // of its socket.
  std::string client(const std::string& expected_name) {
    const std::string accept = folder_.file("client-" + expected_name);
    std::string text = deployed("stunnel.conf");
    replace_once(text, "accept = /run/wsd-redis/tls.sock", "accept = " + accept);
    replace_once(text, "connect = redis.example.com:6379", "connect = " + socket());
    replace_once(text, "/etc/ssl/certs/ca-certificates.crt", certificate());
    replace_once(text, "checkHost = redis.example.com", "checkHost = " + expected_name);
    const std::string config = folder_.write("client-" + expected_name + ".conf", text);
    clients_.push_back(std::make_unique<Subprocess>(stunnel().with({config})));
    listens_at(*clients_.back(), accept);
    return accept;
  }

 private:
  static void listens_at(const Subprocess& process, const std::string& path) {
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(path); })) << process.output();
  }
  [[nodiscard]] std::string certificate() const { return folder_.file("certificate"); }
  [[nodiscard]] std::string socket() const { return folder_.file("server"); }

  TemporaryDirectory folder_;
  std::unique_ptr<Subprocess> process_;
  std::vector<std::unique_ptr<Subprocess>> clients_;
};

TEST(EngineTls, StunnelOfTheGuide_LeadsToRedis) {
  E2E_REQUIRE(redis_server());
  E2E_REQUIRE(stunnel());
  E2E_REQUIRE(openssl());
  const RedisProcess redis;
  TlsServer tls(redis);
  EngineNodes nodes({"redis+unix:" + tls.client(kName), redis.url()});
  ASSERT_TRUE(nodes.ready());
  const Place first = nodes[1].publish("a", "first");
  RawClient member = nodes[0].connect();
  ASSERT_TRUE(opens_meta(member, "/rooms/a?last_event_id=" + first.text()));
  nodes[0].publish("a", "over TLS");
  EXPECT_EQ(read_meta(member).payload, "over TLS");
  nodes[1].publish("a", "to TLS");
  EXPECT_EQ(read_meta(member).payload, "to TLS");
}

TEST(EngineTls, CertificateForAnotherName_IsRefused) {
  E2E_REQUIRE(redis_server());
  E2E_REQUIRE(stunnel());
  E2E_REQUIRE(openssl());
  const RedisProcess redis;
  TlsServer tls(redis);
  EngineNodes nodes(1, "redis+unix:" + tls.client("other.example.com"));
  EXPECT_TRUE(nodes[0].process().process().wait_for_line("engine_down"));
  EXPECT_EQ(nodes[0].ask("GET", "/readyz").status, 503);
}

}  // namespace
}  // namespace e2e
