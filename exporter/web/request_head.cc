#include "web/request_head.h"

#include <strings.h>

#include <algorithm>
#include <optional>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEndOfHead = "\r\n\r\n";

constexpr int kTargetTooLong = 414;
constexpr int kHeadTooLarge = 431;

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// RFC 9110, section 5.6.2.
bool IsTokenCharacter(unsigned char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') ||
         kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), IsTokenCharacter);
}

bool IsVisible(unsigned char c) { return c > ' ' && c < 0x7F; }

// RFC 9110, section 5.5: bytes beyond ASCII are for nobody to interpret.
bool IsFieldCharacter(unsigned char c) {
  return c == '\t' || (c >= ' ' && c != 0x7F);
}

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
}

std::string_view TakeLine(std::string_view& bytes) {
  const auto end = bytes.find(kEndOfLine);
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(line.size() + kEndOfLine.size());
  return line;
}

std::string_view WithoutEmptyLines(std::string_view bytes) {
  while (bytes.starts_with(kEndOfLine)) bytes.remove_prefix(kEndOfLine.size());
  return bytes;
}

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::string_view PathOf(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (EqualsIgnoringCase(target.substr(0, kScheme.size()), kScheme)) {
    target.remove_prefix(kScheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    if (!target.starts_with('/')) return "/";
  }
  return target.substr(0, target.find('?'));
}

std::string_view QueryOf(std::string_view target) {
  const auto mark = target.find('?');
  return mark == std::string_view::npos ? "" : target.substr(mark + 1);
}

// "GET /metrics HTTP/1.1"
bool ReadRequestLine(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == last) return false;  // Neither, too, if there are none.
  head.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  head.path = PathOf(target);
  head.query = QueryOf(target);
  head.is_http_1_0 = version == "HTTP/1.0";
  return IsToken(head.method) && !target.empty() &&
         std::all_of(target.begin(), target.end(), IsVisible) &&
         (head.is_http_1_0 || version == "HTTP/1.1");
}

// "Host: localhost". A line that begins with a space has no token for a name.
bool ReadField(std::string_view line, RequestHead& head) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trimmed(line.substr(colon + 1));
  if (!IsToken(name) ||
      !std::all_of(value.begin(), value.end(), IsFieldCharacter)) {
    return false;
  }
  head.fields.emplace_back(name, value);
  return true;
}

bool HasItem(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const std::string_view first = list.substr(0, list.find(','));
    if (EqualsIgnoringCase(Trimmed(first), item)) return true;
    list.remove_prefix(std::min(first.size() + 1, list.size()));
  }
  return false;
}

// What the fields say about the request itself.
bool ReadMeaning(RequestHead& head) {
  int hosts = 0;
  int lengths = 0;
  bool is_coded = false;
  for (const auto& [name, value] : head.fields) {
    if (EqualsIgnoringCase(name, "Host")) ++hosts;
    if (EqualsIgnoringCase(name, "Transfer-Encoding")) is_coded = true;
    if (EqualsIgnoringCase(name, "Content-Length")) {
      ++lengths;
      if (!IsNumber(value)) return false;
      if (value.find_first_not_of('0') != std::string_view::npos)
        head.has_body = true;
    }
  }
  if (hosts > 1 || lengths > 1 || (is_coded && lengths > 0)) return false;
  if (hosts == 0 && !head.is_http_1_0) return false;
  head.has_body = head.has_body || is_coded;
  const std::string connection = head.Field("Connection");
  head.keep_alive = head.is_http_1_0 ? HasItem(connection, "keep-alive")
                                     : !HasItem(connection, "close");
  return true;
}

std::optional<RequestHead> ReadLines(std::string_view lines) {
  RequestHead head;
  if (!ReadRequestLine(TakeLine(lines), head)) return std::nullopt;
  while (!lines.starts_with(kEndOfLine)) {
    if (!ReadField(TakeLine(lines), head)) return std::nullopt;
  }
  if (!ReadMeaning(head)) return std::nullopt;
  return head;
}

// What will not become a head, whatever may follow, is not waited for.
std::variant<RequestHead, Incomplete, BadRequest> JudgeBeginning(
    std::string_view bytes) {
  if (bytes.empty() || bytes == kEndOfLine.substr(0, 1)) return Incomplete();
  if (!IsTokenCharacter(static_cast<unsigned char>(bytes.front()))) {
    return BadRequest();
  }
  for (auto lf = bytes.find('\n'); lf != std::string_view::npos;
       lf = bytes.find('\n', lf + 1)) {
    if (bytes[lf - 1] != '\r') return BadRequest();
  }
  if (bytes.size() < kMaxHeadSize) return Incomplete();
  const bool first_line = bytes.find(kEndOfLine) == std::string_view::npos;
  return BadRequest{first_line ? kTargetTooLong : kHeadTooLarge};
}

}  // namespace

std::string RequestHead::Field(std::string_view name) const {
  std::string joined;
  for (const auto& [field, value] : fields) {
    if (!EqualsIgnoringCase(field, name)) continue;
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

std::size_t HeadSize(std::string_view bytes) {
  const std::string_view head = WithoutEmptyLines(bytes);
  const auto end = head.find(kEndOfHead);
  if (end == std::string_view::npos) return 0;
  return bytes.size() - head.size() + end + kEndOfHead.size();
}

std::variant<RequestHead, Incomplete, BadRequest> ParseRequestHead(
    std::string_view bytes) {
  const std::size_t size = HeadSize(bytes);
  if (size == 0) return JudgeBeginning(WithoutEmptyLines(bytes));
  if (size > kMaxHeadSize) return BadRequest{kHeadTooLarge};
  const std::string_view lines = WithoutEmptyLines(bytes.substr(0, size));
  if (auto head = ReadLines(lines)) return *std::move(head);
  return BadRequest();
}

}  // namespace jemalloc_exporter
