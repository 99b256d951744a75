#include "exporter/profile/flame_layout.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "exporter/profile/flame_positions.h"

namespace jemalloc_exporter {
namespace {

// Of the whole width: 1.4 pixels of 1,440.
constexpr double kMinWidth = 0.001;

// In a single profile exact for objects of one size; see `HeapDump`. Of n bytes
// in objects of m bytes: n * m / (exp(m / period) - 1), at most n * period.
double Variance(const HeapValues& values, double period) {
  if (period <= 1) return 0;
  const double bytes = std::abs(values.inuse_bytes);
  const double objects = std::abs(values.inuse_objects);
  if (objects < 1) return bytes * period;
  const double mean = bytes / objects;
  return bytes * mean / std::expm1(mean / period);
}

void Add(const FrameValues& values, FrameValues& sum) {
  sum.bytes += values.bytes;
  sum.objects += values.objects;
  sum.variance += values.variance;
}

// What is left of a stack, seen from outside.
struct Stack {
  const ProfileSample* sample = nullptr;
  std::uint32_t locations = 0;  // From the inner end.
  std::uint32_t functions = 0;  // Of the outermost one: those that are done.
};

// The stacks that have a function in common.
struct Group {
  std::uint32_t function = 0;
  std::vector<Stack> stacks;
  FrameValues values;
  std::map<std::uint32_t, double> sources;  // Bytes of each.
};

// A frame whose callees are to be laid out.
struct Caller {
  std::vector<Stack> stacks;
  double left = 0;
  std::size_t depth = 0;
};

class Layouter {
 public:
  Layouter(const HeapProfile& profile, const FlamePositions& positions,
           double min_width)
      : period_(static_cast<double>(profile.period)), positions_(positions) {
    layout_.min_width = min_width;
    Group growth;
    Group shrinkage;
    for (const ProfileSample& sample : profile.samples) {
      AddTo(sample.values.inuse_bytes > 0 ? growth : shrinkage,
            {.sample = &sample,
             .locations = static_cast<std::uint32_t>(sample.locations.size())});
    }
    layout_.growth = growth.values;
    layout_.shrinkage = shrinkage.values;
    total_ = growth.values.bytes - shrinkage.values.bytes;
    constexpr double kRounded = 0.5;
    if (total_ < kRounded) return;
    double left = 0;
    for (Group* const group : {&growth, &shrinkage}) {
      FlameFrame frame = FrameOf(*group, left, 0);
      if (frame.width == 0) continue;
      AddFrame(std::move(frame), std::move(group->stacks));
      left += layout_.frames.back().width;
    }
  }

  // Whether there are at most `kMaxFlameFrames`.
  bool LayOut() {
    while (!callers_.empty()) {
      if (layout_.frames.size() > kMaxFlameFrames) return false;
      const Caller caller = std::move(callers_.back());
      callers_.pop_back();
      LayOutCallees(caller);
    }
    std::sort(layout_.frames.begin(), layout_.frames.end(),
              [](const FlameFrame& a, const FlameFrame& b) {
                return std::tie(a.depth, a.left) < std::tie(b.depth, b.left);
              });
    return layout_.frames.size() <= kMaxFlameFrames;
  }

  FlameLayout TakeLayout() { return std::move(layout_); }

 private:
  FrameValues ValuesOf(const ProfileSample& sample) const {
    return {.bytes = sample.values.inuse_bytes,
            .objects = sample.values.inuse_objects,
            .variance = Variance(sample.values, period_)};
  }

  void AddTo(Group& group, const Stack& stack) const {
    Add(ValuesOf(*stack.sample), group.values);
    group.stacks.push_back(stack);
  }

  FlameFrame FrameOf(const Group& group, double left, std::size_t depth) const {
    FlameFrame frame;
    frame.left = left;
    frame.width = std::abs(group.values.bytes) / total_;
    frame.depth = depth;
    frame.values = group.values;
    return frame;
  }

  void AddFrame(FlameFrame frame, std::vector<Stack> stacks) {
    if (frame.depth == kMaxFlameDepth) {
      layout_.is_cut |=
          std::any_of(stacks.begin(), stacks.end(),
                      [](const Stack& stack) { return stack.locations > 0; });
    } else {
      callers_.push_back({.stacks = std::move(stacks),
                          .left = frame.left,
                          .depth = frame.depth});
    }
    layout_.frames.push_back(std::move(frame));
  }

  // Removes the outermost function of a stack.
  std::optional<FlamePosition> RemovePosition(Stack& stack) const {
    if (stack.locations == 0) return std::nullopt;
    const auto& functions = positions_.OfLocation(
        stack.sample->locations[std::size_t{stack.locations} - 1]);
    const FlamePosition position = functions[stack.functions];
    if (++stack.functions == functions.size()) {
      stack.functions = 0;
      --stack.locations;
    }
    return position;
  }

  // By bytes, the most first.
  std::vector<Group> GroupByFunction(const std::vector<Stack>& stacks) const {
    std::map<std::uint32_t, Group> by_function;
    for (Stack stack : stacks) {
      const auto position = RemovePosition(stack);
      if (!position) continue;
      Group& group = by_function[position->function];
      group.function = position->function;
      group.sources[position->source] += stack.sample->values.inuse_bytes;
      AddTo(group, stack);
    }
    std::vector<Group> groups;
    groups.reserve(by_function.size());
    for (auto& [function, group] : by_function) {
      groups.push_back(std::move(group));
    }
    std::sort(groups.begin(), groups.end(),
              [this](const Group& a, const Group& b) {
                const double difference =
                    std::abs(a.values.bytes) - std::abs(b.values.bytes);
                return difference != 0 ? difference > 0
                                       : positions_.function(a.function) <
                                             positions_.function(b.function);
              });
    return groups;
  }

  std::vector<FrameSource> SourcesOf(const Group& group) const {
    std::vector<FrameSource> sources;
    for (const auto& [index, bytes] : group.sources) {
      const auto& [file, line] = positions_.source(index);
      if (file.empty()) continue;
      sources.push_back(
          {.file = std::string(file), .line = line, .bytes = bytes});
    }
    std::sort(sources.begin(), sources.end(),
              [](const FrameSource& a, const FrameSource& b) {
                return std::make_tuple(-std::abs(a.bytes), a.file, a.line) <
                       std::make_tuple(-std::abs(b.bytes), b.file, b.line);
              });
    if (sources.size() > kMaxSources) sources.resize(kMaxSources);
    return sources;
  }

  void LayOutCallees(const Caller& caller) {
    double left = caller.left;
    Group narrow;
    std::size_t narrow_count = 0;
    for (Group& group : GroupByFunction(caller.stacks)) {
      FlameFrame frame = FrameOf(group, left, caller.depth + 1);
      if (frame.width < layout_.min_width) {
        Add(group.values, narrow.values);
        ++narrow_count;
        continue;
      }
      left += frame.width;
      frame.name = positions_.function(group.function).name;
      frame.origin = positions_.function(group.function).origin;
      frame.sources = SourcesOf(group);
      AddFrame(std::move(frame), std::move(group.stacks));
    }
    layout_.narrow_frames += narrow_count;
    FlameFrame merged = FrameOf(narrow, left, caller.depth + 1);
    if (narrow_count == 0 || merged.width < layout_.min_width) return;
    merged.origin = FrameOrigin::kMerged;
    merged.merged = narrow_count;
    layout_.frames.push_back(std::move(merged));
  }

  const double period_;
  const FlamePositions& positions_;
  double total_ = 0;  // Bytes of the whole width.
  std::vector<Caller> callers_;
  FlameLayout layout_;
};

}  // namespace

FlameLayout LayOutFlames(const HeapProfile& profile) {
  const FlamePositions positions(profile);
  for (double min_width = kMinWidth;; min_width *= 2) {
    Layouter layouter(profile, positions, min_width);
    if (layouter.LayOut()) return layouter.TakeLayout();
  }
}

}  // namespace jemalloc_exporter
