// A WebSocket connection as a test uses it: messages and Pongs become events, the closing handshake
// is kept account of, and what the server must never do is noticed.
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
#include "conformance/verdict.h"

namespace wsconform {

class Session {
 public:
  // `patience` stretches every bound.
  Session(const Url& url, double patience) : url_(url), patience_(patience) {}

  bool open(const std::vector<Offer>& offers);
  [[nodiscard]] bool compressed() const { return deflater_ != nullptr; }

  void send(const Frame& frame, Chop chop = {}) { link_.send(frame, chop); }
  Link& link() { return link_; }
  // Compressed where that was agreed on; in frames of at most `fragment` bytes unless it is 0.
  void send_message(std::uint8_t opcode, std::string_view message, std::size_t fragment);
  // The client begins the closing handshake, unless one has begun.
  void close(const Frame& frame);
  void close(std::uint16_t code) { close(send_close(code).frame); }

  // Waits for something to come; false: `limit` has passed. Gives a server up that does not finish
  // the closing handshake.
  bool wait(Time limit);
  // Waits for the end of the connection.
  void finish();
  // A Ping of our own. True: its Pong came, and the server is still there.
  bool barrier(double bound_s);

  // No Close was sent or received, and the connection stands.
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] bool ended() const { return link_.ended(); }
  [[nodiscard]] Time bound(double seconds) const { return after(seconds * patience_); }

  [[nodiscard]] Course& course() { return course_; }

 private:
  void take_frames();
  void take(Frame frame);
  void take_control(Frame frame);
  void take_close(std::string_view payload);
  void take_data(Frame frame);
  void violated(std::string what);

  const Url& url_;
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
