#include "bench/load/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace bench {

namespace {

constexpr const char* kModes[] = {"echo",       "openloop", "deflate", "broadcast",
                                  "handshakes", "idle",     "large"};

[[noreturn]] void usage(std::string_view what) {
  std::fprintf(stderr,
               "wsload: %.*s\n"
               "usage: wsload --port PORT [--host 127.0.0.1] [--path /echo] [--pid SERVER_PID]\n"
               "  [--mode echo|openloop|deflate|broadcast|handshakes|idle|large]\n"
               "  [--connections 200] [--inflight 1] [--senders 1] [--rate PER_SECOND]\n"
               "  [--size 20] [--type text|binary] [--seconds 5] [--warmup 1] [--messages N]\n"
               "  [--spin] [--raw --reply-bytes N] [--head short|browser] [--reset]\n",
               static_cast<int>(what.size()), what.data());
  std::exit(2);
}

template <class T>
T number(std::string_view name, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    usage(std::string(name) + " needs a number from " + std::to_string(least) + " to " +
          std::to_string(most));
  }
  return static_cast<T>(value);
}

Mode mode_named(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kModes); ++i) {
    if (text == kModes[i]) return static_cast<Mode>(i);
  }
  usage("--mode " + std::string(text) + " is not one of the modes below");
}

bool type_is_binary(std::string_view text) {
  if (text != "text" && text != "binary") usage("--type must be text or binary");
  return text == "binary";
}

Head head_named(std::string_view text) {
  if (text != "short" && text != "browser") usage("--head must be short or browser");
  return text == "browser" ? Head::kBrowser : Head::kShort;
}

void check(const Options& options) {
  if (options.port == 0) usage("--port is missing: write the port of the server");
  if (options.raw != (options.reply_bytes != 0))
    usage("--raw and --reply-bytes must be given together");
  const bool echo = options.mode == Mode::kEcho;
  const bool broadcast = options.mode == Mode::kBroadcast;
  if (options.raw && !echo && !broadcast) usage("--raw applies only to --mode echo and broadcast");
  const bool handshakes = options.mode == Mode::kHandshakes;
  if (options.raw && broadcast && options.reply_bytes < options.size)
    usage("--reply-bytes must be at least --size in --mode broadcast");
  if (options.messages != 0 && !echo && !broadcast && !handshakes)
    usage("--messages applies only to --mode echo, broadcast and handshakes");
  if ((options.head != Head::kShort || options.reset) && !handshakes)
    usage("--head and --reset apply only to --mode handshakes");
  if (options.rate == 0 && options.mode == Mode::kOpenLoop) usage("--mode openloop needs --rate");
  if (options.rate != 0 && options.mode != Mode::kOpenLoop && !handshakes && !broadcast) {
    usage("--rate applies only to --mode openloop, broadcast and handshakes");
  }
  if (options.rate != 0 && options.messages != 0) usage("--rate and --messages cannot be combined");
  if (broadcast && options.senders > options.connections)
    usage("--senders must be at most --connections");
  if ((broadcast || options.mode == Mode::kOpenLoop) && options.size < 8) {
    usage(
        "--size must be at least 8 in this mode, which identifies messages by their first 8 bytes");
  }
  if (options.reset && options.mode != Mode::kHandshakes)
    usage("--reset applies only to --mode handshakes");
  const bool memory = options.mode == Mode::kIdle || options.mode == Mode::kLarge;
  if (memory && options.pid == 0) usage("this mode needs --pid, the process id of the server");
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--raw" || name == "--reset" || name == "--spin") {
      (name == "--raw" ? options.raw : name == "--spin" ? options.spin : options.reset) = true;
      continue;
    }
    if (++i == argc) usage(std::string(name) + " needs a value");
    const std::string_view text = argv[i];
    using Size = std::size_t;
    // clang-format off
    if (name == "--mode") options.mode = mode_named(text);
    else if (name == "--host") options.host = text;
    else if (name == "--port") options.port = number<std::uint16_t>(name, text, 1, 65535);
    else if (name == "--path") options.path = text;
    else if (name == "--connections") options.connections = number<Size>(name, text, 1, 28'000);
    else if (name == "--inflight") options.inflight = number<Size>(name, text, 1, 1024);
    else if (name == "--senders") options.senders = number<Size>(name, text, 1, 28'000);
    else if (name == "--rate") options.rate = number<Size>(name, text, 1, 100'000'000);
    else if (name == "--size") options.size = number<Size>(name, text, 0, Size{1} << 30);
    else if (name == "--seconds") options.seconds = number<Size>(name, text, 1, 3600);
    else if (name == "--warmup") options.warmup = number<Size>(name, text, 0, 3600);
    else if (name == "--messages") options.messages = number<Size>(name, text, 1, 1U << 29);
    else if (name == "--head") options.head = head_named(text);
    else if (name == "--type") options.binary = type_is_binary(text);
    else if (name == "--reply-bytes") options.reply_bytes = number<Size>(name, text, 1, Size{1} << 30);
    else if (name == "--pid") options.pid = number<pid_t>(name, text, 1, 1U << 30);
    else usage(std::string("unknown flag: ") + argv[i - 1]);
    // clang-format on
  }
  check(options);
  return options;
}

}  // namespace bench
