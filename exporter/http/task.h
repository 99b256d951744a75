#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_TASK_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_TASK_H_

#include <coroutine>
#include <exception>
#include <utility>

namespace jemalloc_exporter {

/// A coroutine that starts when it is awaited, and resumes its caller with its
/// result or its exception. For one thread.
///
/// Not boost::asio::awaitable: where the initiation of an operation throws
/// std::bad_alloc, that one (1.74 and 1.81) dereferences a null pointer.
template <typename T>
class [[nodiscard]] Task {
 public:
  class promise_type {
   public:
    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static auto final_suspend() noexcept { return ResumeCaller(); }
    void return_value(T value) { result_ = std::move(value); }
    void unhandled_exception() { error_ = std::current_exception(); }

   private:
    friend class Task;

    std::coroutine_handle<> caller_ = std::noop_coroutine();
    T result_ = {};
    std::exception_ptr error_;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  static bool await_ready() noexcept { return false; }

  /// Returns false, so that the caller goes on at once, where the task ends
  /// without suspension: any number of those in a row takes no stack.
  bool await_suspend(std::coroutine_handle<> caller) {
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().caller_ = caller;
    return true;
  }

  T await_resume() {
    auto& promise = handle_.promise();
    if (promise.error_) std::rethrow_exception(promise.error_);
    return std::move(promise.result_);
  }

 private:
  using Handle = std::coroutine_handle<promise_type>;

  struct ResumeCaller {
    static bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle handle) const noexcept {
      return handle.promise().caller_;
    }
    static void await_resume() noexcept {}
  };

  explicit Task(Handle handle) : handle_(handle) {}

  Handle handle_;
};

/// A coroutine that starts at once and frees itself at its end. An exception
/// ends it, also one of its own allocation.
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
