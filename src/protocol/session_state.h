// The state of a session that is not idle. For the files of Session only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/frame_header.h"
#include "protocol/http_response_reader.h"
#include "protocol/inflation.h"
#include "protocol/masking_keys.h"
#include "protocol/proxy_header.h"
#include "protocol/request_body.h"
#include "protocol/session.h"

namespace wsd::protocol {

inline Event event_of(Event::Kind kind) {
  Event event;
  event.kind = kind;
  return event;
}

struct Session::Head {
  explicit Head(const SessionLimits& limits)
      : proxy(limits.proxy_header ? std::make_unique<ProxyHeaderParser>() : nullptr),
        parser(limits.head) {}
  std::unique_ptr<ProxyHeaderParser> proxy;  // null if none is expected, or after it is complete
  std::optional<IpEndpoint> proxy_source;
  RequestParser parser;
  Bytes received;     // a complete head, as it was parsed
  std::string bytes;  // a head that arrived in several pieces, or whose body is read
  RequestBody body;
  std::optional<HttpRequest> whole;     // the request with its body, once that is complete
  bool deferred = false;                // the response comes later
  std::vector<std::uint8_t> pipelined;  // bytes received after the request meanwhile
};

struct Session::Partial {
  std::array<std::uint8_t, kMaxFrameHeaderBytes> header_bytes = {};
  std::uint8_t header_size = 0;  // bytes of an incomplete header
  bool in_frame = false;         // `frame` is valid and its payload incomplete
  FrameHeader frame;
  std::uint64_t received = 0;  // payload bytes of `frame` received so far
  std::array<std::uint8_t, kMaxControlPayload> control = {};
  MessageAssembler message;

  [[nodiscard]] std::uint64_t remaining() const noexcept { return frame.payload_length - received; }
  [[nodiscard]] bool idle() const noexcept {
    return header_size == 0 && !in_frame && !message.active();
  }
};

// The client's role, as long as the session lives.
struct Session::Client {
  Client(const SessionLimits& limits, MaskingKeys& fresh)
      : reader(std::make_unique<ResponseReader>(limits.head)), keys(fresh) {}
  std::unique_ptr<ResponseReader> reader;  // null after the handshake
  MaskingKeys& keys;
};

// Each pointer is null unless its object is in use. Held exists while one of the first four is.
struct Session::Held {
  std::unique_ptr<Head> head;
  std::unique_ptr<Client> client;
  std::unique_ptr<Partial> partial;
  std::unique_ptr<Compression> compression;
  std::unique_ptr<Inflation> inflation;  // refers to `compression`
};

}  // namespace wsd::protocol
