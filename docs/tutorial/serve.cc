#include "serve.h"

#include <signal.h>

#include <cstdio>

namespace chat {

int serve(wsd::Server& server, const char* address, const std::function<void()>& started) {
  // Threads inherit the signal mask. Block the signals before any thread starts, so that they wait
  // for sigwait() below and never interrupt a reactor. No signal handler is needed.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  std::string error = server.listen(address);
  if (error.empty()) error = server.start();
  if (!error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 1;
  }
  if (started) started();
  for (const std::string& each : server.addresses()) {
    std::fprintf(stderr, "listening on %s\n", each.c_str());
  }

  int signal = 0;
  sigwait(&ending, &signal);
  // Close every connection with 1001, spread over time. A second signal ends the process at once.
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  server.drain();
  server.wait();
  return 0;
}

}  // namespace chat
