#include "daemon/config/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "daemon/text/strings.h"
#include "daemon/text/units.h"

namespace wsd::daemon {
namespace {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

int open_flags(FileKinds kinds) {
  // Without O_NONBLOCK, open(2) waits for the writer of a FIFO.
  return O_RDONLY | O_CLOEXEC | O_NOCTTY | (kinds == FileKinds::kRegular ? O_NONBLOCK : 0);
}

}  // namespace

FileText read_file(const FileRequest& request, const std::string& path) {
  const auto failed = [&](const std::string& why) {
    std::string error = "cannot read the ";
    error.append(request.kind).append(" ").append(quote(path)).append(": ").append(why);
    error.append("; fix ").append(request.flag).append(" or the file");
    return FileText{{}, std::move(error)};
  };
  const auto reason = [] { return std::system_category().message(errno); };
  const Descriptor file(::open(path.c_str(), open_flags(request.kinds)));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failed(reason());
  const bool regular = S_ISREG(status.st_mode);
  if (!regular && request.kinds == FileKinds::kRegular) {
    return failed("it is not a regular file, which is necessary to read it again at a reload");
  }
  FileText result;
  result.open_to_all = regular && (status.st_mode & S_IROTH) != 0;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(reason());
    if (got == 0) return result;
    result.text.append(chunk.data(), static_cast<std::size_t>(got));
    if (result.text.size() > request.most_bytes) {
      return failed("it exceeds the limit of " + format_size(request.most_bytes));
    }
  }
}

}  // namespace wsd::daemon
