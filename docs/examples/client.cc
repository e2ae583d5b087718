// A client that sends its arguments as messages to an echo server, and prints the answers.
//   client ws://127.0.0.1:9003/echo MESSAGE...
// The exit status is 0 if all messages came back and the connection was closed cleanly.
#include <wsd/client.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: client URL MESSAGE...\n"), 2;
  wsd::Client client;
  std::string error = client.start();
  int waiting = argc - 2;  // the handlers of one connection never run at the same time
  bool clean = false;

  wsd::Handlers handlers;
  handlers.open = [&](wsd::Connection& server) {
    for (int i = 2; i < argc; ++i) server.send_text(argv[i]);
  };
  handlers.message = [&](wsd::Connection& server, const wsd::Message& message) {
    std::printf("%.*s\n", static_cast<int>(message.payload.size()), message.payload.data());
    if (--waiting == 0) server.close();
  };
  handlers.close = [&](wsd::Connection&, const wsd::CloseInfo& info) {
    clean = info.clean;
    client.drain();
  };
  const auto failed = [&](const wsd::ConnectError& why) {
    std::fprintf(stderr, "%s\n", why.text.c_str());
    client.drain();
  };
  if (error.empty()) error = client.connect(argv[1], {}, handlers, failed);
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  client.wait();
  return waiting == 0 && clean ? 0 : 1;
}
