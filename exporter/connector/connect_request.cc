#include "exporter/connector/connect_request.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "exporter/connector/bind_request.h"

namespace jemalloc_exporter {

ConnectResult ConnectSocket(const ConnectRequest& request) {
  ConnectResult result;
  result.is_entered = true;
  result.descriptor = FileDescriptor(
      socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result.descriptor) {
    result.error = errno;
    return result;
  }
  result.bound = BindRequest(result.descriptor.get(), request.sets);
  sockaddr_un address;
  const socklen_t size =
      WriteAddress(request.name, &address,
                   request.is_profile ? kProfileSocketPrefix : kSocketPrefix);
  if (connect(result.descriptor.get(), reinterpret_cast<sockaddr*>(&address),
              size) != 0) {
    result.error = errno;
    result.descriptor = FileDescriptor();
  }
  return result;
}

}  // namespace jemalloc_exporter
