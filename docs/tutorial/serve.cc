#include "serve.h"

#include <signal.h>

#include <cstdio>

namespace chat {

int serve(wsd::Server& server, const char* address, const std::function<void()>& started) {
  // Blocked before a thread is started, since threads inherit it: so the signal waits for sigwait()
  // below, instead of interrupting a reactor. There is no signal handler, and nothing that one
  // could do wrong.
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
  // 1001 to everyone, each at its own moment; a second signal is for who cannot wait.
  pthread_sigmask(SIG_UNBLOCK, &ending, nullptr);
  server.drain();
  server.wait();
  return 0;
}

}  // namespace chat
