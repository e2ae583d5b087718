// The start of a server: its limits, its log, its reactors and its engine.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "base/entropy.h"
#include "net/clock.h"
#include "server/option_name.h"
#include "server/reactor_settings.h"
#include "server/server_core.h"

namespace wsd {
namespace {

// free() returns blocks of at least this size to the system, so that the heap does not stay large
// after a large message. An explicit value also stops glibc from raising the threshold.
constexpr int kMmapThreshold = 256 << 10;

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

// The descriptors of one reactor for an engine: the connection, the Sentinels, a new connection of
// each while the former one ends, and a lookup.
constexpr std::uint32_t kEngineDescriptors = 16;

// Returns the limit on the descriptors of connections. 0: none. Each reactor may have one more for
// the moment in which it accepts it.
int descriptor_limit(const ServerOptions& options, std::uint32_t reactors) {
  const std::uint32_t reserved = options.limits.reserved_descriptors;
  rlimit limit{};
  if (reserved == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const std::uint32_t per_reactor = options.engine.url.empty() ? 1 : 1 + kEngineDescriptors;
  const std::uint64_t kept = std::uint64_t{reserved} + std::uint64_t{reactors} * per_reactor;
  const std::uint64_t all =
      std::min<std::uint64_t>(limit.rlim_cur, std::numeric_limits<int>::max());
  return all > kept ? static_cast<int>(all - kept) : 1;
}

std::uint64_t random_epoch() {
  // 48 bits leave room for increments, and a JSON number holds them exactly.
  return (wsd_random_word() >> 16) + 1;
}

}  // namespace

std::string ServerCore::start() {
  if (begun_.load()) return "start() was called before: call it only once";
  if (std::string error = check_options(options_); !error.empty()) return error;
  if (std::string error = requests_.check_routes(); !error.empty()) return error;
  if (listeners_.empty())
    return "the server has no address to listen on: call listen() before start()";
  return server::with_option_names(options_, start_reactors());
}

std::string ServerCore::start_reactors() {
  begun_.store(true);
  if (options_.process.raise_open_file_limit) raise_file_limit();
  if (options_.process.return_large_blocks) ::mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  settings_ = server::reactor_settings(options_, requests_.route_options());
  settings_.descriptor_limit = descriptor_limit(options_, reactor_count_);
  requests_.set_addresses(addresses());
  if (std::string error = open_history_log(); !error.empty()) return error;
  if (std::string error = build(); !error.empty()) return error;
  if (log_.wants(LogLevel::kInfo)) {
    LogLine line = log_.line(LogLevel::kInfo, "start");
    line.add("reactors", reactor_count_).add("text", reactor_choice_.reason);
    log_.write(line);
  }
  start_time_ms_ = net::wall_clock_ms();
  started_.store(true);
  if (std::string error = start_threads(); !error.empty()) return error;
  if (std::string error = await_engine(); !error.empty()) return error;
  // A drain() or a stop() that came before found nothing to tell.
  if (draining_.load()) {
    hub_->command(stopping_.load() ? net::Reactor::kStop : net::Reactor::kDrain);
  }
  return {};
}

// Before anything is accepted: the first join may ask for a message that only the log has.
std::string ServerCore::open_history_log() {
  if (options_.history.log.directory.empty()) return {};
  engines_ = std::make_unique<server::EngineSetup>(
      options_.history.log, [this](LogLevel level, std::string_view event, std::string_view text) {
        log(level, event, text);
      });
  return engines_->open();
}

std::string ServerCore::build() {
  std::vector<hub::Waker*> wakers;
  for (std::uint32_t i = 0; i < reactor_count_; ++i) {
    reactors_.push_back(std::make_unique<net::Reactor>());
    if (!reactors_.back()->valid())
      return "cannot create epoll and eventfd for a reactor: raise the open-file limit";
    wakers.push_back(reactors_.back().get());
  }
  std::uint64_t first_epoch = random_epoch();
  if (engines_ != nullptr) first_epoch = engines_->first_epoch(first_epoch);
  hub::Shard::Options settings{options_.limits.max_pending_publishes,
                               first_epoch,
                               options_.rates.max_rooms_per_connection,
                               options_.rates.max_rooms,
                               server::history_limits(options_, reactor_count_),
                               server::room_config_rules(options_, reactor_count_),
                               options_.limits.max_pending_bytes,
                               server::window_ns(options_.delivery_window_ms)};
  settings.presence = options_.presence.enabled;
  settings.node = node_;
  hub_ = std::make_unique<hub::Hub>(wakers, settings);
  for (std::uint32_t i = 0; i < reactor_count_; ++i) {
    net::Reactor& reactor = *reactors_[i];
    reactor.attach(settings_, hub_->shard(i), *this, counts_);
    hub_->shard(i).set_presence_encoder(&presence_encoder_);
    for (net::Listener& listener : listeners_) {
      if (!reactor.listen(listener))
        return "epoll cannot watch " + listener.name() + ": raise fs.epoll.max_user_watches";
    }
  }
  if (!options_.engine.url.empty()) {
    redis_ = std::make_unique<server::RedisSetup>(
        options_,
        [this](LogLevel level, std::string_view event, std::uint32_t reactor, std::string_view room,
               std::string_view text) { log_engine_event(level, event, reactor, room, text); });
    redis_->attach(*hub_, reactors_);
  }
  return engines_ == nullptr ? std::string() : engines_->attach(*hub_);
}

std::string ServerCore::start_threads() {
  if (engines_ != nullptr) {
    if (std::string error = engines_->start(); !error.empty()) return error;
  }
  for (const auto& reactor : reactors_) reactor->expect_to_run();
  try {
    for (const auto& reactor : reactors_) {
      threads_.emplace_back([run = reactor.get()] { run->run(); });
    }
  } catch (const std::bad_alloc&) {
    give_up_reactors();
    throw;
  } catch (const std::system_error& error) {
    give_up_reactors();
    stop();
    return std::string("cannot start a reactor thread: ") + error.what() +
           " (raise the limit on threads, or lower " + server::option_name(options_, "reactors") +
           ")";
  }
  return {};
}

// An engine that cannot be reached does not stop the start. One that says no for good does: waiting
// would not help. The reactors already serve, so the wait delays no client.
std::string ServerCore::await_engine() {
  if (redis_ == nullptr) return {};
  const std::string why = redis_->await_first_contact(options_.engine.timeout_ms);
  if (why.empty()) return {};
  stop();
  wait();
  return server::option_name(options_, "engine.url") + " '" + options_.engine.url +
         "' refuses this server: " + why;
}

// The threads that have started wait for the reactors that still accept connections.
void ServerCore::give_up_reactors() noexcept {
  for (std::size_t i = threads_.size(); i < reactors_.size(); ++i) reactors_[i]->never_run();
}

}  // namespace wsd
