#include "exporter/profile/pprof.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "exporter/http/gzip.h"

namespace jemalloc_exporter {
namespace {

// The field numbers of profile.proto: github.com/google/pprof/proto.
enum ProfileField : protozero::pbf_tag_type {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kTimeNanos = 9,
  kDurationNanos = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};
enum ValueTypeField : protozero::pbf_tag_type { kType = 1, kUnit = 2 };
enum SampleField : protozero::pbf_tag_type { kLocationId = 1, kValue = 2 };
enum MappingField : protozero::pbf_tag_type {
  kMappingId = 1,
  kMemoryStart = 2,
  kMemoryLimit = 3,
  kFileOffset = 4,
  kFilename = 5,
  kBuildId = 6,
  kHasFunctions = 7,
  kHasFilenames = 8,
  kHasLineNumbers = 9,
  kHasInlineFrames = 10,
};
enum LocationField : protozero::pbf_tag_type {
  kId = 1,
  kMappingOfLocation = 2,
  kAddress = 3,
  kLine = 4,
};
enum LineField : protozero::pbf_tag_type { kFunctionId = 1, kLineNumber = 2 };
enum FunctionField : protozero::pbf_tag_type {
  kFunctionOfId = 1,
  kName = 2,
  kSystemName = 3,
  kSourceFile = 4,
};

// The nearest integer of 64 bits.
std::int64_t Round(double value) {
  constexpr auto kLimit =
      static_cast<double>(std::numeric_limits<std::int64_t>::max());  // 2^63
  if (value >= kLimit) return std::numeric_limits<std::int64_t>::max();
  if (value <= -kLimit) return std::numeric_limits<std::int64_t>::min();
  return std::llround(value);
}

// What the symbols of a mapping have.
struct MappingContent {
  bool has_functions = false;
  bool has_lines = false;
};

class Encoder {
 public:
  explicit Encoder(const HeapProfile& profile)
      : profile_(profile), writer_(message_) {
    Intern("");
  }

  std::string Encode() {
    WriteTypes();
    for (const ProfileSample& sample : profile_.samples) WriteSample(sample);
    WriteMappings();
    for (std::size_t i = 0; i < profile_.locations.size(); ++i) {
      WriteLocation(i);
    }
    for (const auto& [frame, id] : functions_) WriteFunction(frame, id);
    WriteRest();
    // The last: every string is known.
    for (const std::string_view text : strings_) {
      writer_.add_string(kStringTable, text.data(), text.size());
    }
    return std::move(message_);
  }

 private:
  using Function = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

  std::int64_t Intern(std::string_view text) {
    const auto [found, is_new] = string_indexes_.try_emplace(
        std::string(text), static_cast<std::int64_t>(strings_.size()));
    if (is_new) strings_.push_back(found->first);
    return found->second;
  }

  void WriteValueType(protozero::pbf_tag_type field, std::string_view type,
                      std::string_view unit) {
    protozero::pbf_writer value(writer_, field);
    value.add_int64(kType, Intern(type));
    value.add_int64(kUnit, Intern(unit));
  }

  void WriteTypes() {
    if (profile_.has_alloc) {
      WriteValueType(kSampleType, "alloc_objects", "count");
      WriteValueType(kSampleType, "alloc_space", "bytes");
    }
    WriteValueType(kSampleType, "inuse_objects", "count");
    WriteValueType(kSampleType, "inuse_space", "bytes");
  }

  void WriteSample(const ProfileSample& sample) {
    protozero::pbf_writer writer(writer_, kSample);
    std::vector<std::uint64_t> ids;
    for (const std::size_t index : sample.locations) ids.push_back(index + 1);
    writer.add_packed_uint64(kLocationId, ids.begin(), ids.end());
    std::vector<std::int64_t> values;
    if (profile_.has_alloc) {
      values = {Round(sample.values.alloc_objects),
                Round(sample.values.alloc_bytes)};
    }
    values.push_back(Round(sample.values.inuse_objects));
    values.push_back(Round(sample.values.inuse_bytes));
    writer.add_packed_int64(kValue, values.begin(), values.end());
  }

  std::vector<MappingContent> FindContents() const {
    std::vector<MappingContent> contents(profile_.mappings.size());
    for (const ProfileLocation& location : profile_.locations) {
      if (!location.mapping) continue;
      for (const ProfileFrame& frame : location.frames) {
        contents[*location.mapping].has_functions = true;
        contents[*location.mapping].has_lines |= frame.line > 0;
      }
    }
    return contents;
  }

  void WriteMappings() {
    const auto contents = FindContents();
    for (std::size_t i = 0; i < profile_.mappings.size(); ++i) {
      const ProfileMapping& mapping = profile_.mappings[i];
      protozero::pbf_writer writer(writer_, kMapping);
      writer.add_uint64(kMappingId, i + 1);
      writer.add_uint64(kMemoryStart, mapping.start);
      writer.add_uint64(kMemoryLimit, mapping.limit);
      writer.add_uint64(kFileOffset, mapping.offset);
      writer.add_int64(kFilename, Intern(mapping.path));
      writer.add_int64(kBuildId, Intern(mapping.build_id));
      writer.add_bool(kHasFunctions, contents[i].has_functions);
      writer.add_bool(kHasFilenames, contents[i].has_lines);
      writer.add_bool(kHasLineNumbers, contents[i].has_lines);
      writer.add_bool(kHasInlineFrames, contents[i].has_lines);
    }
  }

  void WriteLocation(std::size_t index) {
    const ProfileLocation& location = profile_.locations[index];
    protozero::pbf_writer writer(writer_, kLocation);
    writer.add_uint64(kId, index + 1);
    if (location.mapping) {
      writer.add_uint64(kMappingOfLocation, *location.mapping + 1);
    }
    writer.add_uint64(kAddress, location.address);
    for (const ProfileFrame& frame : location.frames) {
      const Function function = {Intern(frame.function),
                                 Intern(frame.system_name), Intern(frame.file)};
      const std::uint64_t id =
          functions_.try_emplace(function, functions_.size() + 1).first->second;
      protozero::pbf_writer line(writer, kLine);
      line.add_uint64(kFunctionId, id);
      line.add_int64(kLineNumber, frame.line);
    }
  }

  void WriteFunction(const Function& function, std::uint64_t id) {
    protozero::pbf_writer writer(writer_, kFunction);
    writer.add_uint64(kFunctionOfId, id);
    writer.add_int64(kName, std::get<0>(function));
    writer.add_int64(kSystemName, std::get<1>(function));
    writer.add_int64(kSourceFile, std::get<2>(function));
  }

  void WriteRest() {
    writer_.add_int64(kTimeNanos, profile_.time_ns);
    writer_.add_int64(kDurationNanos, profile_.duration_ns);
    WriteValueType(kPeriodType, "space", "bytes");
    writer_.add_int64(kPeriod, Round(static_cast<double>(profile_.period)));
    for (const std::string& comment :
         {"comm: " + profile_.comm, "pid: " + std::to_string(profile_.pid),
          "jemalloc_version: " + profile_.jemalloc_version}) {
      writer_.add_int64(kComment, Intern(comment));
    }
    writer_.add_int64(kDefaultSampleType, Intern("inuse_space"));
  }

  const HeapProfile& profile_;
  std::string message_;
  protozero::pbf_writer writer_;
  std::map<std::string, std::int64_t> string_indexes_;
  std::vector<std::string_view> strings_;  // Keys of `string_indexes_`.
  std::map<Function, std::uint64_t> functions_;
};

}  // namespace

std::string ToPprof(const HeapProfile& profile) {
  return Gzip(Encoder(profile).Encode());
}

}  // namespace jemalloc_exporter
