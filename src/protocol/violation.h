// Every rule that a peer can break, with its name and its response on the wire.
#pragma once

#include <cstdint>
#include <string_view>

#include "wsd/close.h"

namespace wsd::protocol {

// X(name, answer, text). An answer below 1000 is an HTTP status of the opening handshake. Otherwise
// it is the close code of a Close frame. `text` is the sentence sent to the peer (at most 123 bytes
// for a Close frame, RFC 6455 §5.5). It must not contain bytes from the peer.
#define WSD_VIOLATIONS(X)                                                                          \
  X(kNone, 0, "")                                                                                  \
  /* request line, RFC 9112 §3 */                                                                 \
  X(kBadRequestLine, 400, "malformed request line, expected METHOD TARGET HTTP/1.1")               \
  X(kBadMethod, 400, "the method is not a token")                                                  \
  X(kMethodTooLong, 501, "the method is too long")                                                 \
  X(kUnknownMethod, 501, "method not implemented")                                                 \
  X(kBadTarget, 400,                                                                               \
    "malformed request target, expected a path such as /echo, without . or .. segments, %00 or a " \
    "backslash")                                                                                   \
  X(kRequestLineTooLong, 414, "the request line exceeds the size limit")                           \
  X(kBadHttpVersion, 400, "malformed HTTP version, use HTTP/1.1")                                  \
  X(kHttpVersionNotSupported, 505, "HTTP version not supported, use HTTP/1.1")                     \
  /* fields, RFC 9112 §5, RFC 9110 §5 */                                                         \
  X(kBareLineFeed, 400, "a line must end in CRLF")                                                 \
  X(kBareCarriageReturn, 400, "a CR must be followed by LF")                                       \
  X(kTooManyEmptyLines, 400, "too many empty lines before the request")                            \
  X(kLeadingWhitespace, 400, "a header field must not begin with whitespace")                      \
  X(kBadFieldName, 400, "a header field name is not a token")                                      \
  X(kBadFieldValue, 400, "a header field value contains a control byte")                           \
  X(kFieldTooLong, 431, "a header field exceeds the size limit")                                   \
  X(kTooManyFields, 431, "the number of header fields exceeds the limit")                          \
  X(kHeadTooLong, 431, "the request head exceeds the size limit")                                  \
  X(kMissingHost, 400, "the Host field is missing")                                                \
  X(kDuplicateHost, 400, "more than one Host field")                                               \
  X(kBadHost, 400, "malformed Host field")                                                         \
  X(kBadContentLength, 400, "malformed Content-Length, expected one decimal number")               \
  X(kBadTransferEncoding, 400, "malformed Transfer-Encoding, expected only chunked, in HTTP/1.1")  \
  X(kLengthAndTransferEncoding, 400, "Content-Length and Transfer-Encoding must not be combined")  \
  X(kBadExpect, 417, "expectation not supported, only 100-continue is")                            \
  /* request body, RFC 9112 §6 */                                                                 \
  X(kUnknownCoding, 501, "transfer coding not implemented, use only chunked")                      \
  X(kBadChunk, 400, "malformed chunk, expected SIZE CRLF DATA CRLF")                               \
  X(kChunkExtensionsTooLong, 413, "the chunk extensions exceed the size limit")                    \
  X(kTrailerTooLong, 431, "the trailer fields exceed the size limit")                              \
  X(kBodyTooLarge, 413, "the request body exceeds the size limit")                                 \
  X(kBodyTimeout, 408, "the request body was not complete in time")                                \
  X(kInputBudget, 503, "the server has no memory left for incomplete input, try again")            \
  /* PROXY protocol: told to the log, the peer gets no answer */                                   \
  X(kNoProxyHeader, 400, "the connection does not begin with a PROXY protocol header")             \
  X(kBadProxyHeader, 400, "malformed PROXY protocol header")                                       \
  X(kProxyNotTrusted, 400, "the peer is not a trusted proxy")                                      \
  /* routing */                                                                                    \
  X(kNotFound, 404, "nothing is served at this path")                                              \
  X(kMethodNotAllowed, 405, "method not allowed for this path")                                    \
  X(kBodyNotAllowed, 400, "this request must not have a body")                                     \
  X(kRequestTimeout, 408, "the request head was not complete in time")                             \
  /* opening handshake, RFC 6455 §4.2.1 */                                                        \
  X(kHandshakeNeedsHttp11, 400, "a WebSocket handshake needs HTTP/1.1")                            \
  X(kUpgradeRequired, 426, "this path speaks WebSocket, send an Upgrade request")                  \
  X(kMissingKey, 400, "the Sec-WebSocket-Key field is missing")                                    \
  X(kDuplicateKey, 400, "more than one Sec-WebSocket-Key field")                                   \
  X(kBadKey, 400, "Sec-WebSocket-Key does not decode to 16 bytes")                                 \
  X(kUnsupportedVersion, 426, "WebSocket version not supported, use 13")                           \
  X(kDuplicateVersion, 400, "more than one Sec-WebSocket-Version field")                           \
  X(kBadSubprotocol, 400, "malformed Sec-WebSocket-Protocol")                                      \
  X(kBadExtensions, 400, "malformed Sec-WebSocket-Extensions")                                     \
  X(kDuplicateOrigin, 400, "more than one Origin field")                                           \
  X(kOriginNotAllowed, 403, "origin not allowed")                                                  \
  /* a server's response to a client, RFC 9112 §4, RFC 6455 §4.1, RFC 7692 §7.1 */              \
  X(kBadStatusLine, 1002, "malformed status line, expected HTTP/1.1 STATUS REASON")                \
  X(kResponseHeadTooLong, 1002, "the response head exceeds the size limit")                        \
  X(kNotSwitched, 1002, "the 101 response does not switch to websocket")                           \
  X(kBadAccept, 1002, "Sec-WebSocket-Accept does not match the key")                               \
  X(kSubprotocolNotOffered, 1002, "the response chooses a subprotocol that was not offered")       \
  X(kExtensionNotOffered, 1002, "the response chooses an extension that was not offered")          \
  X(kBadDeflateResponse, 1002, "the response has bad parameters of permessage-deflate")            \
  /* frame header, RFC 6455 §5.2, §5.4, §5.5 */                                                 \
  X(kReservedBit, 1002, "reserved bit set without an extension")                                   \
  X(kReservedOpcode, 1002, "reserved opcode")                                                      \
  X(kNotMasked, 1002, "frame from a client is not masked")                                         \
  X(kMasked, 1002, "frame from a server is masked")                                                \
  X(kLengthNotMinimal, 1002, "payload length is not minimally encoded")                            \
  X(kLengthTopBit, 1002, "most significant bit of the payload length is set")                      \
  X(kControlFragmented, 1002, "control frame is fragmented")                                       \
  X(kControlTooLong, 1002, "control frame payload exceeds 125 bytes")                              \
  X(kUnexpectedContinuation, 1002, "continuation without a message to continue")                   \
  X(kExpectedContinuation, 1002, "data frame inside a fragmented message")                         \
  /* Close frame, RFC 6455 §5.5.1, §7.4 */                                                       \
  X(kClosePayloadTooShort, 1002, "a Close payload must not be one byte")                           \
  X(kBadCloseCode, 1002, "close code not allowed on the wire")                                     \
  X(kCloseReasonNotUtf8, 1007, "close reason is not UTF-8")                                        \
  /* messages, RFC 6455 §8.1, §10.4 */                                                           \
  X(kTextNotUtf8, 1007, "text message is not UTF-8")                                               \
  X(kBadCompression, 1007, "message does not decompress")                                          \
  X(kCompressionContext, 1007,                                                                     \
    "message refers to bytes before its start, but client_no_context_takeover was agreed")         \
  X(kMessageTooBig, 1009, "the message exceeds the size limit")                                    \
  X(kTooManyFragments, 1008, "too many fragments in one message")                                  \
  X(kTooManyControlFrames, 1008, "too many control frames")

enum class Violation : std::uint8_t {
#define WSD_VIOLATION_NAME(name, answer, text) name,
  WSD_VIOLATIONS(WSD_VIOLATION_NAME)
#undef WSD_VIOLATION_NAME
};

// Returns the enumerator's name without the k, for example "BadRequestLine".
[[nodiscard]] std::string_view violation_name(Violation violation) noexcept;

// Returns the sentence for the peer.
[[nodiscard]] std::string_view violation_text(Violation violation) noexcept;

// Returns the HTTP status of a handshake violation. Only for those.
[[nodiscard]] int http_status_of(Violation violation) noexcept;

// Returns the close code of a frame or message violation. Only for those.
[[nodiscard]] CloseCode close_code_of(Violation violation) noexcept;

// Returns whether the violation happened before HTTP began, so that no HTTP response is possible.
[[nodiscard]] bool is_of_proxy_header(Violation violation) noexcept;

// Returns the cause with which this violation ends a connection.
[[nodiscard]] CloseCause close_cause_of(Violation violation) noexcept;

}  // namespace wsd::protocol
