#include "support/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <stdexcept>

namespace e2e {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

// execvpe() searches the PATH of this process. In a process with threads, all its arguments must
// exist before fork, because nothing may be allocated between fork and exec.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment(const Command& command) {
  std::vector<std::string> result;
  const auto replaced = [&](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('='));
    const auto sets = [&](const auto& pair) { return pair.first == name; };
    return std::any_of(command.env.begin(), command.env.end(), sets) ||
           std::find(command.unset_env.begin(), command.unset_env.end(), name) !=
               command.unset_env.end();
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!replaced(*entry)) result.emplace_back(*entry);
  }
  for (const auto& [name, value] : command.env) {
    std::string entry = name;
    entry += '=';
    entry += value;
    result.push_back(std::move(entry));
  }
  return result;
}

ExitStatus decode(int status) {
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {-1, WTERMSIG(status)};
}

}  // namespace

Subprocess::Subprocess(const Command& command) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0) fail("pipe2");
  spawn(command, out[1], err[1]);
  ::close(out[1]);
  ::close(err[1]);
  collector_ =
      std::thread([this, from_out = out[0], from_err = err[0]] { collect(from_out, from_err); });
}

void Subprocess::spawn(const Command& command, int out, int err) {
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables = environment(command);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(variables);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const rlimit files{command.max_descriptors, command.max_descriptors};
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    // A test that crashes must not leave servers running.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_DFL);  // a shell's command in the background ignores it
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    if (command.max_descriptors != 0) ::setrlimit(RLIMIT_NOFILE, &files);
    ::execvpe(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(null);
}

Subprocess::~Subprocess() {
  signal(SIGKILL);
  collector_.join();
}

void Subprocess::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (!exit_) ::kill(pid_, number);
}

void Subprocess::take(std::string_view bytes, std::string& partial, std::string& whole) {
  const std::lock_guard lock(mutex_);
  whole += bytes;
  partial += bytes;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = partial.find('\n', start)) != std::string::npos;
       start = end + 1) {
    lines_.push_back(partial.substr(start, end - start));
    if (!lines_.back().empty() && lines_.back().back() == '\r') lines_.back().pop_back();
  }
  partial.erase(0, start);
  changed_.notify_all();
}

void Subprocess::collect(int out, int err) {
  std::array<pollfd, 2> sources{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string, 2> partial;
  std::array<std::string*, 2> whole{&out_, &err_};
  std::array<char, 65536> buffer{};
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    if (::poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].fd < 0 || sources[i].revents == 0) continue;
      const ssize_t size = ::read(sources[i].fd, buffer.data(), buffer.size());
      if (size > 0) {
        take({buffer.data(), static_cast<std::size_t>(size)}, partial[i], *whole[i]);
      } else if (size == 0 || errno != EINTR) {
        ::close(sources[i].fd);
        sources[i].fd = -1;
      }
    }
  }
  // The process is reaped under the lock, so its pid is not reused before that. signal() therefore
  // never reaches another process.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  const std::lock_guard lock(mutex_);
  for (std::string& rest : partial) {
    if (!rest.empty()) lines_.push_back(rest);
  }
  output_ended_ = true;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_ = decode(status);
  changed_.notify_all();
}

std::optional<std::string> Subprocess::wait_for_line(const std::string& pattern, std::size_t from,
                                                     Duration limit) {
  const std::regex wanted(pattern);
  const auto deadline = Clock::now() + limit;
  std::unique_lock lock(mutex_);
  std::size_t next = from;
  for (;;) {
    for (; next < lines_.size(); ++next) {
      if (std::regex_search(lines_[next], wanted)) return lines_[next];
    }
    if (output_ended_) return std::nullopt;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout && next >= lines_.size()) {
      return std::nullopt;
    }
  }
}

std::vector<std::string> Subprocess::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::optional<ExitStatus> Subprocess::wait_exit(Duration limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return exit_.has_value(); });
  return exit_;
}

std::string Subprocess::stdout_text() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::string Subprocess::stderr_text() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

std::string Subprocess::output() const {
  const std::lock_guard lock(mutex_);
  constexpr std::size_t kEnough = 8192;  // the end shows the reason, and nobody reads a megabyte
  std::string text = out_ + err_;
  if (text.size() > kEnough) text.erase(0, text.size() - kEnough);
  return text;
}

Output run(const Command& command, Duration limit) {
  Subprocess process(command);
  auto status = process.wait_exit(limit);
  if (!status) {
    process.signal(SIGKILL);
    status = process.wait_exit();
  }
  return {status.value_or(ExitStatus{}), process.stdout_text(), process.stderr_text()};
}

}  // namespace e2e
