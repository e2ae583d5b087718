#include "protocol/deflate_response.h"

#include <algorithm>
#include <cstdint>

namespace wsd::protocol {
namespace {

constexpr std::uint8_t kLeastBits = 9;  // the smallest window that zlib can write, or keep

// The parameters of §7.1, as the response gives them. 0: not given.
struct Given {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 0;
  std::uint8_t client_max_window_bits = 0;
};

bool read_flag(const ExtensionParameter& parameter, bool& flag) noexcept {
  if (flag || parameter.has_value) return false;  // §7.1: given twice; §7.1.1: no value
  flag = true;
  return true;
}

// §7.1.2: in a response, both window parameters have a value.
bool read_bits(const ExtensionParameter& parameter, std::uint8_t& bits) noexcept {
  if (bits != 0 || !parameter.has_value) return false;
  bits = read_window_bits(parameter.value).value_or(0);
  return bits != 0;
}

bool read_parameter(const ExtensionParameter& parameter, Given& given) noexcept {
  if (parameter.name == "server_no_context_takeover") {
    return read_flag(parameter, given.server_no_context_takeover);
  }
  if (parameter.name == "client_no_context_takeover") {
    return read_flag(parameter, given.client_no_context_takeover);
  }
  if (parameter.name == "server_max_window_bits") {
    return read_bits(parameter, given.server_max_window_bits);
  }
  return parameter.name == "client_max_window_bits" &&
         read_bits(parameter, given.client_max_window_bits);
}

std::uint8_t bits_or_all(std::uint8_t bits) noexcept {
  constexpr std::uint8_t kMostBits = 15;  // §7.1.2: without the parameter, 32,768 bytes
  return bits == 0 ? kMostBits : bits;
}

}  // namespace

std::string_view deflate_offer(bool context_takeover) noexcept {
  // §7.1.2.2: without client_max_window_bits in the offer, the server must not limit our window.
  return context_takeover ? "permessage-deflate; client_max_window_bits"
                          : "permessage-deflate; server_no_context_takeover; "
                            "client_no_context_takeover; client_max_window_bits";
}

std::optional<DeflateParameters> accept_deflate_response(const ExtensionOffer& response,
                                                         bool context_takeover) {
  Given given;
  for (const ExtensionParameter& parameter : response.parameters) {
    if (!read_parameter(parameter, given)) return std::nullopt;
  }
  // §7.1.1.1: a server that cannot do without its window must decline the offer.
  if (!context_takeover && !given.server_no_context_takeover) return std::nullopt;
  const std::uint8_t own_bits = bits_or_all(given.client_max_window_bits);
  if (own_bits < kLeastBits) return std::nullopt;
  DeflateParameters terms;
  terms.server_no_context_takeover = !context_takeover || given.client_no_context_takeover;
  terms.client_no_context_takeover = given.server_no_context_takeover;
  terms.server_max_window_bits = own_bits;
  // A larger window than the server's reads the same messages.
  terms.client_max_window_bits = std::max(bits_or_all(given.server_max_window_bits), kLeastBits);
  return terms;
}

}  // namespace wsd::protocol
