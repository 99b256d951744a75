#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_LOOP_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_LOOP_H_

#include <sys/socket.h>

#include <ctime>
#include <string>
#include <unordered_map>
#include <vector>

#include "web/acceptor.h"
#include "web/answering.h"
#include "web/connections.h"
#include "web/file_descriptor.h"
#include "web/http_connection.h"
#include "web/http_server.h"

namespace jemalloc_exporter {

/// What the thread on watch waits for, and does then: connections come, bytes
/// arrive and leave, time runs out. All but `Wake` is for that thread.
class HttpLoop {
 public:
  /// Both outlive this. Throws std::system_error where there are no file
  /// descriptors left.
  HttpLoop(const HttpServerOptions& options, Answering& answering,
           std::vector<FileDescriptor> listeners);
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  /// Waits for something to do, and does it.
  void Turn();

  /// Ends a `Turn` that waits, the next one if there is none. From any thread.
  void Wake() const;

  /// Goes on with an exchange that has been worked on.
  void OnAnswered(const Exchange& exchange);

  /// Takes no more connections, and no more requests.
  void Stop();

  /// Closes the listening sockets alone: all that the child of a fork may do.
  void CloseListeners() { acceptor_.Close(); }

 private:
  int WaitTime();
  void WatchListeners();
  void OnEvent(int descriptor);
  void Accept(int listener);
  void Add(FileDescriptor socket, const sockaddr* client);

  void Continue(int socket);
  void Serve(HttpConnection& connection);
  Travel Step(HttpConnection& connection);
  Travel Receive(HttpConnection& connection);
  Travel Begin(HttpConnection& connection);
  Travel Send(HttpConnection& connection);
  void WatchOrClose(HttpConnection& connection, unsigned events);
  void Unwatch(HttpConnection& connection);
  void Close(HttpConnection& connection);
  const std::string& Date();

  Answering& answering_;
  const Door& door_;
  Connections connections_;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  Acceptor acceptor_;
  bool watches_listeners_ = false;
  bool stopped_ = false;
  std::unordered_map<int, HttpConnection> served_;  // By socket.
  std::vector<int> unfinished_;  // Sockets that have had their turn.
  std::time_t date_time_ = 0;
  std::string date_;  // Of that time.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_LOOP_H_
