// A network whose servers are played by a test.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/wire.h"

namespace wsd::engine {

// Hands out wires and remembers what was sent on them. The test plays the servers.
class ScriptedNetwork final : public Network {
 public:
  struct Line {
    Endpoint to;
    WireOwner* owner = nullptr;  // nullptr after the wire was destroyed
    std::string sent;
  };

  std::unique_ptr<Wire> connect(const Endpoint& to, WireOwner& owner) override {
    lines.push_back(std::make_shared<Line>(Line{to, &owner, {}}));
    return std::make_unique<ScriptedWire>(lines.back());
  }
  [[nodiscard]] Line& last() const { return *lines.back(); }

  std::vector<std::shared_ptr<Line>> lines;

 private:
  class ScriptedWire final : public Wire {
   public:
    explicit ScriptedWire(std::shared_ptr<Line> line) : line_(std::move(line)) {}
    ~ScriptedWire() override { line_->owner = nullptr; }
    void send(std::string_view bytes) override { line_->sent += bytes; }
    [[nodiscard]] std::size_t unsent() const noexcept override { return 0; }
    void set_reading(bool) noexcept override {}

   private:
    std::shared_ptr<Line> line_;
  };
};

}  // namespace wsd::engine
