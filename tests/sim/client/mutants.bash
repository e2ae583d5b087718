# Faults of the client, for tests/sim/mutants. The simulation of a client and a server looks for
# them.

mutant "client: connecting has no timeout" src/server/client_link.cc \
  '  arm(request_.options.connect_timeout_ms);
' ''
mutant "client: the handshake has no timeout" src/server/client_link.cc \
  '  arm(request_.options.handshake_timeout_ms);
' ''
mutant "client: a timeout of the handshake is a disconnect" src/server/client_link.cc \
  'timed_out_ = true;' ''
mutant "client: a deadline ends an open connection" src/server/client_link.cc \
  '  connection_ = nullptr;
  links_.reactor().shard().wheel().cancel(*this);' '  connection_ = nullptr;'
mutant "client: a timeout comes at half of its time" src/server/client_link.cc \
  'std::max<Tick>(ticks_for_ms(timeout_ms), 1)' 'std::max<Tick>(ticks_for_ms(timeout_ms) / 2, 1)'
mutant "client: a link that fails keeps a stale place" src/server/client_links.cc \
  '  // The handler may call Client::connect(), but that only posts mail.
  std::swap(dialing_[link.place], dialing_.back());
  dialing_[link.place]->place = link.place;' '  std::swap(dialing_[link.place], dialing_.back());'
mutant "client: a link that connects keeps a stale place" src/server/client_links.cc \
  'WSD_ASSERT(slot < connected_.size());
  std::swap(dialing_[link.place], dialing_.back());
  dialing_[link.place]->place = link.place;' 'std::swap(dialing_[link.place], dialing_.back());'
mutant "client: stop() forgets the links that connect" src/server/client_core.cc \
  'void run() override { links_.stop(); }' 'void run() override { static_cast<void>(links_); }'
mutant "client: an end before the response is not reported" src/server/client_core.cc \
  'if (!record.opened) {' 'if (!record.opened && record.http_status != 0) {'
mutant "client: the socket of a refused connection stays open" src/net/engine_wire.cc \
  'if (fd_ >= 0) port_->close(std::exchange(fd_, -1));' 'if (fd_ >= 0 && state_ != State::kConnecting) port_->close(std::exchange(fd_, -1));'
mutant "client: a released socket stays watched" src/net/engine_wire.cc \
  'port_->unwatch(fd_);' ''
mutant "client: a text is sent as binary" src/net/connection_client.cc \
  'const Outbound::Status status = out_.send_masked(opcode,' \
  'const Outbound::Status status = out_.send_masked(protocol::Opcode::kBinary,'
mutant "client: a part of the request is not sent" src/net/connection_client.cc \
  'sent([&] { return out_.send_raw(request, context()); });' \
  'sent([&] { return out_.send_raw(request.first(request.size() / 2), context()); });'
