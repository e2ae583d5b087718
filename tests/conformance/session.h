// A WebSocket connection for one case. It turns messages and Pongs into events, records the closing
// handshake, and notices each violation of the protocol by the peer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/case.h"
#include "conformance/deflate.h"
#include "conformance/link.h"
#include "conformance/upgrade_request.h"
#include "conformance/verdict.h"

namespace wsconform {

class Session {
 public:
  // `role` is the role of the suite. `patience` multiplies every time limit.
  Session(Role role, double patience) : role_(role), patience_(patience) {}

  // In the role of the client: connects and performs the opening handshake. Returns false if the
  // connection did not open; course() says why.
  bool open(const Url& url, const std::vector<Offer>& offers);
  // In the role of the server: takes an accepted connection and waits for the request.
  [[nodiscard]] UpgradeRequest read_request(int fd);
  // In the role of the server: completes the opening handshake, or rejects a faulty request.
  // `offers` are the parameters that the suite wants of the peer. Returns false if the connection
  // did not open; course() says why.
  bool accept(const UpgradeRequest& request, const std::vector<Offer>& offers);
  // In the role of the server: rejects the request with this status, such as "404 Not Found".
  void reject(const std::string& status);
  [[nodiscard]] bool compressed() const { return deflater_ != nullptr; }

  void send(const Frame& frame, Chop chop = {}) { link_.send(frame, chop); }
  Link& link() { return link_; }
  // Sends a message, compressed if compressed() is true, in frames as parts_of() divides it.
  void send_message(std::uint8_t opcode, std::string_view message, std::size_t fragment);
  // Begins the closing handshake. Does nothing unless is_open().
  void close(const Frame& frame);
  void close(std::uint16_t code) { close(send_close(code).frame); }

  // Runs one pass of the event loop. Returns false if `limit` has passed. Drops the connection if
  // the peer does not complete the closing handshake in time.
  bool wait(Time limit);
  // Waits for the end of the connection.
  void finish();
  // Sends a Ping and waits for its Pong. Returns true if the Pong came within `seconds`.
  bool barrier(double seconds);

  // Returns true while the connection is open and no Close was sent or received.
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool ended() const { return link_.ended(); }
  [[nodiscard]] Time deadline(double seconds) const { return after(seconds * patience_); }

  [[nodiscard]] Course& course() { return course_; }

 private:
  void take_frames();
  void take(Frame frame);
  void take_control(Frame frame);
  void take_close(std::string_view payload);
  void take_data(Frame frame);
  void violated(std::string what);

  Role role_;
  double patience_;
  Link link_;
  std::unique_ptr<Deflater> deflater_;
  Course course_;
  bool close_sent_ = false;
  std::optional<Time> give_up_;
  std::string barrier_;
  bool barrier_returned_ = false;
  int barriers_ = 0;
  std::optional<Frame> message_;
};

}  // namespace wsconform
