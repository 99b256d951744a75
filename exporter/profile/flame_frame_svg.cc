#include "exporter/profile/flame_frame_svg.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "exporter/text/format_bytes.h"
#include "exporter/text/format_fixed.h"
#include "exporter/text/html.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

constexpr std::size_t kMaxNameInTitle = 500;
constexpr std::size_t kMaxFileInTitle = 200;

// Narrower frames have no text: 17 pixels of 1,440.
constexpr double kMinWidthOfText = 0.012;
// Characters of 6 pixels in a frame of 3,840.
constexpr double kMaxCharacters = 640;

std::string Percentage(double share, int decimals = 1) {
  return FormatFixed(100 * share, decimals) + "%";
}

// Without the sign.
std::uint64_t Round(double value) {
  constexpr double kMax = 9e18;
  return static_cast<std::uint64_t>(
      std::llround(std::min(std::abs(value), kMax)));
}

// The last characters of a path, which differ most.
std::string ShortFile(const std::string& file) {
  if (file.size() <= kMaxFileInTitle) return file;
  // Not within a character of several bytes.
  std::size_t start = file.size() - kMaxFileInTitle;
  while (start < file.size() && (file[start] & 0xC0) == 0x80) ++start;
  return "…" + file.substr(start);
}

std::string Filename(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string Position(const std::string& file, int line) {
  return line > 0 ? file + ":" + std::to_string(line) : file;
}

// Of FNV-1a: the same in each document.
unsigned Shade(std::string_view name) {
  std::uint32_t hash = 2'166'136'261;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619;
  }
  return hash % 3;
}

std::string CssClass(const FlameFrame& frame, const FlameFrameStyle& style) {
  std::string name;
  switch (frame.origin) {
    case FrameOrigin::kMerged:
      return "merged";
    case FrameOrigin::kTotal:
      if (!style.is_difference) return "total";
      break;
    case FrameOrigin::kProgram:
      name = "program";
      break;
    case FrameOrigin::kLibrary:
      name = "library";
      break;
    case FrameOrigin::kUnnamed:
      name = "unnamed";
      break;
  }
  if (style.is_difference) {
    name = frame.values.bytes < 0 ? "shrinkage" : "growth";
  }
  return name + std::to_string(Shade(frame.name));
}

std::string Name(const FlameFrame& frame, const FlameFrameStyle& style) {
  switch (frame.origin) {
    case FrameOrigin::kTotal:
      if (!style.is_difference) return style.program;
      return frame.values.bytes < 0 ? "Shrinkage" : "Growth";
    case FrameOrigin::kMerged:
      return FormatCount(static_cast<double>(frame.merged), "narrow frame");
    default:
      return frame.name;
  }
}

// A line for each position, with its bytes if there are several.
std::string SourceLines(const FlameFrame& frame, const FlameFrameStyle& style) {
  std::string lines;
  for (const FrameSource& source : frame.sources) {
    lines += "\n" + Position(ShortFile(source.file), source.line);
    if (frame.sources.size() > 1) {
      lines += " (" + FormatEstimate(source.bytes, style.is_difference) + ")";
    }
  }
  return lines;
}

std::string Title(const FlameFrame& frame, const FlameFrameStyle& style) {
  const FrameValues& values = frame.values;
  return EscapeHtml(SanitizeLabel(Name(frame, style), kMaxNameInTitle) +
                    SourceLines(frame, style) + "\n" +
                    FormatEstimate(values.bytes, style.is_difference) + " ± " +
                    FormatEstimate(std::sqrt(values.variance), false) + ", " +
                    FormatFixed(100 * frame.width, 1) + " % of " +
                    FormatEstimate(style.total_bytes, false) + ", " +
                    FormatCount(values.objects, "object"));
}

std::string Text(const FlameFrame& frame, const FlameFrameStyle& style) {
  if (frame.width < kMinWidthOfText) return "";
  std::string after;
  if (frame.origin == FrameOrigin::kTotal) {
    after = FormatEstimate(frame.values.bytes, style.is_difference);
  } else if (!frame.sources.empty()) {
    const FrameSource& source = frame.sources.front();
    after = Position(Filename(source.file), source.line);
  }
  const auto characters =
      static_cast<std::size_t>(std::ceil(frame.width * kMaxCharacters));
  std::string text = R"(<text x="5" y="14">)" +
                     EscapeHtml(SanitizeLabel(Name(frame, style), characters));
  if (!after.empty()) {
    text +=
        "<tspan>  " + EscapeHtml(SanitizeLabel(after, characters)) + "</tspan>";
  }
  return text + "</text>";
}

}  // namespace

std::string FormatEstimate(double bytes, bool is_difference) {
  std::string sign;
  if (is_difference) sign = bytes < 0 ? "−" : "+";
  return sign + FormatBytes(Round(bytes));
}

std::string FormatCount(double count, std::string_view noun) {
  const std::uint64_t integer = Round(count);
  return std::to_string(integer) + " " + std::string(noun) +
         (integer == 1 ? "" : "s");
}

std::string FlameFrameSvg(const FlameFrame& frame,
                          const FlameFrameStyle& style) {
  return "<svg class=\"" + CssClass(frame, style) + "\" x=\"" +
         Percentage(frame.left, 3) + "\" y=\"" +
         std::to_string(frame.depth * kFlameFrameHeight) + "\" width=\"" +
         Percentage(frame.width, 3) + "\" height=\"" +
         std::to_string(kFlameFrameHeight) + "\"><title>" +
         Title(frame, style) +
         R"(</title><rect width="100%" height="100%" rx="3"/>)" +
         Text(frame, style) + "</svg>\n";
}

}  // namespace jemalloc_exporter
