#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_FILE_DESCRIPTOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace jemalloc_exporter {

/// Owns an open file descriptor, or none (-1).
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_FILE_DESCRIPTOR_H_
