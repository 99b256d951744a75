#include "exporter/http_config/web_config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace jemalloc_exporter {
namespace {

const std::string kHash =
    "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

// A folder with what the configurations here name.
class WebConfigTest : public testing::Test {
 protected:
  WebConfigTest() {
    std::string name = std::filesystem::temp_directory_path() / "web.XXXXXX";
    folder_ = mkdtemp(name.data());
    for (const std::string file : {"cert", "key", "ca"}) {
      Write(file + ".pem", "the " + file + "\n");
    }
    Write("empty.pem", "");
  }
  ~WebConfigTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  WebConfig Parse(const std::string& yaml) const {
    return ParseWebConfig(yaml, folder_);
  }
  std::string ErrorOf(const std::string& yaml) const {
    try {
      Parse(yaml);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }

  std::filesystem::path folder_;
};

TEST_F(WebConfigTest, IsOpenToAllWhenEmpty) {
  for (const std::string yaml :
       {"", "# nothing\n", "{}",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n"
        "rate_limit:\n"}) {
    EXPECT_EQ(Parse(yaml), WebConfig()) << yaml;
  }
}

TEST_F(WebConfigTest, HasItsTlsFromFiles) {
  TlsConfig tls;
  tls.cert = "the cert\n";
  tls.key = "the key\n";
  EXPECT_EQ(Parse("tls_server_config:\n"
                  "  cert_file: cert.pem\n"
                  "  key_file: key.pem\n")
                .tls,
            tls);
}

TEST_F(WebConfigTest, HasItsTlsInline) {
  TlsConfig tls;
  tls.cert = "a\nb\n";
  tls.key = "c";
  EXPECT_EQ(Parse("tls_server_config:\n"
                  "  cert: |\n"
                  "    a\n"
                  "    b\n"
                  "  key: c\n")
                .tls,
            tls);
}

TEST_F(WebConfigTest, HasEveryKeyOfTls) {
  TlsConfig tls;
  tls.cert = "the cert\n";
  tls.key = "the key\n";
  tls.client_ca = "the ca\n";
  tls.client_auth = ClientAuth::kRequireAndVerify;
  tls.client_allowed_sans = {"prometheus", "10.0.0.1"};
  tls.min_version = 1;
  tls.max_version = 2;
  tls.cipher_suites = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"};
  tls.prefer_server_cipher_suites = false;
  tls.curve_preferences = {"X25519"};
  EXPECT_EQ(Parse("tls_server_config:\n"
                  "  cert_file: " +
                  (folder_ / "cert.pem").string() +
                  "\n"
                  "  key_file: key.pem\n"
                  "  client_ca_file: ca.pem\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n"
                  "  client_allowed_sans: [prometheus, 10.0.0.1]\n"
                  "  min_version: TLS11\n"
                  "  max_version: TLS12\n"
                  "  cipher_suites:\n"
                  "    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"
                  "  prefer_server_cipher_suites: false\n"
                  "  curve_preferences: [X25519]\n")
                .tls,
            tls);
}

TEST_F(WebConfigTest, KnowsEveryClientAuthType) {
  const std::pair<std::string, ClientAuth> types[] = {
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequireClientCert", ClientAuth::kRequireAny},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  for (const auto& [name, type] : types) {
    EXPECT_EQ(Parse("tls_server_config:\n"
                    "  {cert: a, key: b, client_auth_type: " +
                    name + "}")
                  .tls->client_auth,
              type)
        << name;
  }
}

TEST_F(WebConfigTest, HasHeaders) {
  EXPECT_EQ(Parse("http_server_config:\n"
                  "  http2: false\n"
                  "  headers:\n"
                  "    Content-Security-Policy: default-src 'self'\n"
                  "    X-Frame-Options: deny\n"
                  "    X-Content-Type-Options: nosniff\n"
                  "    X-XSS-Protection: '1'\n"
                  "    Strict-Transport-Security: ''\n")
                .headers,
            (Headers{{"Content-Security-Policy", "default-src 'self'"},
                     {"X-Frame-Options", "deny"},
                     {"X-Content-Type-Options", "nosniff"},
                     {"X-XSS-Protection", "1"}}));
}

TEST_F(WebConfigTest, HasUsers) {
  using Users = std::map<std::string, std::string>;
  EXPECT_EQ(Parse("basic_auth_users:\n  alice: " + kHash + "\n  bob: " + kHash)
                .basic_auth_users,
            (Users{{"alice", kHash}, {"bob", kHash}}));
}

TEST_F(WebConfigTest, IsRefusedForAnUnknownKey) {
  EXPECT_EQ(ErrorOf("tls_config: {}\n"), "line 1: tls_config: unknown key");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  cert_fil: cert.pem\n"),
            "line 2: tls_server_config.cert_fil: unknown key");
  EXPECT_EQ(ErrorOf("http_server_config:\n  headers:\n    Server: x\n"),
            "line 3: http_server_config.headers.Server: unknown key");
}

TEST_F(WebConfigTest, IsRefusedForAKeyThatIsGivenTwice) {
  EXPECT_EQ(ErrorOf("tls_server_config:\n  key: a\n  cert: a\n  key: b\n"),
            "line 4: tls_server_config.key: given twice");
  EXPECT_EQ(ErrorOf("tls_server_config:\n"
                    "  cert_file: cert.pem\n"
                    "  cert: a\n"),
            "line 2: tls_server_config.cert_file: given inline as well");
}

TEST_F(WebConfigTest, IsRefusedForWhatCannotBeHonoured) {
  EXPECT_EQ(ErrorOf("http_server_config:\n  http2: true\n"),
            "line 2: http_server_config.http2: HTTP/2 is not supported");
  EXPECT_EQ(ErrorOf("rate_limit:\n  burst: 1\n"),
            "line 2: rate_limit: not supported");
}

TEST_F(WebConfigTest, IsRefusedForAnotherType) {
  EXPECT_EQ(ErrorOf("- a\n- b\n"), "line 1: the file: not a map");
  EXPECT_EQ(ErrorOf("tls_server_config: yes\n"),
            "line 1: tls_server_config: not a map");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  cert: [a]\n"),
            "line 2: tls_server_config.cert: not a string");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  cipher_suites: a\n"),
            "line 2: tls_server_config.cipher_suites: not a list");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  curve_preferences: [{a: b}]\n"),
            "line 2: tls_server_config.curve_preferences: not a string");
  EXPECT_EQ(
      ErrorOf("tls_server_config:\n  prefer_server_cipher_suites: maybe\n"),
      "line 2: tls_server_config.prefer_server_cipher_suites: neither true nor "
      "false");
  EXPECT_EQ(ErrorOf("basic_auth_users: {[a]: b}\n"),
            "line 1: basic_auth_users: a key is not a string");
}

TEST_F(WebConfigTest, IsRefusedForAValueThatNobodyKnows) {
  EXPECT_EQ(ErrorOf("tls_server_config:\n  min_version: TLS14\n"),
            "line 2: tls_server_config.min_version: no such value: TLS14");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  client_auth_type: Maybe\n"),
            "line 2: tls_server_config.client_auth_type: no such value: Maybe");
  EXPECT_EQ(
      ErrorOf("http_server_config: {headers: {X-Frame-Options: allow}}\n"),
      "line 1: http_server_config.headers.X-Frame-Options: no such value: "
      "allow");
  EXPECT_EQ(ErrorOf("http_server_config:\n"
                    "  headers: {X-XSS-Protection: \"a\\r\\nb\"}\n"),
            "line 2: http_server_config.headers.X-XSS-Protection: not "
            "printable");
}

TEST_F(WebConfigTest, IsRefusedForTlsThatCannotWork) {
  const auto error_of = [this](const std::string& keys) {
    return ErrorOf("tls_server_config: {" + keys + "}");
  };
  const std::string place = "line 1: tls_server_config: ";
  EXPECT_EQ(error_of(""), place + "neither cert nor cert_file");
  EXPECT_EQ(error_of("key: a"), place + "neither cert nor cert_file");
  EXPECT_EQ(error_of("cert: a"), place + "neither key nor key_file");
  EXPECT_EQ(error_of("cert: a, key: b, client_ca: c"),
            place + "a client CA is of no use without a client_auth_type");
  EXPECT_EQ(error_of("cert: a, key: b, client_allowed_sans: [c], "
                     "client_auth_type: VerifyClientCertIfGiven"),
            place +
                "client_allowed_sans takes a client_auth_type that requires a "
                "certificate");
  EXPECT_EQ(error_of("cert: a, key: b, min_version: TLS13, max_version: TLS12"),
            place + "min_version is above max_version");
}

TEST_F(WebConfigTest, IsRefusedForAFileThatCannotBeRead) {
  const std::string place = "line 1: tls_server_config.cert_file: ";
  const std::string in_folder = folder_.string() + "/";
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: none.pem}"),
            place + "cannot read " + in_folder +
                "none.pem: No such file or directory");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: /}"),
            place + "cannot read /: Is a directory");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: empty.pem}"),
            place + in_folder + "empty.pem is empty");
}

TEST_F(WebConfigTest, IsRefusedForAPasswordThatIsNoBcrypt) {
  for (const std::string& hash :
       {std::string("secret"), std::string("''"), kHash + "x",
        std::string("$1$abc$def"), kHash.substr(0, 59)}) {
    EXPECT_EQ(ErrorOf("basic_auth_users:\n  alice: " + hash),
              "line 2: basic_auth_users.alice: not a bcrypt hash");
  }
}

TEST_F(WebConfigTest, IsRefusedForWhatIsNoYaml) {
  EXPECT_EQ(ErrorOf("a: [b\n"), "line 2: end of sequence flow not found");
  EXPECT_EQ(ErrorOf("a: *b\n"), "line 1: the referenced anchor is not defined");
}

// Whoever writes a newline into a name would write lines into our log.
TEST_F(WebConfigTest, IsRefusedInOneLineWithoutControlCharacters) {
  EXPECT_EQ(ErrorOf("\"a\\r\\nb\": c\n"), "line 1: a��b: unknown key");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  min_version: \"TLS\\n\\e[2J\"\n"),
            "line 2: tls_server_config.min_version: no such value: TLS��[2J");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: \"a\\nb\"}"),
            "line 1: tls_server_config.cert_file: cannot read " +
                folder_.string() + "/a�b: No such file or directory");
  EXPECT_EQ(ErrorOf("basic_auth_users: {\"a\\x7f\": b}"),
            "line 1: basic_auth_users.a�: not a bcrypt hash");
}

TEST_F(WebConfigTest, IsRefusedInALineOfReasonableLength) {
  const std::string value(100'000, 'a');
  EXPECT_LT(ErrorOf("tls_server_config: {min_version: " + value + "}").size(),
            1000U);
}

TEST_F(WebConfigTest, IsReadFromAFileThatErrorsName) {
  const auto path = folder_ / "web.yml";
  Write("web.yml", "tls_server_config: {cert_file: cert.pem, key: b}\n");
  EXPECT_EQ(ReadWebConfig(path).tls->cert, "the cert\n");
  const auto error_of = [](const std::filesystem::path& file) -> std::string {
    try {
      ReadWebConfig(file);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  };
  Write("web.yml", "x: y\n");
  EXPECT_EQ(error_of(path), path.string() + ": line 1: x: unknown key");
  EXPECT_EQ(error_of(folder_ / "none"), "cannot read " +
                                            (folder_ / "none").string() +
                                            ": No such file or directory");
}

}  // namespace
}  // namespace jemalloc_exporter
