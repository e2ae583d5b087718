#include "sim/engine_kernel/echo_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <new>
#include <utility>
#include <vector>

#include "sim/allocation_faults.h"
#include "sim/broken.h"

namespace wsd::sim {
namespace {

constexpr std::uint16_t kEchoPort = 7;
constexpr std::uint16_t kNobodysPort = 9;

net::SocketAddress address_of(std::uint16_t port) {
  net::SocketAddress address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.size = sizeof(v4);
  return address;
}

// The byte at a place of the stream.
char byte_at(std::uint64_t place) noexcept {
  return static_cast<char>((place * 0x9E3779B97F4A7C15) >> 40);
}

}  // namespace

void EchoWire::act() {
  if (wire_ == nullptr || ended_) {
    if (random_.chance(80) && !calm_) connect();
    return;
  }
  if (calm_) {
    reading_ = true;
    wire_->set_reading(true);
    return;
  }
  switch (random_.below(8)) {
    case 0:
      wire_.reset();
      break;
    case 1:
    case 2:
      reading_ = !reading_;
      wire_->set_reading(reading_);
      break;
    default:
      send();
  }
}

// Mostly to an address that answers, perhaps after one that does not.
void EchoWire::connect() {
  std::vector<net::SocketAddress> to;
  {
    const AllocationFaults::Off off;
    hopeless_ = random_.chance(10);
    if (!hopeless_) to.push_back(address_of(kEchoPort));
    if (hopeless_ || random_.chance(40)) to.push_back(address_of(kNobodysPort));
  }
  wire_.reset();
  connected_ = ended_ = must_end_ = false;
  reading_ = true;
  sent_ = got_ = 0;
  offset_ = ++offsets_ << 32;
  wire_ = port_.connect(std::move(to), *this);
}

void EchoWire::send() {
  const std::uint64_t most[] = {1, 100, 10'000, 300'000};
  const std::uint64_t size = random_.between(1, most[random_.below(4)]);
  std::string bytes;
  {
    const AllocationFaults::Off off;
    for (std::uint64_t i = 0; i < size; ++i) bytes += byte_at(offset_ + sent_ + i);
  }
  wire_->send(bytes);
  sent_ += size;
  if (wire_->unsent() > sent_) broken("a wire has more bytes than it was given");
}

// The port ends a wire whose owner has run out of memory.
void EchoWire::throw_now_and_then() {
  if (calm_ || !random_.chance(2)) return;
  must_end_ = true;
  AllocationFaults::note();
  throw std::bad_alloc();
}

void EchoWire::connected() {
  if (wire_ == nullptr || connected_ || ended_) broken("a wire is told again that it is connected");
  connected_ = true;
  if (++far_.echoes_told > far_.echoes_made()) {
    broken("a wire is told that it is connected, though nobody has accepted it");
  }
  throw_now_and_then();
  if (!calm_ && random_.chance(10)) wire_.reset();
}

void EchoWire::received(std::string_view bytes) {
  if (wire_ == nullptr || !connected_ || ended_) broken("a wire that is not open receives");
  if (must_end_) broken("a wire goes on though its owner has run out of memory");
  if (!reading_) broken("a wire receives though its owner has stopped to read");
  if (bytes.empty()) broken("a wire receives nothing");
  for (const char each : bytes) {
    if (got_ == sent_ || each != byte_at(offset_ + got_)) {
      broken("byte %lu of a wire is wrong or was never sent", got_);
    }
    ++got_;
  }
  throw_now_and_then();
  if (calm_ || !random_.chance(15)) return;
  switch (random_.below(4)) {
    case 0:
      return wire_.reset();
    case 1:
      return connect();
    case 2:
      reading_ = false;
      return wire_->set_reading(false);
    default:
      return send();
  }
}

void EchoWire::ended(std::string_view why) {
  if (wire_ == nullptr || ended_) broken("a wire is told again that it has ended");
  if (why.empty()) broken("a wire ends without a reason");
  throw_now_and_then();
  ended_ = true;
  if (random_.chance(50)) wire_.reset();
}

// A wire that is not read does not learn that its connection has ended.
void EchoWire::check_at_rest() const {
  if (wire_ == nullptr || ended_ || !reading_) return;
  if (hopeless_) broken("a wire to nobody is not told that it has failed");
  if (!connected_) broken("a wire is not told that it is connected");
  if (wire_->unsent() != 0) broken("a wire keeps %zu bytes", wire_->unsent());
  if (got_ != sent_) broken("a wire has got back %lu of %lu bytes", got_, sent_);
}

}  // namespace wsd::sim
