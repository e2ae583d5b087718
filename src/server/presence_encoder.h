// The messages of rooms with presence, made from the application's text.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "hub/presence.h"
#include "wsd/presence.h"

namespace wsd::server {

// Makes text frames of PresenceOptions::text. All reactors share it, so its methods may run at the
// same time.
class PresenceEncoder final : public hub::PresenceEncoder {
 public:
  using Text = std::function<std::string(const PresenceEvent&)>;

  // `text` must outlive this object. Empty: presence_text(). `max_bytes` is the largest size of a
  // message. `log_exception` is called within the catch clause of an exception of `text`, and must
  // not throw.
  PresenceEncoder(const Text& text, std::size_t max_bytes, std::function<void()> log_exception)
      : text_(text), max_bytes_(max_bytes), log_exception_(std::move(log_exception)) {}

  [[nodiscard]] SharedBytes presence_frame(const PresenceEvent& event) override;

 private:
  const Text& text_;
  const std::size_t max_bytes_;
  const std::function<void()> log_exception_;
};

// Returns whether a member may have this info.
[[nodiscard]] bool is_member_info(std::string_view info) noexcept;

}  // namespace wsd::server
