#include "protocol/inflation.h"

namespace wsd::protocol {

void Inflation::begin(Opcode opcode, Bytes rest) noexcept {
  unfinished_ = true;
  opcode_ = opcode;
  rest_ = rest;
  text_valid_ = true;
  utf8_.reset();
  checked_ = 0;
  number_ = compression_.pool().number_message();
  plain_.swap(compression_.pool().inflated);
}

void Inflation::keep(Bytes input, bool rest_precedes) {
  if (!kept_.empty()) {
    set_left(input.size());
    return;
  }
  const std::size_t before = rest_precedes ? rest_.size() : 0;
  kept_.reserve(before + input.size());
  if (rest_precedes) kept_.assign(rest_.begin(), rest_.end());
  kept_.insert(kept_.end(), input.begin(), input.end());
  used_ = before;
  if (rest_precedes) rest_ = Bytes(kept_).first(before);
}

Inflater::Status Inflation::step(std::size_t limit) {
  if (plain_.size() > DeflatePool::kLargeMessage && !compression_.pool().may_grow(number_)) {
    return Inflater::Status::kUnfinished;
  }
  ByteBuffer& plain = compression_.pool().inflated;
  plain.swap(plain_);
  const Inflater::Status status = compression_.inflate(rest_, limit);
  // Each part of a text is checked when it is made, so that the last step of a long text costs no
  // more than the others. The result counts only when the message is complete, as for a message
  // that takes one step.
  if (opcode_ == Opcode::kText && text_valid_) {
    text_valid_ = utf8_.feed(plain.bytes().subspan(checked_));
    checked_ = plain.size();
  }
  if (status == Inflater::Status::kUnfinished) {
    plain.swap(plain_);
  } else {
    unfinished_ = false;
    plain_.reset();
  }
  return status;
}

void Inflation::abandon() noexcept {
  if (unfinished_) compression_.abandon();
  unfinished_ = false;
  plain_.reset();
}

std::size_t Inflation::held_bytes() const noexcept {
  return kept_.capacity() + plain_.capacity() +
         (unfinished_ ? inflater_bytes(compression_.terms().client_max_window_bits) : 0);
}

}  // namespace wsd::protocol
