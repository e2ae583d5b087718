#include "protocol/deflate_offer.h"

#include <algorithm>

namespace wsd::protocol {
namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr std::uint8_t kLeastBits = 8;
constexpr std::uint8_t kMostBits = 15;

// One offer, with its parameters checked.
struct Offer {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits;
  bool client_max_window_bits_given = false;
  std::optional<std::uint8_t> client_max_window_bits;
};

bool read_parameter(const ExtensionParameter& parameter, Offer& offer) {
  const std::string_view name = parameter.name;
  if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
    if (parameter.has_value) return false;  // §7.1.1: no value
    (name[0] == 's' ? offer.server_no_context_takeover : offer.client_no_context_takeover) = true;
    return true;
  }
  if (name == "server_max_window_bits") {
    // §7.1.2.1: MUST have a value.
    if (parameter.has_value) offer.server_max_window_bits = read_window_bits(parameter.value);
    return offer.server_max_window_bits.has_value();
  }
  if (name == "client_max_window_bits") {
    offer.client_max_window_bits_given = true;
    if (!parameter.has_value) return true;  // §7.1.2.2: MAY have one
    offer.client_max_window_bits = read_window_bits(parameter.value);
    return offer.client_max_window_bits.has_value();
  }
  return false;
}

// Returns std::nullopt if the offer must be declined.
std::optional<Offer> read_offer(const ExtensionOffer& extension) {
  if (extension.name != kName) return std::nullopt;
  Offer offer;
  const auto& parameters = extension.parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto same = [&](const ExtensionParameter& each) {
      return each.name == parameters[i].name;
    };
    const auto end = parameters.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(parameters.begin(), end, same)) return std::nullopt;  // §7.1: given twice
    if (!read_parameter(parameters[i], offer)) return std::nullopt;
  }
  // zlib cannot write raw DEFLATE with a window of 256 bytes (deflateInit2 rejects 8 bits), so the
  // server must not promise such a window.
  if (offer.server_max_window_bits == kLeastBits) return std::nullopt;
  return offer;
}

DeflateAgreement accept(const Offer& offer, const DeflatePolicy& policy) {
  DeflateAgreement agreement;
  DeflateParameters& terms = agreement.terms;
  std::string& response = agreement.response;
  response = kName;
  // §7.1.1: the server may restrict both directions, even if the client did not ask for it.
  terms.server_no_context_takeover =
      offer.server_no_context_takeover || !policy.server_context_takeover;
  terms.client_no_context_takeover =
      offer.client_no_context_takeover || !policy.client_context_takeover;
  if (terms.server_no_context_takeover) response += "; server_no_context_takeover";
  if (terms.client_no_context_takeover) response += "; client_no_context_takeover";
  if (offer.server_max_window_bits) {
    terms.server_max_window_bits = *offer.server_max_window_bits;
    response += "; server_max_window_bits=" + std::to_string(terms.server_max_window_bits);
  }
  // §7.1.2.2: allowed only if the client says that it understands the parameter; its value is the
  // most that it will use. The server does not answer an offered 8, which leaves the client 15:
  // zlib compressors that are set to 8 use 9.
  if (offer.client_max_window_bits && *offer.client_max_window_bits > kLeastBits) {
    terms.client_max_window_bits = *offer.client_max_window_bits;
    response += "; client_max_window_bits=" + std::to_string(terms.client_max_window_bits);
  }
  return agreement;
}

}  // namespace

std::optional<std::uint8_t> read_window_bits(std::string_view text) noexcept {
  for (std::uint8_t bits = kLeastBits; bits <= kMostBits; ++bits) {
    if (text == std::to_string(bits)) return bits;
  }
  return std::nullopt;
}

std::optional<DeflateAgreement> negotiate_deflate(const std::vector<ExtensionOffer>& offers,
                                                  const DeflatePolicy& policy) {
  for (const ExtensionOffer& extension : offers) {
    if (const std::optional<Offer> offer = read_offer(extension)) return accept(*offer, policy);
  }
  return std::nullopt;
}

}  // namespace wsd::protocol
