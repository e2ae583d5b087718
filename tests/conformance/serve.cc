#include "conformance/serve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "conformance/bytes.h"
#include "conformance/runner.h"

namespace wsconform {

namespace {

// Returns the number in the query, or 0 if it is not the number of a case.
std::size_t case_number(const UpgradeRequest& request, std::size_t cases) {
  const std::string text = query_value(request.query, "case");
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool valid = error == std::errc() && end == text.data() + text.size() && number <= cases;
  return valid ? number : 0;
}

class Server {
 public:
  Server(const ServeOptions& options, const std::vector<const Case*>& cases,
         const std::function<void(const Case&, const Result&)>& on_result)
      : options_(options), cases_(cases), on_result_(on_result) {}

  // Returns an empty string, or why the server does not listen.
  [[nodiscard]] std::string listen();
  [[nodiscard]] Served run();

 private:
  [[nodiscard]] std::string bind_to(const addrinfo& address);
  void print_port() const;
  void serve_one(int fd);
  void run_case(Session& session, const UpgradeRequest& request);
  void answer(Session& session, const UpgradeRequest& request, const std::string& message);

  const ServeOptions& options_;
  const std::vector<const Case*>& cases_;
  const std::function<void(const Case&, const Result&)>& on_result_;
  int listener_ = -1;
  bool over_ = false;
  std::set<std::string> keys_;
  std::map<CaseId, Result> results_;
  std::string agent_;
};

std::string Server::bind_to(const addrinfo& address) {
  const int on = 1;
  listener_ = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (listener_ >= 0 && setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(listener_, address.ai_addr, address.ai_addrlen) == 0 && ::listen(listener_, 64) == 0) {
    return {};
  }
  return std::strerror(errno);
}

std::string Server::listen() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string where = options_.host + ':' + options_.port;
  if (const int error = getaddrinfo(options_.host.c_str(), options_.port.c_str(), &hints, &found)) {
    return where + ": " + gai_strerror(error);
  }
  const std::string problem = bind_to(*found);
  freeaddrinfo(found);
  if (!problem.empty()) return "cannot listen on " + where + ": " + problem;
  print_port();
  return {};
}

void Server::print_port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  char port[16] = "";
  getnameinfo(reinterpret_cast<sockaddr*>(&address), size, nullptr, 0, port, sizeof port,
              NI_NUMERICSERV);
  std::printf("listening on %s:%s\n", options_.host.c_str(), port);
  std::fflush(stdout);
}

Served Server::run() {
  while (!over_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) serve_one(fd);
  }
  ::close(listener_);
  Served served{.agent = agent_};
  for (auto& [id, result] : results_) served.results.push_back(std::move(result));
  return served;
}

void Server::serve_one(int fd) {
  Session session(Role::server, options_.patience);
  UpgradeRequest request = session.read_request(fd);
  // The key must be a new random number for each connection (RFC 6455, section 4.1).
  if (request.problem.empty() && !keys_.insert(request.key).second) {
    request.problem = "the peer used the same Sec-WebSocket-Key twice";
  }
  if (request.path == "/runCase" && case_number(request, cases_.size()) > 0) {
    run_case(session, request);
  } else if (request.path == "/getCaseCount") {
    answer(session, request, std::to_string(cases_.size()));
  } else if (request.path == "/updateReports") {
    agent_ = query_value(request.query, "agent");
    answer(session, request, "");
    over_ = true;
  } else {
    session.reject("404 Not Found");
  }
}

void Server::run_case(Session& session, const UpgradeRequest& request) {
  const Case& test = *cases_[case_number(request, cases_.size()) - 1];
  Result result = wsconform::run(test, session, request);
  on_result_(test, result);
  results_.insert_or_assign(test.id, std::move(result));
}

void Server::answer(Session& session, const UpgradeRequest& request, const std::string& message) {
  if (!session.accept(request, {})) {
    std::fprintf(stderr, "wsconform: %s: %s\n", request.path.c_str(),
                 session.course().not_opened.c_str());
    return;
  }
  if (!message.empty()) session.send(send(kText, message).frame);
  session.close(1000);
  session.finish();
}

}  // namespace

Served serve(const ServeOptions& options, const std::vector<const Case*>& cases,
             const std::function<void(const Case&, const Result&)>& on_result) {
  Server server(options, cases, on_result);
  if (std::string problem = server.listen(); !problem.empty()) {
    return {.problem = std::move(problem)};
  }
  return server.run();
}

}  // namespace wsconform
