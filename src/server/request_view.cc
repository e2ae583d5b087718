#include "server/request_view.h"

namespace wsd::server {

std::string_view RequestView::header(std::string_view name) const {
  const protocol::HttpField* const field = request_.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

std::vector<std::string_view> RequestView::headers(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const protocol::HttpField& field : *request_.fields) {
    if (protocol::equals_ignore_case(field.name, name)) values.push_back(field.value);
  }
  return values;
}

std::string_view RequestView::param(std::string_view name) const {
  for (const auto& [each, value] : params_) {
    if (each == name) return value;
  }
  return {};
}

}  // namespace wsd::server
