#include "conformance/session.h"

#include <algorithm>
#include <utility>

#include "conformance/bytes.h"

namespace wsconform {

namespace {

constexpr double kOpenS = 5;
constexpr double kCloseAnswerS = 2;
// A server must close the TCP connection first, without delay (RFC 6455, section 7.1.1).
constexpr double kDropS = 1;

bool may_be_sent(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace

bool Session::open(const Url& url, const std::vector<Offer>& offers) {
  course_.not_opened = link_.connect(url);
  if (course_.not_opened.empty()) {
    course_.not_opened = link_.upgrade(url, offered(offers), deadline(kOpenS));
  }
  if (!course_.not_opened.empty()) {
    link_.drop();
    return false;
  }
  course_.opened = true;
  const DeflateAnswer answer = judge_answer(offers, link_.extensions());
  if (!answer.problem.empty()) {
    violated(answer.problem);
    return false;
  }
  if (answer.terms) deflater_ = std::make_unique<Deflater>(*answer.terms);
  take_frames();
  return true;
}

UpgradeRequest Session::read_request(int fd) {
  link_.accept(fd);
  return parse_upgrade_request(link_.read_head(deadline(kOpenS)));
}

void Session::reject(const std::string& status) {
  link_.send_head("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  link_.shut_down();
  give_up_ = deadline(kDropS);
  finish();
}

bool Session::accept(const UpgradeRequest& request, const std::vector<Offer>& offers) {
  course_.not_opened = request.problem;
  const DeflateAnswer answer = accept_offer(offers, request.extensions);
  if (course_.not_opened.empty()) course_.not_opened = answer.problem;
  if (!course_.not_opened.empty()) {
    reject("400 Bad Request");
    return false;
  }
  course_.opened = true;
  link_.send_head(upgrade_response(request, answer.response));
  if (answer.terms) deflater_ = std::make_unique<Deflater>(*answer.terms);
  return true;
}

bool Session::is_open() const { return !link_.ended() && !close_sent_ && !course_.close_received; }

void Session::send_message(std::uint8_t opcode, std::string_view message, std::size_t fragment) {
  std::string compressed;
  std::uint8_t rsv = 0;
  if (deflater_ != nullptr) {
    compressed = deflater_->compress(message);
    message = compressed;
    rsv = kRsv1;
  }
  const std::vector<std::string_view> parts = parts_of(message, fragment);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    link_.send({.opcode = i == 0 ? opcode : kContinuation,
                .payload = std::string(parts[i]),
                .fin = i + 1 == parts.size(),
                .rsv = i == 0 ? rsv : std::uint8_t{0}});
  }
}

void Session::close(const Frame& frame) {
  if (!is_open()) return;
  close_sent_ = true;
  course_.closed_by_suite = true;
  give_up_ = deadline(kCloseAnswerS);
  link_.send(frame);
}

bool Session::wait(Time limit) {
  if (give_up_ && Clock::now() >= *give_up_) {
    // A client may leave the end of the TCP connection to the server (RFC 6455, section 7.1.1).
    if (role_ == Role::client || !course_.close_received) {
      course_.clean = false;
      course_.dropped_by_suite = true;
    }
    link_.drop();
    return true;
  }
  const bool in_time = link_.pump(give_up_ ? std::min(limit, *give_up_) : limit);
  take_frames();
  course_.reset = link_.was_reset();
  return in_time || Clock::now() < limit;
}

void Session::finish() {
  while (!link_.ended()) wait(deadline(kDropS));
}

bool Session::barrier(double seconds) {
  barrier_ = "are you there? " + std::to_string(++barriers_);
  barrier_returned_ = false;
  link_.send({.opcode = kPing, .payload = barrier_}, kFrameWise);
  const Time limit = deadline(seconds);
  while (is_open() && !barrier_returned_ && wait(limit)) {
  }
  return barrier_returned_;
}

void Session::violated(std::string what) {
  if (course_.violation.empty()) course_.violation = std::move(what);
  link_.drop();
}

void Session::take_frames() {
  while (course_.violation.empty()) {
    auto frame = link_.next_frame();
    if (!frame) break;
    take(std::move(*frame));
  }
  if (!link_.frame_error().empty()) violated(link_.frame_error());
}

void Session::take(Frame frame) {
  if (course_.close_received) {
    violated("the peer sent a frame after its Close");
  } else if (frame.opcode >= 8) {
    take_control(std::move(frame));
  } else {
    take_data(std::move(frame));
  }
}

void Session::take_control(Frame frame) {
  if (frame.rsv != 0 || !frame.fin || frame.payload.size() > 125) {
    violated("the peer sent a control frame with reserved bits, fragmented or too long");
  } else if (frame.opcode == kClose) {
    take_close(frame.payload);
  } else if (frame.opcode == kPong) {
    if (!barrier_.empty() && frame.payload == barrier_) {
      barrier_returned_ = true;
    } else {
      course_.received.push_back(pong(std::move(frame.payload)));
    }
  } else if (frame.opcode == kPing) {
    // A heartbeat of the peer does not concern the case.
    if (!close_sent_) link_.send({.opcode = kPong, .payload = std::move(frame.payload)});
  } else {
    violated("the peer sent a frame with opcode " + std::to_string(frame.opcode));
  }
}

void Session::take_close(std::string_view payload) {
  course_.close_received = true;
  course_.clean = true;
  give_up_ = deadline(kDropS);
  if (payload.size() >= 2) {
    const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1]));
    course_.remote_code = code;
    course_.remote_reason = payload.substr(2);
    if (!may_be_sent(code)) {
      violated("the peer sent a Close with the code " + std::to_string(code));
    } else if (!is_utf8(course_.remote_reason)) {
      violated("the peer sent a Close with a reason that is not UTF-8");
    }
  } else if (payload.size() == 1) {
    violated("the peer sent a Close with one byte");
  }
  if (!close_sent_) {
    close_sent_ = true;
    link_.send(send_close(1000).frame, kFrameWise);
  }
  if (role_ == Role::server) link_.shut_down();
}

void Session::take_data(Frame frame) {
  const bool first = frame.opcode != kContinuation;
  const std::uint8_t allowed = first && deflater_ != nullptr ? kRsv1 : 0;
  if (frame.opcode > kBinary) {
    violated("the peer sent a frame with opcode " + std::to_string(frame.opcode));
  } else if ((frame.rsv & ~allowed) != 0) {
    violated("the peer set reserved bits");
  } else if (first == message_.has_value()) {
    violated(first ? "the peer began a message inside a message"
                   : "the peer continued a message that it had not begun");
  }
  if (!course_.violation.empty()) return;
  const bool last = frame.fin;
  if (first) {
    message_ = std::move(frame);
  } else {
    message_->payload += frame.payload;
  }
  if (!last) return;
  Frame message = std::move(*message_);
  message_.reset();
  if (message.rsv == kRsv1) {
    auto inflated = deflater_->decompress(message.payload);
    if (!inflated) {
      violated("a message of the peer cannot be decompressed under the agreed parameters");
      return;
    }
    message.payload = std::move(*inflated);
  }
  if (message.opcode == kText && !is_utf8(message.payload)) {
    violated("the peer sent a text message that is not UTF-8");
    return;
  }
  course_.received.push_back(message.opcode == kText ? text(std::move(message.payload))
                                                     : binary(std::move(message.payload)));
}

}  // namespace wsconform
