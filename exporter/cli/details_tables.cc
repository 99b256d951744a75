#include "exporter/cli/details_tables.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

#include "exporter/text/format_bytes.h"

namespace jemalloc_exporter {
namespace {

using Value = std::optional<std::uint64_t>;
using Row = std::vector<std::string>;

constexpr std::size_t kMaxSizeRows = 20;

std::string Number(const Value& value) {
  return value ? std::to_string(*value) : "-";
}

std::string Bytes(const Value& value) {
  return value ? FormatBytes(*value) : "-";
}

// Of numbers from any document: not more than 2^64 - 1.
Value Product(const Value& a, const Value& b) {
  if (!a || !b) return std::nullopt;
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(*a, *b, &product)) return UINT64_MAX;
  return product;
}

std::string Percent(const Value& part, const Value& whole) {
  if (!part || !whole || *whole == 0) return "-";
  const double percent =
      100 * static_cast<double>(*part) / static_cast<double>(*whole);
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f%%", percent);
  return text;
}

std::string Milliseconds(const Value& nanoseconds) {
  if (!nanoseconds) return "-";
  char text[48];
  std::snprintf(text, sizeof(text), "%.1f ms",
                static_cast<double>(*nanoseconds) / 1e6);
  return text;
}

// Right-aligned columns, the first one left-aligned, below a title.
std::string Table(const std::string& title, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text = "\n" + title + "\n";
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      text += i == 0 ? row[i] + padding : "  " + padding + row[i];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

struct Bin {
  const BinDetails* details;
  Value allocated;
  Value slab_bytes;
  Value holes;
};

std::string BinsTable(const HeapDetails& details) {
  std::vector<Bin> bins;
  for (const BinDetails& row : details.bins) {
    Bin bin = {.details = &row,
               .allocated = Product(row.live, row.size),
               .slab_bytes = Product(row.slabs, row.slab_bytes),
               .holes = std::nullopt};
    if (bin.allocated && bin.slab_bytes) {
      bin.holes = *bin.slab_bytes - std::min(*bin.slab_bytes, *bin.allocated);
    }
    bins.push_back(bin);
  }
  std::stable_sort(bins.begin(), bins.end(), [](const Bin& a, const Bin& b) {
    return a.holes > b.holes;
  });
  std::vector<Row> rows = {{"SIZE", "HOLES", "USED", "ALLOCATED", "SLAB BYTES",
                            "LIVE", "SLABS", "SLOTS", "REQUESTS"}};
  for (const Bin& bin : bins) {
    const BinDetails& row = *bin.details;
    rows.push_back({Number(row.size), Bytes(bin.holes),
                    Percent(bin.allocated, bin.slab_bytes),
                    Bytes(bin.allocated), Bytes(bin.slab_bytes),
                    Number(row.live), Number(row.slabs), Number(row.slots),
                    Number(row.requests)});
  }
  return Table("bins: size classes below four pages", rows);
}

std::string SizesTable(const HeapDetails& details) {
  std::vector<SizeDetails> sizes(details.sizes.begin(), details.sizes.end());
  std::stable_sort(sizes.begin(), sizes.end(),
                   [](const SizeDetails& a, const SizeDetails& b) {
                     return Product(a.size, a.requests) >
                            Product(b.size, b.requests);
                   });
  std::vector<Row> rows = {{"SIZE", "REQUESTS", "REQUESTED BYTES"}};
  for (const SizeDetails& row : sizes) {
    if (rows.size() > kMaxSizeRows) break;
    rows.push_back({Number(row.size), Number(row.requests),
                    Bytes(Product(row.size, row.requests))});
  }
  const std::size_t hidden = sizes.size() - (rows.size() - 1);
  std::string table = Table("sizes: allocations since the start", rows);
  if (hidden > 0) table += "and " + std::to_string(hidden) + " more\n";
  return table;
}

std::string LocksTable(const HeapDetails& details) {
  std::vector<std::size_t> locks;
  for (std::size_t i = 0; i < kHeapLockCount; ++i) {
    if (details.locks[i].any()) locks.push_back(i);
  }
  std::stable_sort(locks.begin(), locks.end(),
                   [&](std::size_t a, std::size_t b) {
                     return details.locks[a].wait_nanoseconds >
                            details.locks[b].wait_nanoseconds;
                   });
  std::vector<Row> rows = {{"MUTEX", "WAIT TIME", "WAITS", "ACQUISITIONS"}};
  for (const std::size_t i : locks) {
    const LockDetails& lock = details.locks[i];
    rows.push_back({std::string(kHeapLocks[i].name),
                    Milliseconds(lock.wait_nanoseconds), Number(lock.waits),
                    Number(lock.acquisitions)});
  }
  return Table("locks: mutexes of jemalloc since the start", rows);
}

std::string ArenasTable(const HeapDetails& details) {
  std::vector<Row> rows = {
      {"ARENA", "ACTIVE", "DIRTY", "SMALL", "LARGE", "THREADS"}};
  for (const ArenaDetails& row : details.arenas) {
    rows.push_back({Number(row.arena), Bytes(row.active_bytes),
                    Bytes(row.dirty_bytes), Bytes(row.small_allocated_bytes),
                    Bytes(row.large_allocated_bytes), Number(row.threads)});
  }
  return Table("arenas: at most 64 that have been used", rows);
}

std::string ExtentsTable(const HeapDetails& details) {
  std::vector<Row> rows = {{"SIZE", "DIRTY", "DIRTY BYTES", "MUZZY",
                            "MUZZY BYTES", "RETAINED", "RETAINED BYTES"}};
  for (const ExtentDetails& row : details.extents) {
    rows.push_back({Bytes(row.size), Number(row.dirty), Bytes(row.dirty_bytes),
                    Number(row.muzzy), Bytes(row.muzzy_bytes),
                    Number(row.retained), Bytes(row.retained_bytes)});
  }
  return Table("extents: unused pages, by the size of their ranges", rows);
}

}  // namespace

std::string DetailsTables(const HeapDetails& details) {
  std::string text;
  if (details.sets.bins) text += BinsTable(details);
  if (details.sets.sizes) text += SizesTable(details);
  if (details.sets.locks) text += LocksTable(details);
  if (details.sets.arenas) text += ArenasTable(details);
  if (details.sets.extents) text += ExtentsTable(details);
  return text;
}

}  // namespace jemalloc_exporter
