// The server behind the public handles: its listeners, its reactors, their start and their end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "hub/hub.h"
#include "net/application.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/reactor.h"
#include "net/reactor_context.h"
#include "protocol/http_request.h"
#include "server/engine_setup.h"
#include "server/http_response.h"
#include "server/http_routes.h"
#include "server/log_rate_limit.h"
#include "server/log_writer.h"
#include "server/presence_encoder.h"
#include "server/reactor_settings.h"
#include "server/redis_setup.h"
#include "server/request_handler.h"
#include "wsd/server.h"

namespace wsd {

// A client is a server without listeners: see ClientCore.
class ServerCore : public net::Application {
 public:
  explicit ServerCore(ServerOptions options);
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;
  virtual ~ServerCore();  // NOLINT(bugprone-exception-escape): see there

  // Before start(). Later calls throw std::logic_error, or return an error.
  void route(std::string_view pattern, Handlers handlers, RouteOptions options);
  void http(std::string_view method, std::string_view pattern, server::HttpRoutes::Served served);
  [[nodiscard]] std::string listen(std::string_view address);
  [[nodiscard]] std::string adopt(int fd);
  [[nodiscard]] std::string start();

  // Any thread.
  [[nodiscard]] std::vector<std::string> addresses() const;
  void drain();
  void stop();  // does not wait
  void wait();
  // Throws std::system_error on a reactor thread of this server.
  void expect_no_reactor() const;
  [[nodiscard]] std::size_t connection_count() const noexcept;
  [[nodiscard]] std::size_t forced_closes() const noexcept;
  [[nodiscard]] bool check_liveness();  // one thread at a time
  [[nodiscard]] ServerStats stats() const;
  [[nodiscard]] Listing<ConnectionInfo> connections(const ConnectionQuery& query) const;
  [[nodiscard]] Listing<RoomInfo> rooms(std::uint32_t limit) const;
  bool close_connection(ConnectionId id, CloseCode code, std::string_view reason) const;
  [[nodiscard]] ConnectionPage find_connections(const ConnectionFilter& filter,
                                                std::uint64_t cursor, std::uint32_t limit) const;
  CloseResult close_connections(const ConnectionFilter& filter, CloseCode code,
                                std::string_view reason) const;
  std::optional<std::uint64_t> remove_messages(std::string_view room,
                                               const std::optional<Position>& message) const;
  RoomCloseResult close_room(std::string_view room, CloseCode code, std::string_view reason) const;
  void log(LogLevel level, std::string_view event, std::string_view text);

  // Implement the methods of Connection and Hub. The comments in include/wsd state the threads.
  SendResult send(ConnectionId id, MessageType type, std::string_view payload);
  SendResult publish(std::string_view room, MessageType type, std::string_view payload,
                     Hub::Receipt receipt = {}, ConnectionId except = 0);
  SendResult publish_once(std::string_view room, MessageType type, std::string_view payload,
                          std::string_view key, Hub::Receipt receipt);
  SendResult query(std::string_view room, Hub::StateCallback callback);
  SendResult members(std::string_view room, const MembersQuery& query,
                     Hub::MembersCallback callback);
  void close(ConnectionId id, CloseCode code, std::string_view reason);
  SendResult join(ConnectionId id, std::string_view room, const Since& since = {},
                  std::string_view info = {});
  SendResult leave(ConnectionId id, std::string_view room);
  // The same for Server; see application_calls.cc for these and for the tasks, timers and notices
  // of connections. `interval_ms`: 0 if the timer fires once.
  [[nodiscard]] std::uint32_t reactor_count() const noexcept { return reactor_count_; }
  SendResult post_task(ConnectionId id, std::function<void(Connection&)> task);
  SendResult post_task(std::uint32_t reactor, std::function<void()> task);
  [[nodiscard]] Timer start_timer(ConnectionId id, std::uint32_t delay_ms,
                                  std::uint32_t interval_ms,
                                  std::function<void(Connection&)> handler);
  [[nodiscard]] Timer start_timer(std::uint32_t reactor, std::uint32_t delay_ms,
                                  std::uint32_t interval_ms, std::function<void()> handler);
  bool notify_drained(ConnectionId id, std::size_t mark);
  // Returns the application's handlers of an open connection. On its reactor's thread.
  [[nodiscard]] virtual const Handlers& handlers_of(
      const net::Connection& connection) const noexcept {
    return requests_.handlers(connection.route());
  }
  // Runs a task or the handler of a timer, if the connection's close handler was not called yet.
  void run_handler(net::Connection& connection, const char* name,
                   const std::function<void(Connection&)>& handler) noexcept;
  void run_handler(const char* name, const std::function<void()>& handler) noexcept;
  // Answers a deferred handshake, if the connection still awaits the verdict. On its reactor's
  // thread.
  void complete_upgrade(net::Connection& connection, Upgrade verdict) noexcept;
  // Returns the connection if it belongs to the reactor that runs on this thread, or nullptr.
  [[nodiscard]] net::Connection* find_local(ConnectionId id) const noexcept;

  // Returns a flag for objects that may outlive the server. The destructor sets it, and from then
  // on the objects must not use the server.
  [[nodiscard]] std::shared_ptr<const std::atomic<bool>> gone() const noexcept { return gone_; }
  // Builds the response to a request, which may already be freed. Any thread.
  [[nodiscard]] net::RequestResult response_for(const server::RequestTraits& request,
                                                Response response) {
    return requests_.response_for(request, std::move(response));
  }
  // Logs the current exception. Call it within a catch clause. Any thread.
  void log_handler_exception(std::string_view where) noexcept;
  // Sends a MemberTaskMail to its member's shard. Any thread.
  void post(std::unique_ptr<hub::Mail> task) noexcept;

  // Returns the number of this server in the ids of members. Any thread.
  [[nodiscard]] std::uint64_t node() const noexcept { return node_; }
  // For the request handler. Any thread.
  [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const net::ReactorSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] const net::ProcessCounters& counts() const noexcept { return counts_; }
  [[nodiscard]] server::LogWriter& log_writer() noexcept { return log_; }
  [[nodiscard]] bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
  // Returns whether new WebSocket connections are rejected: a drain has begun, and drain_delay_ms
  // is over. On a reactor thread.
  [[nodiscard]] bool rejects_handshakes() const noexcept;
  // Returns whether each HTTP response is the last one of its connection: the server drains, or is
  // at its connection limit.
  [[nodiscard]] bool ends_after_response() const noexcept;
  // Calls an upgrade's `opened` callback, if the connection still exists. On its reactor's thread.
  void run_opened(ConnectionId id, const std::function<void(Connection&)>& opened);

  // net::Application
  net::RequestResult on_request(net::Connection& connection,
                                const protocol::HttpRequest& request) override;
  void on_open(net::Connection& connection) override;
  void on_message(net::Connection& connection, const Message& message) override;
  MutableBytes on_small_messages(net::Connection& connection, MutableBytes input) override;
  void on_join_refused(net::Connection& connection, std::string_view room,
                       JoinRefusal why) override;
  void on_drained(net::Connection& connection) override;
  void on_pong(net::Connection& connection, std::string_view payload) override;
  void on_close(net::Connection& connection, const CloseInfo& info) override;
  void on_end(const net::EndRecord& record) override;
  void on_warning(const char* event, const std::string& text) override;

 protected:
  // Starts the reactors as start() does, also without listeners.
  [[nodiscard]] std::string start_reactors();
  // The application's handlers run in this. If one throws, only its connection ends.
  template <class Call>
  void guarded(net::Connection& connection, const char* handler, Call call) {
    try {
      call();
    } catch (...) {
      handler_exception(connection, handler);
    }
  }
  void handler_exception(net::Connection& connection, const char* handler) noexcept;
  // Logs the end of a connection. `suppressed`: the entries that were left out before it.
  void log_end(LogLevel level, const net::EndRecord& record, std::uint64_t suppressed) noexcept;
  [[nodiscard]] const std::vector<std::unique_ptr<net::Reactor>>& reactors() const noexcept {
    return reactors_;
  }
  [[nodiscard]] hub::Shard& shard(std::uint32_t index) const noexcept { return hub_->shard(index); }

 private:
  // Returns whether the reactors take messages: the server has started and not ended.
  [[nodiscard]] bool serves() const noexcept {
    return started_.load(std::memory_order_acquire) && !over_.load(std::memory_order_relaxed);
  }
  // Returns whether this thread may wait for responses of the reactors.
  [[nodiscard]] bool may_ask() const noexcept;
  // Returns this server's reactor that runs on this thread, or nullptr.
  [[nodiscard]] net::Reactor* own_reactor() const noexcept;
  [[nodiscard]] static SendResult accepted(net::Reactor& reactor, hub::PublishOutcome outcome);
  [[nodiscard]] net::ListenOptions listen_options() const noexcept;
  // Creates the reactors and the hub. Returns an empty string, or an error.
  [[nodiscard]] std::string open_history_log();
  [[nodiscard]] std::string build();
  [[nodiscard]] std::string start_threads();
  [[nodiscard]] std::string await_engine();
  void give_up_reactors() noexcept;
  [[nodiscard]] bool too_big(std::string_view payload) const noexcept;
  void log_engine_event(LogLevel level, std::string_view event, std::uint32_t reactor,
                        std::string_view room, std::string_view text) noexcept;
  void log_rejected_proxy_header(const net::EndRecord& record) noexcept;
  // Writes a log entry that `fill` completes. Counts it as dropped if memory runs out.
  template <class Fill>
  void write_line(LogLevel level, std::string_view event, Fill fill) noexcept;

  ServerOptions options_;
  server::LogWriter log_;
  server::RequestHandler requests_;
  server::LogRateLimit proxy_log_limit_;
  server::LogRateLimit exception_log_limit_;
  server::RefusalLogLimits refusal_log_limits_;

  net::ReactorSettings settings_;  // constant once started_
  net::ProcessCounters counts_;
  const server::ReactorCount reactor_choice_;
  const std::uint32_t reactor_count_;
  const std::uint64_t node_;
  std::vector<net::Listener> listeners_;
  std::vector<std::unique_ptr<net::Reactor>> reactors_;  // constant while threads run
  std::unique_ptr<server::EngineSetup> engines_;         // before hub_, whose shards use it
  std::unique_ptr<server::RedisSetup> redis_;            // before hub_, too
  server::PresenceEncoder presence_encoder_;             // before hub_, too
  std::unique_ptr<hub::Hub> hub_;                        // constant while threads run
  std::mutex life_;  // guards threads_ if several threads call wait(); no reactor locks it
  std::vector<std::thread> threads_;
  std::atomic<bool> begun_{false};  // start() has begun: routes and listeners are final
  std::atomic<bool> started_{false};
  std::uint64_t start_time_ms_ = 0;  // constant once started_
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> draining_{false};  // start() looks at it after it has set started_
  std::atomic<bool> stopping_{false};  // stop() was called
  std::atomic<bool> over_{false};      // stop() was called, or wait() has seen the end
  bool liveness_asked_ = false;        // used by check_liveness() only
};

}  // namespace wsd
