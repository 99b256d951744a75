#include "web/tls_priorities.h"

#include <gnutls/gnutls.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "exporter/text/label_text.h"

namespace jemalloc_exporter {
namespace {

// Of a name in an error; longer than any that somebody knows.
constexpr std::size_t kMaxNameSize = 100;

struct Suite {
  std::string name;  // GnuTLS's own.
  gnutls_kx_algorithm_t key_exchange;
  gnutls_cipher_algorithm_t cipher;
  gnutls_mac_algorithm_t mac;
  gnutls_protocol_t since;

  bool IsOfTls13() const { return since == GNUTLS_TLS1_3; }
};

Suite SuiteAt(std::size_t index) {
  Suite suite{};
  const char* const name =
      gnutls_cipher_suite_info(index, nullptr, &suite.key_exchange,
                               &suite.cipher, &suite.mac, &suite.since);
  if (name != nullptr) suite.name = name;
  return suite;
}

// TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is TLS_ECDHE_RSA_AES_128_CBC_SHA1 there.
std::string GnuTlsName(std::string name) {
  constexpr std::string_view kWith = "WITH_";
  constexpr std::string_view kHash = "_SHA256";
  if (const auto with = name.find(kWith); with != std::string::npos) {
    name.erase(with, kWith.size());
    if (name.ends_with("CHACHA20_POLY1305_SHA256")) {
      name.resize(name.size() - kHash.size());
    }
  }
  return name.ends_with("_SHA") ? name + "1" : name;
}

std::vector<Suite> Listed(const TlsConfig& config) {
  std::map<std::string, Suite> known;
  for (std::size_t i = 0;; ++i) {
    const Suite suite = SuiteAt(i);
    if (suite.name.empty()) break;
    known[suite.name] = suite;
  }
  std::vector<Suite> listed;
  for (const std::string& name : config.cipher_suites) {
    const auto found = known.find(GnuTlsName(name));
    if (found == known.end()) {
      throw std::runtime_error("cipher_suites: GnuTLS does not know " +
                               LabelText(name, kMaxNameSize));
    }
    listed.push_back(found->second);
  }
  return listed;
}

std::string Versions(const TlsConfig& config) {
  std::string priorities = ":-VERS-ALL";
  for (int version = config.max_version; version >= config.min_version;
       --version) {
    priorities += ":+VERS-TLS1." + std::to_string(version);
  }
  return priorities;
}

std::string Ciphers(const std::vector<Suite>& suites) {
  if (suites.empty()) return {};
  std::string priorities = ":-CIPHER-ALL:-MAC-ALL:-KX-ALL";
  for (const Suite& suite : suites) {
    priorities += ":+" + std::string(gnutls_cipher_get_name(suite.cipher));
    priorities += ":+" + std::string(gnutls_mac_get_name(suite.mac));
    if (suite.IsOfTls13()) continue;
    priorities += ":+" + std::string(gnutls_kx_get_name(suite.key_exchange));
  }
  return priorities;
}

std::string Curves(const TlsConfig& config) {
  static const std::map<std::string, std::string> kGroups = {
      {"CurveP256", "SECP256R1"},
      {"CurveP384", "SECP384R1"},
      {"CurveP521", "SECP521R1"},
      {"X25519", "X25519"}};
  if (config.curve_preferences.empty()) return {};
  std::string priorities = ":-GROUP-ALL";
  for (const std::string& name : config.curve_preferences) {
    const auto group = kGroups.find(name);
    if (group == kGroups.end()) {
      throw std::runtime_error("curve_preferences: no such value: " +
                               LabelText(name, kMaxNameSize));
    }
    priorities += ":+GROUP-" + group->second;
  }
  return priorities;
}

// The suites below TLS 1.3 that `priorities` enable.
std::vector<std::string> Enabled(const std::string& priorities) {
  gnutls_priority_t parsed = nullptr;
  const int error = gnutls_priority_init(&parsed, priorities.c_str(), nullptr);
  if (error != GNUTLS_E_SUCCESS) {
    throw std::runtime_error(std::string("GnuTLS does not take them: ") +
                             gnutls_strerror(error));
  }
  const std::unique_ptr<std::remove_pointer_t<gnutls_priority_t>,
                        decltype(&gnutls_priority_deinit)>
      owner(parsed, &gnutls_priority_deinit);
  std::vector<std::string> enabled;
  for (unsigned i = 0;; ++i) {
    unsigned index = 0;
    const int found = gnutls_priority_get_cipher_suite_index(parsed, i, &index);
    if (found == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return enabled;
    if (found != GNUTLS_E_SUCCESS) continue;  // Of no use in these versions.
    const Suite suite = SuiteAt(index);
    if (!suite.IsOfTls13()) enabled.push_back(suite.name);
  }
}

}  // namespace

std::string TlsPriorities(const TlsConfig& config) {
  const std::vector<Suite> listed = Listed(config);
  std::string priorities =
      "NORMAL" + Versions(config) + Ciphers(listed) + Curves(config);
  if (config.prefer_server_cipher_suites) priorities += ":%SERVER_PRECEDENCE";
  const std::vector<std::string> enabled = Enabled(priorities);
  if (listed.empty()) return priorities;
  for (const std::string& name : enabled) {
    if (std::none_of(listed.begin(), listed.end(),
                     [&](const Suite& suite) { return suite.name == name; })) {
      throw std::runtime_error("cipher_suites: with these GnuTLS takes " +
                               name + ", too");
    }
  }
  return priorities;
}

}  // namespace jemalloc_exporter
