// A list of mail.
#pragma once

#include <memory>
#include <utility>

#include "hub/mail.h"

namespace wsd::hub {

// A list of mail in the order of arrival. Owns the mail. Needs no memory of its own.
class MailQueue {
 public:
  MailQueue() = default;
  MailQueue(const MailQueue&) = delete;
  MailQueue& operator=(const MailQueue&) = delete;
  ~MailQueue() {
    while (first_ != nullptr) pop();
  }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // Requires that the queue is not empty.
  [[nodiscard]] Mail& front() noexcept { return *first_; }
  void push(std::unique_ptr<Mail> mail) noexcept {
    mail->next = nullptr;
    *last_ = mail.release();
    last_ = &(*last_)->next;
  }
  void pop() noexcept { static_cast<void>(take()); }
  // Removes and returns the first piece. Requires that the queue is not empty.
  [[nodiscard]] std::unique_ptr<Mail> take() noexcept {
    std::unique_ptr<Mail> first(std::exchange(first_, first_->next));
    if (first_ == nullptr) last_ = &first_;
    return first;
  }
  // Calls `visit` with each piece of mail, in its order.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    for (Mail* mail = first_; mail != nullptr; mail = mail->next) visit(*mail);
  }

 private:
  Mail* first_ = nullptr;
  Mail** last_ = &first_;
};

}  // namespace wsd::hub
