// The server behind the public handles: routes, listeners, reactors and their life.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/hub.h"
#include "net/application.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/reactor.h"
#include "net/reactor_context.h"
#include "protocol/deflate_offer.h"
#include "protocol/handshake.h"
#include "server/address_limits.h"
#include "server/http_response.h"
#include "server/http_routes.h"
#include "server/log_rate_limit.h"
#include "server/log_writer.h"
#include "server/router.h"
#include "wsd/server.h"

namespace wsd {

class ServerCore final : public net::Application {
 public:
  explicit ServerCore(ServerOptions options);
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;
  ~ServerCore();

  // Before start().
  void route(std::string_view pattern, Handlers handlers);
  void http(std::string_view method, std::string_view pattern, server::HttpRoutes::Served served);
  [[nodiscard]] std::string listen(std::string_view address);
  [[nodiscard]] std::string adopt(int fd);
  [[nodiscard]] std::string start();

  // Any thread.
  [[nodiscard]] std::vector<std::string> addresses() const;
  void drain();
  void stop();
  void wait();
  [[nodiscard]] std::size_t connection_count() const noexcept;
  [[nodiscard]] std::size_t forced_closes() const noexcept;
  [[nodiscard]] bool check_liveness();  // one thread at a time
  [[nodiscard]] ServerStats stats() const;
  [[nodiscard]] Listing<ConnectionInfo> connections(const ConnectionQuery& query) const;
  [[nodiscard]] Listing<RoomInfo> rooms(std::uint32_t limit) const;
  bool close_connection(ConnectionId id, CloseCode code, std::string_view reason) const;
  void log(LogLevel level, std::string_view event, std::string_view text);

  // What the public handles do; see there for threads.
  SendResult send(ConnectionId id, MessageType type, std::string_view payload);
  SendResult publish(std::string_view room, MessageType type, std::string_view payload,
                     Hub::Receipt receipt = {});
  SendResult query(std::string_view room, Hub::StateCallback answer);
  void close(ConnectionId id, CloseCode code, std::string_view reason);
  void join(ConnectionId id, std::string_view room, const Since& since = {});
  void leave(ConnectionId id, std::string_view room);
  // The connection, when it belongs to the reactor whose turn runs on this thread.
  [[nodiscard]] net::Connection* find_local(ConnectionId id) const noexcept;

  // For what may outlive this: set when nothing of it may be used any more.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> gone() const noexcept { return gone_; }
  // The answer that a handler's response makes. Any thread.
  [[nodiscard]] net::RequestResult response_for(const server::RequestTraits& request,
                                                Response response);
  // Logs the exception in whose catch clause it is called. Any thread.
  void log_handler_exception(std::string_view where) noexcept;
  // An task to its member. Any thread.
  void post(std::unique_ptr<hub::Mail> task) noexcept;

  // net::Application
  net::RequestResult on_request(net::Connection& connection,
                                const protocol::HttpRequest& request) override;
  void on_open(net::Connection& connection) override;
  void on_message(net::Connection& connection, const Message& message) override;
  void on_join_refused(net::Connection& connection, std::string_view room,
                       JoinRefusal why) override;
  void on_close(net::Connection& connection, const CloseInfo& info) override;
  void on_end(const net::EndRecord& record) override;
  void on_warning(const char* event, const std::string& text) override;

 private:
  // upgrade.cc
  void resolve_client_address(net::Connection& connection,
                              const protocol::HttpRequest& request) const;
  // `remote` here and below: whom the request comes from, be it the socket's peer or whom a trusted
  // proxy names. `caller`: the peer_info that say so.
  [[nodiscard]] net::RequestResult answer_http(ConnectionId id,
                                               const protocol::HttpRequest& request,
                                               std::string_view remote,
                                               const server::RouteMatch& match);
  // What speaks against a request before its body is read.
  [[nodiscard]] std::optional<net::RequestResult> judge_head(
      const server::HttpRoutes::Served& served, const protocol::HttpRequest& request,
      std::string_view remote, const server::RouteMatch& match);
  [[nodiscard]] net::RequestResult refuse_origin(const protocol::HttpRequest& request,
                                                 std::string_view remote, std::string_view origin);
  [[nodiscard]] std::optional<net::RequestResult> over_handshake_rate(
      const protocol::HttpRequest& request, std::string_view remote);
  [[nodiscard]] protocol::Violation judge_body(const protocol::HttpRequest& request) const noexcept;
  [[nodiscard]] net::RequestResult answer_handshake(ConnectionId id,
                                                    const protocol::HttpRequest& request,
                                                    const net::PeerInfo& caller,
                                                    const server::RouteMatch& match);
  [[nodiscard]] net::RequestResult finish_handshake(const protocol::HttpRequest& request,
                                                    const net::PeerInfo& caller,
                                                    const server::RouteMatch& match,
                                                    const protocol::Handshake& handshake,
                                                    const Upgrade& verdict);
  [[nodiscard]] Upgrade run_upgrade_hook(const Handlers& handlers,
                                         const protocol::HttpRequest& request,
                                         std::string_view remote, const server::RouteMatch& match,
                                         const protocol::Handshake& handshake);

  void run_opened(ConnectionId id, const std::function<void(Connection&)>& opened);
  [[nodiscard]] std::optional<protocol::DeflateAgreement> negotiate(
      const protocol::Handshake& handshake) const;

  // Whether this thread may wait for an answer of the reactors.
  [[nodiscard]] bool may_ask() const noexcept;
  // The reactor of this server whose turn runs on this thread, or nullptr.
  [[nodiscard]] net::Reactor* own_reactor() const noexcept;
  [[nodiscard]] net::ListenOptions listen_options() const noexcept;
  [[nodiscard]] bool too_big(std::string_view payload) const noexcept;
  void log_rejected_proxy_header(const net::EndRecord& record) noexcept;
  // A line of the log; one that memory is lacking for is counted as dropped.
  template <class Fill>
  void write_line(LogLevel level, std::string_view event, Fill fill) noexcept;
  template <class Call>
  void guarded(net::Connection& connection, const char* handler, Call call);
  void handler_exception(net::Connection& connection, const char* handler) noexcept;

  ServerOptions options_;
  server::LogWriter log_;
  server::Router routes_;
  std::vector<Handlers> handlers_;
  server::HttpRoutes http_routes_;

  std::unique_ptr<server::AddressLimits> addresses_;  // null: none of its limits is set
  server::LogRateLimit origin_log_limit_;
  server::LogRateLimit proxy_log_limit_;
  server::LogRateLimit exception_log_limit_;
  server::RefusalLogLimits refusal_log_limits_;

  net::ReactorSettings settings_;
  net::ProcessCounters counts_;
  std::uint32_t reactor_count_;
  std::vector<net::Listener> listeners_;
  std::vector<std::unique_ptr<net::Reactor>> reactors_;  // constant while threads run
  std::unique_ptr<hub::Hub> hub_;                        // likewise
  std::mutex life_;  // guards threads_ against two waiters; never taken by a reactor
  std::vector<std::thread> threads_;
  std::atomic<bool> started_{false};
  std::uint64_t start_time_ms_ = 0;  // constant once started_
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> draining_{false};  // relaxed: a hint to new handshakes
  bool liveness_asked_ = false;        // who calls check_liveness() alone
};

}  // namespace wsd
