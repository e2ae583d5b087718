// The build defines WSCONFORM_ZLIB=1 if zlib is available. Groups 12 and 13 cannot run without it.
#include "conformance/deflate.h"

#include <algorithm>
#include <charconv>

#include "conformance/bytes.h"
#include "conformance/http.h"

#if WSCONFORM_ZLIB
#include <zlib.h>
#endif

namespace wsconform {

namespace {

std::string_view next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

// The contents of one offer or answer. The role is the suite's: it decides which side owns the
// parameters with "server_" and "client_" in their names.
struct Parsed {
  Role role;
  DeflateTerms terms = {};
  bool has_own_bits = false;
  bool has_peer_bits = false;
  std::vector<std::string> seen = {};
  std::string problem = {};
};

std::optional<int> window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  int bits = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  if (bits < 8 || bits > 15 || value.front() == '0') return std::nullopt;
  return bits;
}

void take_parameter(Parsed& parsed, std::string_view parameter) {
  const std::size_t equals = std::min(parameter.find('='), parameter.size());
  const std::string name(trimmed(parameter.substr(0, equals)));
  const std::string_view value =
      equals < parameter.size() ? trimmed(parameter.substr(equals + 1)) : std::string_view();
  if (std::find(parsed.seen.begin(), parsed.seen.end(), name) != parsed.seen.end()) {
    parsed.problem = "the peer has sent " + name + " twice";
  }
  parsed.seen.push_back(name);
  const bool flag = equals == parameter.size();
  const auto bits = window_bits(value);
  const bool own = name.starts_with(parsed.role == Role::client ? "client_" : "server_");
  DeflateTerms& terms = parsed.terms;
  // Only a client may send client_max_window_bits without a value (RFC 7692, section 7.1.2.2).
  const bool hint = name == "client_max_window_bits" && flag && parsed.role == Role::server;
  if ((name == "server_no_context_takeover" || name == "client_no_context_takeover") && flag) {
    (own ? terms.own_no_context_takeover : terms.peer_no_context_takeover) = true;
  } else if ((name == "server_max_window_bits" || name == "client_max_window_bits") &&
             (bits || hint)) {
    (own ? terms.own_max_window_bits : terms.peer_max_window_bits) = bits.value_or(15);
    (own ? parsed.has_own_bits : parsed.has_peer_bits) = true;
  } else {
    parsed.problem = "the peer has sent an unknown or invalid parameter: " + described(parameter);
  }
}

// Returns true if the answer grants every parameter that the offer requires of the peer (RFC
// 7692, section 7.1).
bool answers(const Parsed& parsed, const Offer& offer) {
  if (offer.peer_no_context_takeover && !parsed.terms.peer_no_context_takeover) return false;
  if (offer.peer_max_window_bits == 0) return true;
  return parsed.has_peer_bits && parsed.terms.peer_max_window_bits <= offer.peer_max_window_bits;
}

// Returns the parameters if the client's offer allows what the suite wants of the client. The
// server may always ask for no context takeover, but may limit the window only of a client that
// has sent client_max_window_bits (RFC 7692, sections 7.1.1.2 and 7.1.2.2).
std::optional<DeflateTerms> accepted(const Parsed& offer, const Offer& wanted) {
  if (wanted.peer_max_window_bits != 0 && !offer.has_peer_bits) return std::nullopt;
  DeflateTerms terms = offer.terms;
  terms.peer_no_context_takeover = wanted.peer_no_context_takeover;
  terms.peer_max_window_bits =
      wanted.peer_max_window_bits == 0
          ? 15
          : std::min(wanted.peer_max_window_bits, offer.terms.peer_max_window_bits);
  return terms;
}

std::string response_for(const DeflateTerms& terms, bool own_bits, bool peer_bits) {
  std::string out = "permessage-deflate";
  if (terms.own_no_context_takeover) out += "; server_no_context_takeover";
  if (own_bits) out += "; server_max_window_bits=" + std::to_string(terms.own_max_window_bits);
  if (terms.peer_no_context_takeover) out += "; client_no_context_takeover";
  if (peer_bits) out += "; client_max_window_bits=" + std::to_string(terms.peer_max_window_bits);
  return out;
}

}  // namespace

std::string offered(const std::vector<Offer>& offers) {
  std::string out;
  for (const Offer& offer : offers) {
    if (!out.empty()) out += ", ";
    out += "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    if (offer.peer_no_context_takeover) out += "; server_no_context_takeover";
    if (offer.peer_max_window_bits != 0) {
      out += "; server_max_window_bits=" + std::to_string(offer.peer_max_window_bits);
    }
  }
  return out;
}

DeflateAnswer judge_answer(const std::vector<Offer>& offers, std::string_view answer) {
  if (answer.empty()) return {};
  if (offers.empty()) return {.problem = "the peer answered an extension that was not offered"};
  if (answer.find(',') != std::string_view::npos) {
    return {.problem = "the peer accepted more than one extension: " + std::string(answer)};
  }
  if (next_part(answer, ';') != "permessage-deflate") {
    return {.problem = "the peer accepted an extension that was not offered"};
  }
  Parsed parsed{.role = Role::client};
  while (!answer.empty()) take_parameter(parsed, next_part(answer, ';'));
  if (!parsed.problem.empty()) return {.problem = parsed.problem};
  const bool fits = std::any_of(offers.begin(), offers.end(),
                                [&](const Offer& offer) { return answers(parsed, offer); });
  if (!fits) return {.problem = "the answer grants the parameters of none of the offers"};
  return {.terms = parsed.terms};
}

DeflateAnswer accept_offer(const std::vector<Offer>& wanted, std::string_view offers) {
  std::vector<Parsed> parsed;
  while (!offers.empty()) {
    std::string_view offer = next_part(offers, ',');
    if (next_part(offer, ';') != "permessage-deflate") continue;
    Parsed& one = parsed.emplace_back(Parsed{.role = Role::server});
    while (!offer.empty()) take_parameter(one, next_part(offer, ';'));
    if (!one.problem.empty()) return {.problem = one.problem};
  }
  for (const Offer& want : wanted) {
    for (const Parsed& offer : parsed) {
      const auto terms = accepted(offer, want);
      if (!terms) continue;
      return {.terms = terms,
              .response = response_for(*terms, offer.has_own_bits, want.peer_max_window_bits != 0)};
    }
  }
  return {};
}

#if WSCONFORM_ZLIB

bool have_zlib() { return true; }

struct Deflater::State {
  DeflateTerms terms;
  z_stream out{};
  z_stream in{};
};

Deflater::Deflater(const DeflateTerms& terms) : state_(std::make_unique<State>()) {
  state_->terms = terms;
  // Level 1 saves time in the suite, because only the peer is measured. zlib has no raw window
  // of 8 bits, but stored blocks fit any window.
  const bool smallest = terms.own_max_window_bits == 8;
  deflateInit2(&state_->out, smallest ? 0 : 1, Z_DEFLATED,
               smallest ? -9 : -terms.own_max_window_bits, 8, Z_DEFAULT_STRATEGY);
  inflateInit2(&state_->in, -terms.peer_max_window_bits);
}

Deflater::~Deflater() {
  deflateEnd(&state_->out);
  inflateEnd(&state_->in);
}

std::string Deflater::compress(std::string_view message) {
  z_stream& z = state_->out;
  std::string result(deflateBound(&z, message.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
  z.avail_in = static_cast<uInt>(message.size());
  z.next_out = reinterpret_cast<Bytef*>(result.data());
  z.avail_out = static_cast<uInt>(result.size());
  deflate(&z, Z_SYNC_FLUSH);
  result.resize(result.size() - z.avail_out);
  // The empty block at the end is not sent (RFC 7692, section 7.2.1).
  if (result.ends_with(std::string_view("\0\0\xff\xff", 4))) result.resize(result.size() - 4);
  if (state_->terms.own_no_context_takeover) deflateReset(&z);
  return result;
}

std::optional<std::string> Deflater::decompress(std::string_view compressed) {
  z_stream& z = state_->in;
  std::string input(compressed);
  input.append(std::string_view("\0\0\xff\xff", 4));
  std::string result(std::max<std::size_t>(4096, 4 * input.size()), '\0');
  std::size_t size = 0;
  z.next_in = reinterpret_cast<Bytef*>(input.data());
  z.avail_in = static_cast<uInt>(input.size());
  for (;;) {
    if (size == result.size()) result.resize(2 * result.size());
    z.next_out = reinterpret_cast<Bytef*>(result.data() + size);
    z.avail_out = static_cast<uInt>(result.size() - size);
    const int status = inflate(&z, Z_SYNC_FLUSH);
    size = result.size() - z.avail_out;
    if (status == Z_STREAM_END) {
      // A final block is allowed, and the next block starts again (RFC 7692, section 7.2.3.4).
      inflateReset(&z);
      if (z.avail_in <= 4) break;
      continue;
    }
    if (status != Z_OK && status != Z_BUF_ERROR) return std::nullopt;
    if (z.avail_in == 0 && z.avail_out > 0) break;
    if (status == Z_BUF_ERROR && z.avail_out > 0) break;
  }
  if (state_->terms.peer_no_context_takeover) inflateReset(&z);
  result.resize(size);
  return result;
}

#else

bool have_zlib() { return false; }

struct Deflater::State {};
Deflater::Deflater(const DeflateTerms&) {}
Deflater::~Deflater() = default;
std::string Deflater::compress(std::string_view message) { return std::string(message); }
std::optional<std::string> Deflater::decompress(std::string_view) { return std::nullopt; }

#endif

}  // namespace wsconform
