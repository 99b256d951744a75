// A host whose mallctl is its own: slow, deadlocked or faulty as argv[1] has it.
// The main thread waits in poll(2), or in the call that argv[2] has, with live
// registers until stdin has a byte, then prints whether they, errno and the
// signal mask are unchanged.

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef STATIC
#define EXPORTED
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

static const char* mode = "";
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
// musl has no header of the kernel's: linux/futex.h.
#define FUTEX_WAIT_PRIVATE 128

static uint32_t word = 1;  // A lock that is taken, without an owner.
static volatile int is_held;
static volatile int calls;

uint64_t vectors[16][4];
uint64_t vectors_after[16][4];
uint64_t general_after[10];  // With the ends of the red zone.

static void Clobber(void) {
  errno = EIO;
  __asm__ volatile(
      "vpcmpeqd %%ymm13, %%ymm13, %%ymm13\n"
      "vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n"
      "vpcmpeqd %%ymm7, %%ymm7, %%ymm7\n" ::
          : "xmm0", "xmm7", "xmm13");
}

static void Sleep(int milliseconds) {
  struct timespec left = {milliseconds / 1000,
                          milliseconds % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0) {
  }
}

// With 4096 levels, more than the stack of the calls.
static int Overflow(int levels) {
  volatile char page[4096];
  page[0] = 1;
  return levels == 0 ? 0 : Overflow(levels - 1) + page[0];
}

EXPORTED int mallctl(const char* name, void* old_value, size_t* old_size,
                     void* new_value, size_t new_size) {
  (void)new_value;
  (void)new_size;
  ++calls;
  Clobber();
  if (strcmp(name, "version") == 0) {
    static const char* const version = "5.3.0-test";
    static const char* const other = "another allocator";
    memcpy(old_value, strcmp(mode, "other") == 0 ? &other : &version,
           sizeof(version));
    return 0;
  }
  if (strcmp(name, "epoch") == 0) {
    if (strcmp(mode, "slow") == 0) Sleep(150);
    if (strcmp(mode, "slower") == 0) Sleep(600);
    if (strcmp(mode, "slowest") == 0) {
      Sleep(2500);
      syscall(SYS_getpid);
    }
    if (strcmp(mode, "deadlock") == 0 || strcmp(mode, "held") == 0) {
      pthread_mutex_lock(&mutex);
      pthread_mutex_unlock(&mutex);
    }
    if (strcmp(mode, "deadlock-word") == 0) {
      while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 0) {
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
      }
    }
    if (strcmp(mode, "fault") == 0) *(volatile int*)8 = 0;
    if (strcmp(mode, "overflow") == 0) Overflow(4096);
    memcpy(old_value, &(uint64_t){2}, sizeof(uint64_t));
    return 0;
  }
  if (strncmp(name, "stats.", 6) == 0 && strcmp(name, "stats.mapped") != 0 &&
      *old_size == sizeof(size_t)) {
    const size_t value = strcmp(name, "stats.arenas.4096.internal") == 0
                             ? 1
                             : strlen(name) * 1000;
    memcpy(old_value, &value, sizeof(value));
    return 0;
  }
  return ENOENT;
}

EXPORTED int mallctlnametomib(const char* name, size_t* mib, size_t* length) {
  (void)name;
  (void)mib;
  (void)length;
  return ENOENT;
}

EXPORTED int mallctlbymib(const size_t* mib, size_t length, void* old_value,
                          size_t* old_size, void* new_value, size_t new_size) {
  (void)mib;
  (void)length;
  (void)old_value;
  (void)old_size;
  (void)new_value;
  (void)new_size;
  return ENOENT;
}

// Computes while it holds the mutex, as a thread amid malloc does.
static void* Hold(void* unused) {
  pthread_mutex_lock(&mutex);
  is_held = 1;
  struct timespec start;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (!calls) {
  }
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 +
               (now.tv_nsec - start.tv_nsec) / 1000000 <
           450);
  pthread_mutex_unlock(&mutex);
  return unused;
}

// A raw system call, with a value in each register. The kernel restarts poll(2)
// by the number that is moved to eax before. There are values in the red zone,
// too: 128 bytes that no compiler uses here.
static long Wait(long number, long first, void* second, long third) {
  long result;
  __asm__ volatile(
#define LOAD(i) "vmovdqu vectors+32*" #i "(%%rip), %%ymm" #i "\n"
#define STORE(i) "vmovdqu %%ymm" #i ", vectors_after+32*" #i "(%%rip)\n"
#define ALL(F) \
  F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) \
      F(14) F(15)
      ALL(LOAD)
      "mov $0x1111, %%rbx\n"
      "mov $0x2222, %%r8\n"
      "mov $0x3333, %%r9\n"
      "mov $0x4444, %%r10\n"
      "mov $0x5555, %%r12\n"
      "mov $0x6666, %%r13\n"
      "mov $0x7777, %%r14\n"
      "mov $0x8888, %%r15\n"
      "lea -256(%%rsp), %%rsp\n"
      "mov %%rbx, -8(%%rsp)\n"
      "mov %%r8, -128(%%rsp)\n"
      "mov $7, %%eax\n"
      "mov %%rcx, %%rax\n"
      "syscall\n"
      "mov %%rbx, general_after+0(%%rip)\n"
      "mov %%r8, general_after+8(%%rip)\n"
      "mov %%r9, general_after+16(%%rip)\n"
      "mov %%r10, general_after+24(%%rip)\n"
      "mov %%r12, general_after+32(%%rip)\n"
      "mov %%r13, general_after+40(%%rip)\n"
      "mov %%r14, general_after+48(%%rip)\n"
      "mov %%r15, general_after+56(%%rip)\n"
      "mov -8(%%rsp), %%rbx\n"
      "mov %%rbx, general_after+64(%%rip)\n"
      "mov -128(%%rsp), %%rbx\n"
      "mov %%rbx, general_after+72(%%rip)\n"
      "lea 256(%%rsp), %%rsp\n"
      ALL(STORE)
      : "=a"(result), "+c"(number)
      : "D"(first), "S"(second), "d"(third)
      : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
        "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
        "xmm15");
  return result;
}

static int AreRegistersKept(void) {
  static const uint64_t general[] = {0x1111, 0x2222, 0x3333, 0x4444,
                                     0x5555, 0x6666, 0x7777, 0x8888,
                                     0x1111, 0x2222};
  return memcmp(vectors, vectors_after, sizeof(vectors)) == 0 &&
         memcmp(general, general_after, sizeof(general)) == 0;
}

static void Ignore(int signal) { (void)signal; }

int main(int argc, char** argv) {
  // Links the code by which handlers return. Programs without are refused.
  signal(SIGPIPE, Ignore);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  mode = argc > 1 ? argv[1] : "";
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 4; ++j) vectors[i][j] = 0x0101010101010101U * (i + j);
  }
  if (strcmp(mode, "deadlock") == 0) pthread_mutex_lock(&mutex);
  if (strcmp(mode, "held") == 0) {
    pthread_t holder;
    pthread_create(&holder, NULL, Hold, NULL);
    while (!is_held) {
    }
  }
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
  // An alternate stack that must remain.
  static char alternate[65536];
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
  sigaltstack(&stack, NULL);
  printf("ready\n");
  fflush(stdout);
  struct pollfd event = {0, POLLIN, 0};
  const char* const wait = argc > 2 ? argv[2] : "poll";
  char byte;
  const int epoll = epoll_create1(0);
  struct epoll_event epoll_event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &epoll_event);
  errno = ENOTTY;
  // To restart poll(2), the kernel keeps data. It restarts read(2); epoll_wait(2)
  // returns EINTR to it.
  const long result =
      strcmp(wait, "read") == 0 ? Wait(SYS_read, 0, &byte, 1)
      : strcmp(wait, "epoll") == 0
          ? Wait(SYS_epoll_wait, epoll, &epoll_event, 1)
          : Wait(SYS_poll, (long)&event, (void*)1, -1);
  const int error = errno;
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  stack_t stack_after;
  sigaltstack(NULL, &stack_after);
  const int is_mask_kept = sigismember(&mask, SIGUSR2) == 1 &&
                           sigismember(&mask, SIGUSR1) == 0 &&
                           sigismember(&mask, SIGTERM) == 0;
  printf("result %ld registers %s errno %s mask %s stack %s calls %s\n", result,
         AreRegistersKept() ? "kept" : "changed",
         error == ENOTTY ? "kept" : "changed",
         is_mask_kept ? "kept" : "changed",
         stack_after.ss_sp == alternate ? "kept" : "changed",
         calls > 0 ? "some" : "none");
  fflush(stdout);
  return 0;
}
