#include "exporter/agent/uid_allowlist.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {

UidAllowlist::UidAllowlist(const char* list) {
  const std::string_view text = list != nullptr ? list : "";
  const char* const limit = text.data() + text.size();
  for (const char* at = text.data(); at < limit && size_ < kMaxListed;) {
    const char* const end = std::find(at, limit, ',');
    uid_t uid = 0;
    const auto parsed = std::from_chars(at, end, uid);
    if (parsed.ec == std::errc() && parsed.ptr == end) listed_[size_++] = uid;
    at = end + 1;
  }
}

bool UidAllowlist::contains(uid_t uid) const {
  if (uid == 0 || uid == static_cast<uid_t>(SystemCall(SYS_geteuid)))
    return true;
  const uid_t* const end = listed_ + size_;
  return std::find(listed_, end, uid) != end;
}

}  // namespace jemalloc_exporter
