#include "web/tls_priorities.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

std::string ErrorOf(const TlsConfig& config) {
  try {
    return "none: " + TlsPriorities(config);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TlsConfig WithSuites(std::vector<std::string> suites) {
  TlsConfig config;
  config.cipher_suites = std::move(suites);
  return config;
}

TEST(TlsPriorities, AreGnuTlssOwnInTheVersionsOfToday) {
  EXPECT_EQ(TlsPriorities({}),
            "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE");
}

TEST(TlsPriorities, HaveTheVersionsAskedFor) {
  TlsConfig config;
  config.prefer_server_cipher_suites = false;
  config.min_version = 0;
  config.max_version = 1;
  EXPECT_EQ(TlsPriorities(config),
            "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0");
  config.min_version = config.max_version = 3;
  EXPECT_EQ(TlsPriorities(config), "NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

TEST(TlsPriorities, HaveTheSuitesAskedFor) {
  EXPECT_EQ(
      TlsPriorities(WithSuites({"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"})),
      "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
      ":-CIPHER-ALL:-MAC-ALL:-KX-ALL:+AES-128-GCM:+AEAD:+ECDHE-RSA"
      ":%SERVER_PRECEDENCE");
}

// Those that Go's crypto/tls lists as secure: all that the exporter toolkit
// takes.
TEST(TlsPriorities, KnowEverySuiteOfTheExporterToolkit) {
  TlsConfig config;
  for (const std::string key : {"RSA", "ECDSA"}) {
    for (const std::string cipher :
         {"AES_128_CBC_SHA", "AES_256_CBC_SHA", "AES_128_GCM_SHA256",
          "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"}) {
      config.cipher_suites.push_back("TLS_ECDHE_" + key + "_WITH_" + cipher);
    }
  }
  for (const std::string of_tls13 :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256"}) {
    config.cipher_suites.push_back(of_tls13);
  }
  EXPECT_EQ(ErrorOf(config).substr(0, 5), "none:");
}

TEST(TlsPriorities, RefuseASuiteThatGnuTlsDoesNotKnow) {
  EXPECT_EQ(ErrorOf(WithSuites({"TLS_RSA_WITH_ROT13"})),
            "cipher_suites: GnuTLS does not know TLS_RSA_WITH_ROT13");
}

TEST(TlsPriorities, RefuseSuitesThatGnuTlsTakesOnlyWithOthers) {
  EXPECT_EQ(ErrorOf(WithSuites({"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"})),
            "cipher_suites: with these GnuTLS takes "
            "TLS_ECDHE_RSA_AES_256_GCM_SHA384, too");
}

TEST(TlsPriorities, HaveTheCurvesAskedForInTheirOrder) {
  TlsConfig config;
  config.prefer_server_cipher_suites = false;
  config.curve_preferences = {"X25519", "CurveP521", "CurveP384", "CurveP256"};
  EXPECT_EQ(TlsPriorities(config),
            "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
            ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP521R1:+GROUP-SECP384R1"
            ":+GROUP-SECP256R1");
}

TEST(TlsPriorities, RefuseACurveThatNobodyKnows) {
  TlsConfig config;
  config.curve_preferences = {"X448"};
  EXPECT_EQ(ErrorOf(config), "curve_preferences: no such value: X448");
}

TEST(TlsPriorities, AreRefusedInOneLine) {
  EXPECT_EQ(ErrorOf(WithSuites({"A\nB"})),
            "cipher_suites: GnuTLS does not know A�B");
  TlsConfig config;
  config.curve_preferences = {"A\nB"};
  EXPECT_EQ(ErrorOf(config), "curve_preferences: no such value: A�B");
}

}  // namespace
}  // namespace jemalloc_exporter
