#include "exporter/attach/remote_code.h"

#include <elf.h>

#include <string_view>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kSystemCall = "\x0f\x05";
constexpr std::string_view kSystemCallAndReturn = "\x0f\x05\xc3";
// Before a system call. glibc, musl and Go have the first, hand-written code
// the second.
constexpr std::string_view kSetSignalReturn[] = {
    {"\x48\xc7\xc0\x0f\x00\x00\x00", 7}, {"\xb8\x0f\x00\x00\x00", 5}};

// More are not needed of one object: a handler returns through one.
constexpr std::size_t kMaxSignalReturns = 64;

// False if no signal handler returns to the object.
bool AddSystemCalls(const LoadedObject& object, RemoteCode* code) {
  const std::size_t count = code->signal_returns.size();
  const std::size_t max = count + kMaxSignalReturns;
  object.file.VisitInCode(
      kSystemCall, [&](std::uint64_t address, std::string_view before,
                       std::string_view from) {
        address += object.bias;
        if (code->system_call == 0 && from.starts_with(kSystemCallAndReturn)) {
          code->system_call = address;
        }
        for (const std::string_view set : kSetSignalReturn) {
          if (before.ends_with(set) && code->signal_returns.size() < max) {
            code->signal_returns.push_back(address - set.size());
          }
        }
      });
  return code->signal_returns.size() > count;
}

void FindErrnoLocation(const LoadedObject& object, RemoteCode* code) {
  for (const std::uint32_t table : {SHT_DYNSYM, SHT_SYMTAB}) {
    if (code->errno_location) return;
    code->errno_location = FindFunction(object, table, "__errno_location");
  }
}

}  // namespace

std::optional<std::uint64_t> FindFunction(const LoadedObject& object,
                                          std::uint32_t table,
                                          std::string_view name) {
  std::optional<std::uint64_t> address;
  object.file.VisitSymbols(
      table, [&](std::string_view found, const Elf64_Sym& symbol) {
        if (!address && found == name && symbol.st_shndx != SHN_UNDEF &&
            ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
            object.file.IsCode(symbol.st_value)) {
          address = object.bias + symbol.st_value;
        }
      });
  return address;
}

std::optional<RemoteCode> FindRemoteCode(
    const std::vector<LoadedObject>& objects) {
  RemoteCode code;
  std::vector<const LoadedObject*> others;
  // The C library has both, so the symbols of few objects are read.
  for (const LoadedObject& object : objects) {
    if (AddSystemCalls(object, &code)) {
      FindErrnoLocation(object, &code);
    } else {
      others.push_back(&object);
    }
  }
  for (const LoadedObject* const object : others) {
    FindErrnoLocation(*object, &code);
  }
  if (code.system_call == 0 || code.signal_returns.empty()) {
    return std::nullopt;
  }
  code.signal_return = code.signal_returns.front();
  return code;
}

}  // namespace jemalloc_exporter
