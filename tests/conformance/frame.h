// RFC 6455 frames as bytes, written from the specification for this suite alone: what is tested
// must not be the tester.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wsconform {

inline constexpr std::uint8_t kContinuation = 0;
inline constexpr std::uint8_t kText = 1;
inline constexpr std::uint8_t kBinary = 2;
inline constexpr std::uint8_t kClose = 8;
inline constexpr std::uint8_t kPing = 9;
inline constexpr std::uint8_t kPong = 10;

inline constexpr std::uint8_t kRsv1 = 4;

struct Frame {
  std::uint8_t opcode = kText;
  std::string payload = {};
  bool fin = true;
  std::uint8_t rsv = 0;  // 0..7, the first reserved bit counts 4
};

// The frame's header for a masked payload of `size` bytes.
[[nodiscard]] std::string masked_header(std::uint8_t opcode, bool fin, std::uint8_t rsv,
                                        std::uint64_t size, std::uint32_t mask);
void append_masked(std::string& out, std::string_view payload, std::uint32_t mask);

// Cuts what a server sends into frames.
class FrameReader {
 public:
  // Room for `size` more bytes; commit() says how many of them were filled.
  [[nodiscard]] char* prepare(std::size_t size);
  void commit(std::size_t size);
  void feed(std::string_view bytes);

  // The next whole frame. Nothing: more bytes are needed, or error() is not empty.
  [[nodiscard]] std::optional<Frame> next();
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string error_;
};

}  // namespace wsconform
