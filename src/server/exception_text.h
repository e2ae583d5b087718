// The text of an application's exception, for the log.
#pragma once

#include <exception>
#include <string>

namespace wsd::server {

// Returns the text of the current exception. Call it within a catch block.
[[nodiscard]] inline std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

}  // namespace wsd::server
