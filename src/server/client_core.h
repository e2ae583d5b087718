// The client behind the public handle: its reactors, its connections and their handlers.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/client_link.h"
#include "server/client_links.h"
#include "server/server_core.h"
#include "wsd/client.h"

namespace wsd {

// Connections of both roles live on the same reactors' code and have the same handle, so a client
// is a server core without listeners. The differences are here: handlers belong to a connection and
// not to a route, and a connection begins with connect().
class ClientCore final : public ServerCore {
 public:
  explicit ClientCore(const ClientOptions& options);
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;
  ~ClientCore();  // NOLINT(bugprone-exception-escape): as of ServerCore

  [[nodiscard]] std::string start();
  // Any thread.
  [[nodiscard]] std::string connect(std::string_view url, ConnectOptions options, Handlers handlers,
                                    ConnectHandler failed);
  void drain();
  void stop();  // does not wait

  // For ClientLinks. Returns whether a new connection may keep its compression windows between
  // messages.
  [[nodiscard]] bool may_keep_contexts() const noexcept;
  // For ClientLinks: logs the error and calls the link's connect handler.
  void report(const server::ClientLink& link, const ConnectError& error) noexcept;

  [[nodiscard]] const Handlers& handlers_of(
      const net::Connection& connection) const noexcept override;

  // net::Application
  net::ResponseResult on_response(net::Connection& connection,
                                  const protocol::HttpResponse& response) override;
  void on_open(net::Connection& connection) override;
  void on_message(net::Connection& connection, const Message& message) override;
  void on_join_refused(net::Connection& connection, std::string_view room,
                       JoinRefusal why) override;
  void on_close(net::Connection& connection, const CloseInfo& info) override;
  void on_end(const net::EndRecord& record) override;

 private:
  [[nodiscard]] server::ClientLink& link_of(ConnectionId id) const noexcept;
  // Fails the links that are not connected. No later connect() is accepted.
  void end_dialing();

  // Guards the next three, so that no dial is posted after the end of dialing. A reactor locks it
  // only in a handler that calls connect() or drain().
  std::mutex life_;
  bool accepts_ = false;
  bool ended_ = false;
  std::uint32_t next_reactor_ = 0;
  bool started_ = false;  // one thread at a time
  const DeflateOptions deflate_;
  std::vector<std::unique_ptr<server::ClientLinks>> links_;  // by shard; constant while it accepts
};

}  // namespace wsd
