#include "engine/wire.h"

namespace wsd::engine {

std::string Endpoint::text() const {
  if (!path.empty()) return "unix:" + path;
  const bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" + host + "]:" : host + ":") + std::to_string(port);
}

}  // namespace wsd::engine
