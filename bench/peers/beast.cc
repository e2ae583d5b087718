// Boost.Beast, based on its asynchronous echo server and its chat. One thread. Each path except
// /echo is a room.
#include <utility>  // Boost 1.74's awaitable.hpp uses it without including it
// In a separate block, so that the order of includes stays.

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;

class Session;
std::map<std::string, std::set<Session*>> rooms;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : ws_(std::move(socket)) {}
  ~Session() {
    if (room_ != nullptr) room_->erase(this);
  }
  void run() {
    ws_.next_layer().socket().set_option(tcp::no_delay(true));
    ws_.auto_fragment(false);  // like all other peers: a message is one frame
    http::async_read(ws_.next_layer(), buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->accept();
                     });
  }

 private:
  void accept() {
    ws_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    ws_.read_message_max(16 * 1024 * 1024);
    ws_.async_accept(request_, [self = shared_from_this()](beast::error_code error) {
      if (error) return;
      const std::string path(self->request_.target());
      self->request_ = {};
      if (path != "/echo") {
        self->room_ = &rooms[path];
        self->room_->insert(self.get());
      }
      self->read();
    });
  }
  void read() {
    ws_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      if (self->room_ == nullptr) {
        self->echo();
        return;
      }
      const auto message =
          std::make_shared<const std::string>(beast::buffers_to_string(self->buffer_.data()));
      self->buffer_.consume(self->buffer_.size());
      for (Session* member : *self->room_) member->send(message, self->ws_.got_text());
      self->read();
    });
  }
  void echo() {
    ws_.text(ws_.got_text());
    ws_.async_write(buffer_.data(),
                    [self = shared_from_this()](beast::error_code error, std::size_t size) {
                      if (error) return;
                      self->buffer_.consume(size);
                      self->read();
                    });
  }
  void send(std::shared_ptr<const std::string> message, bool text) {
    queue_.push(std::move(message));
    if (queue_.size() > 1) return;
    ws_.text(text);
    write();
  }
  void write() {
    ws_.async_write(asio::buffer(*queue_.front()),
                    [self = shared_from_this()](beast::error_code error, std::size_t) {
                      if (error) return;
                      self->queue_.pop();
                      if (!self->queue_.empty()) self->write();
                    });
  }

  websocket::stream<beast::tcp_stream> ws_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  std::set<Session*>* room_ = nullptr;
  std::queue<std::shared_ptr<const std::string>> queue_;
};

void accept_next(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->run();
    accept_next(acceptor);
  });
}

int main() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
  std::cerr << "listening on " << acceptor.local_endpoint() << std::endl;
  accept_next(acceptor);
  context.run();
}
