#include "tests/support/strict_page.h"

#include <cstddef>
#include <set>
#include <stdexcept>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kEof = "# EOF";

void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

// What Prometheus itself takes for the names of the family's samples, on this
// page or another: no two families may share one.
std::vector<std::string> NamesOf(Format format, const StrictFamily& family) {
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

class Reader {
 public:
  Reader(Format format, std::string_view page) : format_(format) {
    Require(page.empty() || page.ends_with('\n'), "no newline at the end");
    for (; !page.empty(); page.remove_prefix(page.find('\n') + 1)) {
      lines_.push_back(page.substr(0, page.find('\n')));
    }
    if (format == Format::kText) return;
    Require(!lines_.empty() && lines_.back() == kEof, "no # EOF at the end");
    lines_.pop_back();
  }

  std::vector<StrictFamily> Read() try {
    std::vector<StrictFamily> families;
    std::set<std::string> names;
    while (at_ < lines_.size()) {
      families.push_back(ReadFamily());
      CheckFamily(format_, families.back());
      for (std::string& name : NamesOf(format_, families.back())) {
        Require(names.insert(name).second, "two families have " + name);
      }
    }
    return families;
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("line " + std::to_string(at_ + 1) + ": " +
                                error.what());
  }

 private:
  bool AtMetadata() const {
    return at_ < lines_.size() && lines_[at_].starts_with('#');
  }

  // Its text, if the line is the family's and has that keyword.
  std::string_view TakeMetadata(std::string_view keyword,
                                const std::string& name) {
    if (!AtMetadata()) return {};
    const StrictMetadata metadata = ReadMetadata(lines_[at_]);
    if (metadata.keyword != keyword || metadata.name != name) return {};
    ++at_;
    return metadata.text;
  }

  StrictFamily ReadFamily() {
    StrictFamily family;
    family.name = ReadMetadata(lines_[at_]).name;
    if (format_ == Format::kText) {
      family.help = ReadHelp(format_, TakeMetadata("HELP", family.name));
      family.type = TakeMetadata("TYPE", family.name);
    } else {
      family.type = TakeMetadata("TYPE", family.name);
      family.unit = TakeMetadata("UNIT", family.name);
      family.help = ReadHelp(format_, TakeMetadata("HELP", family.name));
    }
    Require(!family.type.empty(), "no TYPE where it should be");
    for (; at_ < lines_.size() && !AtMetadata(); ++at_) {
      family.samples.push_back(ReadSample(format_, lines_[at_]));
    }
    return family;
  }

  const Format format_;
  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<StrictFamily> ReadStrictly(Format format, std::string_view page) {
  Require(IsUtf8(page), "not UTF-8");
  return Reader(format, page).Read();
}

}  // namespace jemalloc_exporter
