// An echo client on wsd::Client, with compression, for `wsconform --serve`.
//
//   wsd_echo_client ws://127.0.0.1:PORT
#include <wsd/client.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>

namespace {

// Echoes until the connection ends. Returns the last message.
std::string echo(wsd::Client& client, const std::string& url) {
  std::promise<std::string> over;
  std::string last;
  wsd::Handlers handlers;
  handlers.message = [&](wsd::Connection& server, const wsd::Message& message) {
    last = message.payload;
    server.send(message);
  };
  handlers.close = [&](wsd::Connection&, const wsd::CloseInfo&) { over.set_value(last); };
  const std::string error =
      client.connect(url, {}, handlers, [&](const wsd::ConnectError&) { over.set_value(""); });
  if (error.empty()) return over.get_future().get();
  std::fprintf(stderr, "wsd_echo_client: %s\n", error.c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string base = argv[1];
  wsd::ClientOptions options;
  options.deflate.mode = wsd::DeflateMode::kContextTakeover;
  // The catalogue has messages of 16 MiB.
  options.limits.send_queue_bytes = std::size_t{64} << 20;
  wsd::Client client(options);
  if (const std::string error = client.start(); !error.empty()) {
    std::fprintf(stderr, "wsd_echo_client: %s\n", error.c_str());
    return 1;
  }
  const int count = std::atoi(echo(client, base + "/getCaseCount").c_str());
  for (int i = 1; i <= count; ++i) {
    echo(client, base + "/runCase?case=" + std::to_string(i) + "&agent=wsd");
  }
  echo(client, base + "/updateReports?agent=wsd");
  client.stop();
  return count > 0 ? 0 : 1;
}
