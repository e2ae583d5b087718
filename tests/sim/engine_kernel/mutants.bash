# Faults of the engine's sockets and of its handling of failed allocations, for tests/sim/mutants.
# The simulation of nodes over the kernel looks for them.

mutant "wire: a read that fills the buffer forgets the edge" src/net/engine_wire.cc \
  'if (result.bytes < into.size() && !ended_) readable_ = false;' 'readable_ = false;'
mutant "wire: a short read forgets the end behind it" src/net/engine_wire.cc \
  'if (result.bytes < into.size() && !ended_) readable_ = false;' 'if (result.bytes < into.size()) readable_ = false;'
mutant "wire: SO_ERROR is not read" src/net/engine_wire.cc \
  'if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;' 'static_cast<void>(size);'
mutant "wire: the unsent bytes are dropped at EAGAIN" src/net/engine_wire.cc \
  'if (result.status == IoStatus::kAgain) break;' 'if (result.status == IoStatus::kAgain) {
      out_.clear();
      break;
    }'
mutant "wire: a short send waits for an edge" src/net/engine_wire.cc \
  'sent_ += result.bytes;
      continue;' 'sent_ += result.bytes;
      writable_ = unsent() == 0;
      continue;'
mutant "wire: sent bytes are counted on after they are erased" src/net/engine_wire.cc \
  'out_.erase(0, sent_);
    sent_ = 0;' 'out_.erase(0, sent_);'
mutant "wire: ENOBUFS waits for an edge" src/net/engine_wire.cc \
  'if (result.status == IoStatus::kNoBuffers) return false;' 'if (result.status == IoStatus::kNoBuffers) {
      writable_ = false;
      break;
    }'
mutant "wire: ENOMEM of a read waits for an edge" src/net/engine_wire.cc \
  'port.retry_later();
        return;' 'readable_ = false;
        return;'
mutant "wire: there is work while reading is paused" src/net/engine_wire.cc \
  'return readable_ && reading_;' 'return readable_;'
mutant "wire: paused reading is ignored" src/net/engine_wire.cc \
  'while (state_ == State::kOpen && readable_ && reading_ && left != 0) {' 'while (state_ == State::kOpen && readable_ && left != 0) {'
mutant "wire: the owner is told of the end twice" src/net/engine_wire.cc \
  'state_ = State::kEnded;
  close();
  std::string().swap(out_);' 'close();
  std::string().swap(out_);'
mutant "wire: the owner is not told of a failed connect" src/net/engine_wire.cc \
  '  state_ = State::kFailed;  // `why_` is about the last address' '  state_ = State::kEnded;'
mutant "wire: only the first address is tried" src/net/engine_wire.cc \
  'if (try_address(address)) return;' 'static_cast<void>(try_address(address));
    return;'
mutant "wire: a socket that is not registered stays open" src/net/engine_wire.cc \
  'close_socket(std::exchange(fd_, -1));
  return false;' 'fd_ = -1;
  return false;'
mutant "wire: the socket of a destroyed wire stays open" src/net/engine_wire.cc \
  'if (state_ == State::kConnecting) port_->begin_with_next_address();
  close();' 'if (state_ == State::kConnecting) {
    port_->begin_with_next_address();
  } else {
    close();
  }'
mutant "wire: a token is used again" src/net/engine_port.cc \
  'kWireToken | next_number_++ << 1 | 1' 'kWireToken | next_number_ << 1 | 1'
mutant "wire: a fork holds descriptors" src/net/engine_wire.cc \
  'if (fd_ >= 0) port_->close(std::exchange(fd_, -1));' 'if (fd_ >= 0) close_socket(std::exchange(fd_, -1));'
mutant "wire: nothing is tried again after ENOMEM" src/net/engine_port.cc \
  'if (retry_) due = std::min(due, reactor_.now + 1);' ''
mutant "wire: an owner without memory goes on" src/net/engine_port.cc \
  'if (current_ != nullptr) current_->fail("Cannot allocate memory");' ''
mutant "wire: the engine has no timer" src/net/engine_port.cc \
  'wheel.arm(timer_, due);' 'if (retry_) wheel.arm(timer_, due);'
mutant "memory: a request that was not sent expects a reply" src/engine/redis_link.cc \
  'expected_.pop_back();
    throw;' 'throw;'
mutant "memory: a room goes on after half of a reply" src/engine/redis_rooms.cc \
  '        break;
    }
  } catch (const std::bad_alloc&) {
    lose_for_a_while(*room, kMemoryDelayMs);' '        break;
    }
  } catch (const std::bad_alloc&) {'
mutant "memory: a room goes on after half of a push" src/engine/redis_rooms.cc \
  'message_pushed(*room, payload.front().text);
    } catch (const std::bad_alloc&) {
      lose_for_a_while(*room, kMemoryDelayMs);' 'message_pushed(*room, payload.front().text);
    } catch (const std::bad_alloc&) {'
mutant "memory: a link goes on after half of its input" src/engine/redis_link.cc \
  '    if (!over) end("out of memory", false);
    return;' '    if (!over) over_ = nullptr;
    return;'
mutant "memory: mail that waits is forgotten" src/hub/shard_order.cc \
  'retry_needed_ = true;
    waiting_due_ = true;
    return false;' 'return false;'
