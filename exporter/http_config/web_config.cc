#include "exporter/http_config/web_config.h"

#include <crypt.h>
#include <yaml-cpp/emitfromevents.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

// A value, and the path of its key, such as `tls_server_config.cert_file`.
struct Item {
  std::string path;
  YAML::Node node;
};

// Like an error of the parser.
[[noreturn]] void Fail(const Item& item, const std::string& reason) {
  throw YAML::RepresentationException(
      item.node.Mark(),
      (item.path.empty() ? "the file" : item.path) + ": " + reason);
}

using Reader = std::function<void(const Item&)>;

void ReadKeys(
    const Item& item,
    const std::function<void(const std::string&, const Item&)>& read) {
  if (item.node.IsNull()) return;
  if (!item.node.IsMap()) Fail(item, "not a map");
  std::set<std::string> seen;
  for (const auto& entry : item.node) {
    if (!entry.first.IsScalar()) Fail(item, "a key is not a string");
    const std::string& key = entry.first.Scalar();
    const Item value{item.path.empty() ? key : item.path + "." + key,
                     entry.second};
    // An empty value has no line number.
    if (!seen.insert(key).second)
      Fail({value.path, entry.first}, "duplicate key");
    read(key, value);
  }
}

void ReadKnownKeys(const Item& item,
                   const std::map<std::string, Reader>& readers) {
  ReadKeys(item, [&](const std::string& key, const Item& value) {
    const auto reader = readers.find(key);
    if (reader == readers.end()) Fail(value, "unknown key");
    reader->second(value);
  });
}

std::string ToText(const Item& item) {
  if (item.node.IsNull()) return {};
  if (!item.node.IsScalar()) Fail(item, "not a string");
  return item.node.Scalar();
}

Reader Into(std::string& text) {
  return [&text](const Item& item) { text = ToText(item); };
}

Reader Into(bool& value) {
  return [&value](const Item& item) {
    if (!YAML::convert<bool>::decode(item.node, value)) {
      Fail(item, "neither true nor false");
    }
  };
}

Reader Into(std::vector<std::string>& list) {
  return [&list](const Item& item) {
    if (item.node.IsNull()) return;
    if (!item.node.IsSequence()) Fail(item, "not a list");
    for (const YAML::Node& node : item.node) {
      list.push_back(ToText({item.path, node}));
    }
  };
}

template <typename T>
Reader OneOf(const std::map<std::string, T>& names, T& value) {
  return [&names, &value](const Item& item) {
    const std::string name = ToText(item);
    const auto found = names.find(name);
    if (found == names.end()) Fail(item, "unknown value: " + name);
    value = found->second;
  };
}

// Where `item` names a file, its content becomes `text`.
void LoadInto(std::string& text, const Item& item,
              const std::filesystem::path& folder, ConfigFileReader& files) {
  const std::string name = ToText(item);
  if (name.empty()) return;
  if (!text.empty()) Fail(item, "duplicate: the value is also given inline");
  try {
    text = files.Read(folder / name);
  } catch (const std::runtime_error& error) {
    Fail(item, error.what());
  }
  if (text.empty()) Fail(item, (folder / name).string() + " is empty");
}

void CheckTls(const Item& item, const TlsConfig& tls) {
  const auto require = [&item](bool condition, const std::string& reason) {
    if (!condition) Fail(item, reason);
  };
  require(!tls.cert.empty(), "requires cert or cert_file");
  require(!tls.key.empty(), "requires key or key_file");
  require(tls.client_ca.empty() || tls.client_auth != ClientAuth::kNone,
          "client_ca requires a client_auth_type");
  require(
      tls.client_allowed_sans.empty() || RequiresCertificate(tls.client_auth),
      "client_allowed_sans requires a client_auth_type that requires a "
      "certificate");
  require(tls.min_version <= tls.max_version,
          "min_version is above max_version");
}

TlsConfig ReadTls(const Item& item, const std::filesystem::path& folder,
                  ConfigFileReader& files) {
  static const std::map<std::string, ClientAuth> kClientAuths = {
      {"", ClientAuth::kNone},
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"RequireClientCert", ClientAuth::kRequireAny},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  static const std::map<std::string, int> kVersions = {
      {"TLS10", 0}, {"TLS11", 1}, {"TLS12", 2}, {"TLS13", 3}};
  TlsConfig tls;
  std::vector<std::pair<std::string*, Item>> named;
  const auto into_file_of = [&named](std::string& text) {
    return [&](const Item& file) { named.emplace_back(&text, file); };
  };
  ReadKnownKeys(
      item,
      {{"cert", Into(tls.cert)},
       {"cert_file", into_file_of(tls.cert)},
       {"key", Into(tls.key)},
       {"key_file", into_file_of(tls.key)},
       {"client_ca", Into(tls.client_ca)},
       {"client_ca_file", into_file_of(tls.client_ca)},
       {"client_auth_type", OneOf(kClientAuths, tls.client_auth)},
       {"client_allowed_sans", Into(tls.client_allowed_sans)},
       {"min_version", OneOf(kVersions, tls.min_version)},
       {"max_version", OneOf(kVersions, tls.max_version)},
       {"cipher_suites", Into(tls.cipher_suites)},
       {"prefer_server_cipher_suites", Into(tls.prefer_server_cipher_suites)},
       {"curve_preferences", Into(tls.curve_preferences)}});
  for (const auto& [text, file] : named) LoadInto(*text, file, folder, files);
  CheckTls(item, tls);
  return tls;
}

void ReadHeaders(const Item& item, Headers& headers) {
  // With the values that are allowed; none: any.
  static const std::map<std::string, std::set<std::string>> kHeaders = {
      {"Content-Security-Policy", {}},
      {"Strict-Transport-Security", {}},
      {"X-Content-Type-Options", {"nosniff"}},
      {"X-Frame-Options", {"deny", "sameorigin"}},
      {"X-XSS-Protection", {}}};
  ReadKeys(item, [&](const std::string& name, const Item& header) {
    const auto known = kHeaders.find(name);
    if (known == kHeaders.end()) Fail(header, "unknown key");
    const std::string value = ToText(header);
    if (value.empty()) return;
    if (!std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= ' ' && c <= '~'; })) {
      Fail(header, "not printable ASCII");
    }
    if (!known->second.empty() && !known->second.contains(value)) {
      Fail(header, "unknown value: " + value);
    }
    headers.emplace_back(name, value);
  });
}

void RejectHttp2(const Item& item) {
  bool wanted = false;
  Into(wanted)(item);
  if (wanted) Fail(item, "HTTP/2 is not supported");
}

// "$2y$10$…": from 04 to 31. crypt_checksalt(3) does not examine it.
bool HasBcryptCost(std::string_view hash) {
  const std::string_view cost = hash.substr(4, 2);
  return cost.find_first_not_of("0123456789") == std::string_view::npos &&
         cost >= "04" && cost <= "31" && hash[6] == '$';
}

bool IsBcrypt(const std::string& hash) {
  constexpr std::size_t kBcryptSize = 60;
  return hash.size() == kBcryptSize && HasBcryptCost(hash) &&
         hash.starts_with("$2") &&
         crypt_checksalt(hash.c_str()) == CRYPT_SALT_OK;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7F';
}

void ReadUsers(const Item& item, std::map<std::string, std::string>& users) {
  ReadKeys(item, [&](const std::string& user, const Item& value) {
    const std::string hash = ToText(value);
    // RFC 7617, section 2: such a user could never log in.
    if (user.find(':') != std::string::npos)
      Fail(value, "a user name must not contain ':'");
    if (std::any_of(user.begin(), user.end(), IsControl))
      Fail(value, "a user name must not contain control characters");
    if (!IsBcrypt(hash)) Fail(value, "not a bcrypt hash");
    users[user] = hash;
  });
}

// Records where the last document begins.
class DocumentStart final : public YAML::EmitFromEvents {
 public:
  using EmitFromEvents::EmitFromEvents;
  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  const YAML::Mark& mark() const { return mark_; }

 private:
  YAML::Mark mark_;
};

// Returns the only document; null for a file without one. Not YAML::LoadAll:
// for "{}," that returns documents for ever.
YAML::Node LoadDocument(const std::string& yaml) {
  std::istringstream text(yaml);
  YAML::Parser parser(text);
  YAML::Emitter unused;
  DocumentStart start(unused);
  if (parser.HandleNextDocument(start) && parser.HandleNextDocument(start))
    throw YAML::ParserException(start.mark(),
                                "a second document; only one is allowed");
  return YAML::Load(yaml);
}

}  // namespace

WebConfig ParseWebConfig(std::string_view yaml,
                         const std::filesystem::path& folder,
                         ConfigFileReader& files) try {
  WebConfig config;
  ReadKnownKeys(
      {"", LoadDocument(std::string(yaml))},
      {{"tls_server_config",
        [&](const Item& item) {
          if (!item.node.IsNull()) config.tls = ReadTls(item, folder, files);
        }},
       {"http_server_config",
        [&](const Item& item) {
          ReadKnownKeys(item, {{"http2", &RejectHttp2},
                               {"headers", [&](const Item& headers) {
                                  ReadHeaders(headers, config.headers);
                                }}});
        }},
       {"basic_auth_users",
        [&](const Item& item) { ReadUsers(item, config.basic_auth_users); }},
       {"rate_limit", [](const Item& item) {
          if (!item.node.IsNull()) Fail(item, "not supported");
        }}});
  return config;
} catch (const YAML::Exception& error) {
  // The parser's own message for them names an escape character.
  if (yaml.find('\0') != std::string_view::npos)
    throw std::runtime_error("the file contains NUL bytes");
  const std::string line =
      error.mark.is_null()
          ? ""
          : "line " + std::to_string(error.mark.line + 1) + ": ";
  // It can contain text of the file, and stays one line in a log.
  constexpr std::size_t kMaxCharacters = 500;
  throw std::runtime_error(SanitizeLabel(line + error.msg, kMaxCharacters));
}

WebConfig ReadWebConfig(const std::filesystem::path& path,
                        ConfigFileReader& files) {
  const std::string yaml = files.Read(path);
  try {
    WebConfig config = ParseWebConfig(yaml, path.parent_path(), files);
    config.is_piped = files.IsPipe(path);
    return config;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

}  // namespace jemalloc_exporter
