// Encodes and decodes RFC 6455 frames. This code was written from the specification for this suite
// alone and shares nothing with wsd, so that an error in wsd's codec shows.
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

// The role that the suite plays. The peer plays the other one.
enum class Role { client, server };

struct Frame {
  std::uint8_t opcode = kText;
  std::string payload = {};
  bool fin = true;
  std::uint8_t rsv = 0;  // the three reserved bits as a number; RSV1 counts 4
};

// Returns the header of a frame with a payload of `size` bytes, which is masked if `mask` is given.
[[nodiscard]] std::string frame_header(std::uint8_t opcode, bool fin, std::uint8_t rsv,
                                       std::uint64_t size, std::optional<std::uint32_t> mask);
void append_masked(std::string& out, std::string_view payload, std::uint32_t mask);

// Divides the bytes that the peer sends into frames.
class FrameReader {
 public:
  // Expects masked frames if the suite is the server (RFC 6455, section 5.1). The default is the
  // client.
  void play(Role role) { role_ = role; }

  // Returns space for `size` more bytes. The caller fills it and calls commit() with the count.
  [[nodiscard]] char* prepare(std::size_t size);
  void commit(std::size_t size);
  void feed(std::string_view bytes);

  // Returns the next complete frame. Returns nothing if more bytes are needed or error() is set.
  [[nodiscard]] std::optional<Frame> next();
  // Returns an empty string, or the problem with a frame header. No frame follows an error.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  [[nodiscard]] std::string judge_mask(std::uint32_t mask);

  Role role_ = Role::client;
  std::optional<std::uint32_t> mask_;
  int same_masks_ = 0;
  std::string error_;
};

}  // namespace wsconform
