#include "tests/support/exposition_checker.h"

#include <cstddef>
#include <set>
#include <stdexcept>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kEof = "# EOF";

void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

// All sample names that Prometheus attributes to the family. No two families
// may share one.
std::vector<std::string> SampleNames(Format format,
                                     const ParsedFamily& family) {
  std::vector<std::string> names = {family.name};
  const auto add = [&](const std::string& suffix) {
    names.push_back(family.name + suffix);
  };
  const bool is_distribution =
      family.type == "histogram" || family.type == "summary";
  if (is_distribution) add("_sum");
  if (is_distribution) add("_count");
  if (family.type == "histogram") add("_bucket");
  if (format == Format::kText) return names;
  if (family.type == "counter") add("_total");
  if (is_distribution || family.type == "counter") add("_created");
  return names;
}

class Parser {
 public:
  Parser(Format format, std::string_view text) : formposition_(format) {
    Require(text.empty() || text.ends_with('\n'), "no newline at the end");
    for (; !text.empty(); text.remove_prefix(text.find('\n') + 1)) {
      lines_.push_back(text.substr(0, text.find('\n')));
    }
    if (format == Format::kText) return;
    Require(!lines_.empty() && lines_.back() == kEof, "no # EOF at the end");
    lines_.pop_back();
  }

  std::vector<ParsedFamily> Parse() try {
    std::vector<ParsedFamily> families;
    std::set<std::string> names;
    while (position_ < lines_.size()) {
      families.push_back(ReadFamily());
      CheckFamily(formposition_, families.back());
      for (std::string& name : SampleNames(formposition_, families.back())) {
        Require(names.insert(name).second, "two families share " + name);
      }
    }
    return families;
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("line " + std::to_string(position_ + 1) + ": " +
                                error.what());
  }

 private:
  bool AtMetadata() const {
    return position_ < lines_.size() && lines_[position_].starts_with('#');
  }

  // Consumes the line and returns its text if name and keyword match.
  std::string_view TakeMetadata(std::string_view keyword,
                                const std::string& name) {
    if (!AtMetadata()) return {};
    const ParsedMetadata metadata = ReadMetadata(lines_[position_]);
    if (metadata.keyword != keyword || metadata.name != name) return {};
    ++position_;
    return metadata.text;
  }

  ParsedFamily ReadFamily() {
    ParsedFamily family;
    family.name = ReadMetadata(lines_[position_]).name;
    if (formposition_ == Format::kText) {
      family.help = ReadHelp(formposition_, TakeMetadata("HELP", family.name));
      family.type = TakeMetadata("TYPE", family.name);
    } else {
      family.type = TakeMetadata("TYPE", family.name);
      family.unit = TakeMetadata("UNIT", family.name);
      family.help = ReadHelp(formposition_, TakeMetadata("HELP", family.name));
    }
    Require(!family.type.empty(), "TYPE missing");
    for (; position_ < lines_.size() && !AtMetadata(); ++position_) {
      family.samples.push_back(ReadSample(formposition_, lines_[position_]));
    }
    return family;
  }

  const Format formposition_;
  std::vector<std::string_view> lines_;
  std::size_t position_ = 0;
};

}  // namespace

std::vector<ParsedFamily> ParseExposition(Format format,
                                          std::string_view text) {
  Require(IsUtf8(text), "not UTF-8");
  return Parser(format, text).Parse();
}

}  // namespace jemalloc_exporter
