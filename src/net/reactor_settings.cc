#include "net/reactor_settings.h"

#include <algorithm>

namespace wsd::net {

bool ReactorSettings::all_accept(std::size_t bytes) const noexcept {
  const auto accepts = [bytes](const ConnectionSettings& each) {
    return each.session.message.max_message_bytes >= bytes;
  };
  return accepts(*this) && std::all_of(routes.begin(), routes.end(), accepts);
}

bool ReactorSettings::any_receive_rate() const noexcept {
  const auto limits = [](const ConnectionSettings& each) { return each.receive_rates.any(); };
  return limits(*this) || std::any_of(routes.begin(), routes.end(), limits);
}

}  // namespace wsd::net
