#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_TASK_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_TASK_H_

#include <coroutine>

namespace jemalloc_exporter {

/// A coroutine that starts at once and frees itself at its end. An exception
/// ends it, also one of its own allocation.
///
/// Not boost::asio::awaitable: where the initiation of an operation throws
/// std::bad_alloc, that one (1.74 and 1.81) dereferences a null pointer.
struct DetachedTask {
  struct promise_type {
    static DetachedTask get_return_object() { return {}; }
    static DetachedTask get_return_object_on_allocation_failure() { return {}; }
    static std::suspend_never initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() {}
    static void unhandled_exception() noexcept {}
  };
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_TASK_H_
