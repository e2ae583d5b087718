#include "support/admin_server.h"

#include <csignal>
#include <cstddef>
#include <utility>

#include "support/wire.h"

namespace e2e {

AdminServer::AdminServer(const std::vector<std::string>& flags, std::vector<std::string> wrapper)
    : flags_(flags), wrapper_(std::move(wrapper)) {
  start();
}

void AdminServer::start() {
  server_.reset();
  Command command = server_command(admin_server_flags(flags_));
  command.argv.insert(command.argv.begin(), wrapper_.begin(), wrapper_.end());
  server_ = std::make_unique<ServerProcess>(command);
  const auto line = server_->process().wait_for_line("^admin on ");
  if (!line) {
    ADD_FAILURE() << "no admin listener: " << server_->process().output();
    return;
  }
  admin_port_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->rfind(':') + 1)));
}

void AdminServer::kill() {
  server_->signal(SIGKILL);
  EXPECT_TRUE(server_->wait_exit());
}

void AdminServer::stop() { EXPECT_TRUE(server_->ends_cleanly()) << server_->process().output(); }

Place AdminServer::publish(const std::string& room, const std::string& text) const {
  RawClient client = connect();
  return published(client, "/rooms/" + room, text);
}

HttpResponse AdminServer::try_publish(const std::string& room, const std::string& text) const {
  RawClient client = connect();
  return answer(client, post("/rooms/" + room, text));
}

std::vector<Meta> AdminServer::replay(const std::string& room, const std::string& query,
                                      std::size_t count) const {
  RawClient member = connect();
  EXPECT_TRUE(opens_meta(member, "/rooms/" + room + "?" + query));
  std::vector<Meta> messages;
  while (messages.size() < count) messages.push_back(read_meta(member));
  return messages;
}

HttpResponse AdminServer::ask(const std::string& method, const std::string& target) const {
  RequestText request = RequestText::get("/").set("Host", "localhost");
  request.line(method + " " + target + " HTTP/1.1").set("Connection", "close");
  RawClient client = RawClient::tcp(admin_port_);
  return answer(client, request.text());
}

std::string AdminServer::metric(const std::string& series) const {
  const std::string text = "\n" + ask("GET", "/metrics").body;
  const std::size_t at = text.find("\n" + series + " ");
  if (at == std::string::npos) return {};
  const std::size_t start = at + series.size() + 2;
  return text.substr(start, text.find('\n', start) - start);
}

std::vector<std::string> admin_server_flags(const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"--listen",
                                  "127.0.0.1:0",
                                  "--admin",
                                  "127.0.0.1:0",
                                  "--log-format",
                                  "text",
                                  "--publish",
                                  "loopback",
                                  "--reactors",
                                  "2",
                                  "--history-messages",
                                  "1000",
                                  "--history-age",
                                  "1h",
                                  "--drain-window",
                                  "0"};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

std::vector<std::string> lines_of(const std::vector<Meta>& messages) {
  std::vector<std::string> lines;
  lines.reserve(messages.size());
  for (const Meta& each : messages) {
    lines.push_back(each.id + " " + (each.content_type.empty() ? each.payload : each.content_type));
  }
  return lines;
}

}  // namespace e2e
