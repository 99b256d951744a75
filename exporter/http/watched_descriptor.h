#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_WATCHED_DESCRIPTOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_WATCHED_DESCRIPTOR_H_

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// Owns a descriptor, and reports when it is readable or writable.
class WatchedDescriptor : public boost::asio::posix::basic_stream_descriptor<
                              boost::asio::io_context::executor_type> {
 public:
  /// Throws std::bad_alloc or boost::system::system_error.
  WatchedDescriptor(boost::asio::io_context& context, FileDescriptor descriptor)
      : basic_stream_descriptor(context) {
    assign(descriptor.get());
    descriptor.release();
  }
  /// Releases the registration first: closing a descriptor that a child of
  /// fork() shares does not end it.
  ~WatchedDescriptor() { const FileDescriptor closed(release()); }
  WatchedDescriptor(const WatchedDescriptor&) = delete;
  WatchedDescriptor& operator=(const WatchedDescriptor&) = delete;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_WATCHED_DESCRIPTOR_H_
