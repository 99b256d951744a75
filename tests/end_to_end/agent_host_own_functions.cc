// Functions of the program's own that have the names of libc's: the dynamic
// linker takes them for every library. Not those that jemalloc calls.

#include <cstdio>
#include <cstdlib>

extern "C" {
void accept4() { std::abort(); }
void bind() { std::abort(); }
void chdir() { std::abort(); }
void geteuid() { std::abort(); }
void getpid() { std::abort(); }
void getsockopt() { std::abort(); }
void listen() { std::abort(); }
void lseek() { std::abort(); }
void poll() { std::abort(); }
void prctl() { std::abort(); }
void pread() { std::abort(); }
void send() { std::abort(); }
void sendto() { std::abort(); }
void socket() { std::abort(); }
void unshare() { std::abort(); }
}

int main() {
  std::free(std::malloc(1));
  std::puts("ready");
  std::fflush(stdout);
  std::getchar();
}
