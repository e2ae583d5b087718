// A frame reader with a planted bug: it trusts the length that a header announces. If a fuzzing run
// does not find this bug, its other results prove nothing.
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "protocol/frame_check.h"
#include "protocol/frame_header.h"

namespace {

using namespace wsd;            // NOLINT: a program of its own
using namespace wsd::protocol;  // NOLINT

// After the checks, so that only a frame that passes them reaches the bug.
unsigned sum_of_payload(Bytes input) {
  if (input.size() < 2 || input.size() < frame_header_size(input[1])) return 0;
  const FrameHeader header = decode_frame_header(input);
  if (check_frame_start(header, false) != Violation::kNone) return 0;
  if (check_frame_length(header, 0, 4096) != Violation::kNone) return 0;
  unsigned sum = 0;
  for (std::size_t i = 0; i < header.payload_length; ++i) sum += input.data()[header.size + i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Volatile, so that no compiler removes the read as useless.
  volatile unsigned sum = sum_of_payload({data, size});
  static_cast<void>(sum);
  return 0;
}
