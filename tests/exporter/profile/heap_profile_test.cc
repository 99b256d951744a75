#include "exporter/profile/heap_profile.h"

#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "exporter/process/proc_file.h"
#include "exporter/profile/symbols.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Returns the address to which it returns.
[[gnu::noinline]] std::uint64_t ReturnAddress() {
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

struct CallSite {
  std::uint64_t address;
  int line;
};

[[gnu::noinline]] CallSite CallIt() {
  CallSite site = {.address = ReturnAddress(), .line = __LINE__};
  asm volatile("" : "+m"(site));  // No tail call.
  return site;
}

HeapDump DumpOf(std::vector<std::uint64_t> stack) {
  HeapDump dump;
  dump.period = 524'288;
  dump.mappings = ParseMaps(ReadProcFile("/proc/self/maps"));
  dump.stacks.push_back({.addresses = std::move(stack), .values = {}});
  return dump;
}

std::uint64_t Address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

TEST(HeapProfile, NamesTheFunctionAndTheLineOfACall) {
  const CallSite site = CallIt();
  const HeapProfile profile =
      ToHeapProfile(DumpOf({site.address}), getpid(), SymbolDetail::kFunctions);
  ASSERT_THAT(profile.locations, SizeIs(1));
  const ProfileLocation& location = profile.locations.front();
  // Not the return address, which may be of the next line or function.
  EXPECT_EQ(location.address, site.address - 1);
  ASSERT_THAT(location.frames, SizeIs(1));
  EXPECT_THAT(location.frames.front().function, HasSubstr("CallIt()"));
  EXPECT_THAT(location.frames.front().system_name, HasSubstr("CallIt"));
  EXPECT_THAT(location.frames.front().file, EndsWith("heap_profile_test.cc"));
  EXPECT_EQ(location.frames.front().line, site.line);
}

// ThreadSanitizer maps a temporary file before the executable.
bool HasAnotherFirstMapping() {
#ifdef __SANITIZE_THREAD__
  return true;
#else
  return false;
#endif
}

TEST(HeapProfile, HasTheExecutableFirst) {
  if (HasAnotherFirstMapping()) GTEST_SKIP() << "mappings of ThreadSanitizer";
  const HeapProfile profile = ToHeapProfile(
      DumpOf({Address(reinterpret_cast<void*>(&gnu_get_libc_version)) + 1}),
      getpid(), SymbolDetail::kFunctions);
  ASSERT_THAT(profile.mappings, SizeIs(2));
  EXPECT_THAT(profile.mappings[0].path, EndsWith("_test"));
  EXPECT_THAT(profile.mappings[1].path, HasSubstr("libc"));
  EXPECT_EQ(profile.locations.front().mapping, 1U);
  EXPECT_THAT(profile.locations.front().frames.front().function,
              HasSubstr("get_libc_version"));
  EXPECT_THAT(profile.mappings[1].build_id, SizeIs(40));
}

TEST(HeapProfile, OmitsTheFramesOfTheLibraryThatSamples) {
  if (HasAnotherFirstMapping()) GTEST_SKIP() << "mappings of ThreadSanitizer";
  const std::uint64_t library =
      Address(reinterpret_cast<void*>(&gnu_get_libc_version));
  const std::uint64_t caller = CallIt().address;
  const HeapProfile profile =
      ToHeapProfile(DumpOf({library + 1, library + 2, caller}), getpid(),
                    SymbolDetail::kBuildIds);
  ASSERT_THAT(profile.locations, SizeIs(1));
  EXPECT_EQ(profile.locations.front().address, caller - 1);
  // All frames of one library, or the innermost of the executable, stay.
  EXPECT_THAT(ToHeapProfile(DumpOf({library + 1, library + 2}), getpid(),
                            SymbolDetail::kBuildIds)
                  .locations,
              SizeIs(2));
  EXPECT_THAT(ToHeapProfile(DumpOf({caller, library + 1}), getpid(),
                            SymbolDetail::kBuildIds)
                  .locations,
              SizeIs(2));
}

// The file at the path of a deleted one, or of what is no file, is another.
TEST(HeapProfile, NamesNoFunctionOfWhatIsNotTheMappedFile) {
  const std::uint64_t address = CallIt().address;
  for (const std::string path :
       {"/usr/bin/host (deleted)", "/usr/bin/absent", "/dev/null", "/dev/tty",
        "/proc/self/mem", "/", "/../../etc/passwd", "/dev/zero (deleted)"}) {
    HeapDump dump = DumpOf({address});
    for (Mapping& mapping : dump.mappings) mapping.path = path;
    const HeapProfile profile =
        ToHeapProfile(dump, getpid(), SymbolDetail::kFunctions);
    ASSERT_THAT(profile.locations, SizeIs(1)) << path;
    EXPECT_THAT(profile.locations.front().frames, IsEmpty()) << path;
    const std::string name = LocationName(profile, profile.locations.front());
    EXPECT_TRUE(name.starts_with(path.substr(path.rfind('/') + 1) + "+0x"))
        << name;
  }
}

// Ranges that overlap, are empty, or end before they start.
TEST(HeapProfile, KeepsAddressesOfImpossibleMaps) {
  HeapDump dump = DumpOf({0x1001, 0x1801, 0x5001, 1, 0});
  dump.mappings = ParseMaps(
      "1000-2000 r-xp 00000000 fe:00 1 /a\n"
      "1800-9000 r-xp ffffffffffffffff fe:00 1 /b\n"
      "5000-5000 r-xp 00000000 fe:00 1 /c\n"
      "6000-1000 r-xp 00000000 fe:00 1 /d\n"
      "0-ffffffffffffffff r-xp 00000000 fe:00 1 /e\n");
  const HeapProfile profile =
      ToHeapProfile(dump, getpid(), SymbolDetail::kFunctions);
  ASSERT_THAT(profile.samples, SizeIs(1));
  for (const ProfileLocation& location : profile.locations) {
    EXPECT_THAT(location.frames, IsEmpty());
    EXPECT_TRUE(!location.mapping ||
                *location.mapping < profile.mappings.size());
  }
}

TEST(HeapProfile, HasNoFunctionsIfNotRequested) {
  const HeapProfile profile = ToHeapProfile(DumpOf({CallIt().address}),
                                            getpid(), SymbolDetail::kBuildIds);
  const ProfileLocation& location = profile.locations.front();
  EXPECT_THAT(location.frames, IsEmpty());
  EXPECT_THAT(LocationName(profile, location),
              HasSubstr("exporter_profile_test+0x"));
}

TEST(HeapProfile, KeepsAddressesOutsideOfFiles) {
  const HeapProfile profile =
      ToHeapProfile(DumpOf({0x11, 0}), getpid(), SymbolDetail::kFunctions);
  EXPECT_EQ(LocationName(profile, profile.locations[0]), "0x10");
  EXPECT_EQ(LocationName(profile, profile.locations[1]), "0xffffffffffffffff");
  EXPECT_FALSE(profile.locations[0].mapping);
}

TEST(HeapProfile, ReadsTheMapsOfTheProcessIfTheDumpHasNone) {
  HeapDump dump = DumpOf({CallIt().address});
  dump.mappings.clear();
  const HeapProfile profile =
      ToHeapProfile(dump, getpid(), SymbolDetail::kFunctions);
  EXPECT_THAT(profile.locations.front().frames, SizeIs(1));
}

TEST(Demangle, LeavesOtherNames) {
  EXPECT_EQ(Demangle("_ZN4shop5ParseEi"), "shop::Parse(int)");
  EXPECT_EQ(Demangle("main"), "main");
  EXPECT_EQ(Demangle("_Zx"), "_Zx");
  EXPECT_EQ(Demangle("i"), "i");
}

}  // namespace
}  // namespace jemalloc_exporter
