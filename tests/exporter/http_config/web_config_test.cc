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

// A folder with the files that the configurations name.
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
    ConfigFileReader files;
    return ParseWebConfig(yaml, folder_, files);
  }
  // Of the keys of `tls_server_config`.
  TlsConfig ParseTls(const std::string& keys) const {
    return Parse("tls_server_config: {" + keys + "}").tls.value();
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

TEST_F(WebConfigTest, EmptyFileConfiguresNothing) {
  for (const std::string yaml :
       {"", "# nothing\n", "{}",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n"
        "rate_limit:\n"}) {
    EXPECT_EQ(Parse(yaml), WebConfig()) << yaml;
  }
}

// As a file system can leave them after a power failure.
TEST_F(WebConfigTest, RejectsNulBytes) {
  for (const std::string& yaml :
       {std::string(100, '\0'), "basic_auth_users:\n" + std::string(3, '\0')}) {
    EXPECT_EQ(ErrorOf(yaml), "the file contains NUL bytes");
  }
}

TEST_F(WebConfigTest, ReadsCertificateAndKeyFiles) {
  TlsConfig tls;
  tls.cert = "the cert\n";
  tls.key = "the key\n";
  EXPECT_EQ(ParseTls("cert_file: cert.pem, key_file: key.pem"), tls);
}

TEST_F(WebConfigTest, AcceptsInlineCertificateAndKey) {
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

TEST_F(WebConfigTest, ParsesEveryKeyOfTlsServerConfig) {
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
  EXPECT_EQ(ParseTls("cert_file: " + (folder_ / "cert.pem").string() +
                     ", key_file: key.pem, client_ca_file: ca.pem, "
                     "client_auth_type: RequireAndVerifyClientCert, "
                     "client_allowed_sans: [prometheus, 10.0.0.1], "
                     "min_version: TLS11, max_version: TLS12, "
                     "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], "
                     "prefer_server_cipher_suites: false, "
                     "curve_preferences: [X25519]"),
            tls);
}

TEST_F(WebConfigTest, ParsesEveryClientAuthType) {
  const std::pair<std::string, ClientAuth> types[] = {
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequireClientCert", ClientAuth::kRequireAny},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  for (const auto& [name, type] : types) {
    EXPECT_EQ(
        ParseTls("cert: a, key: b, client_auth_type: " + name).client_auth,
        type)
        << name;
  }
}

TEST_F(WebConfigTest, ParsesHeaders) {
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

TEST_F(WebConfigTest, ParsesUsers) {
  using Users = std::map<std::string, std::string>;
  EXPECT_EQ(Parse("basic_auth_users:\n  alice: " + kHash + "\n  bob: " + kHash)
                .basic_auth_users,
            (Users{{"alice", kHash}, {"bob", kHash}}));
}

TEST_F(WebConfigTest, RejectsUnknownKeys) {
  EXPECT_EQ(ErrorOf("tls_config: {}\n"), "line 1: tls_config: unknown key");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  cert_fil: cert.pem\n"),
            "line 2: tls_server_config.cert_fil: unknown key");
  EXPECT_EQ(ErrorOf("http_server_config:\n  headers:\n    Server: x\n"),
            "line 3: http_server_config.headers.Server: unknown key");
}

TEST_F(WebConfigTest, RejectsDuplicateKeys) {
  EXPECT_EQ(ErrorOf("tls_server_config:\n  key: a\n  cert: a\n  key: b\n"),
            "line 4: tls_server_config.key: duplicate key");
  EXPECT_EQ(ErrorOf("tls_server_config:\n"
                    "  cert_file: cert.pem\n"
                    "  cert: a\n"),
            "line 2: tls_server_config.cert_file: duplicate: the value is also "
            "given inline");
}

TEST_F(WebConfigTest, RejectsUnsupportedFeatures) {
  EXPECT_EQ(ErrorOf("http_server_config:\n  http2: true\n"),
            "line 2: http_server_config.http2: HTTP/2 is not supported");
  EXPECT_EQ(ErrorOf("rate_limit:\n  burst: 1\n"),
            "line 2: rate_limit: not supported");
}

TEST_F(WebConfigTest, RejectsValuesOfAnotherType) {
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

TEST_F(WebConfigTest, RejectsUnknownValues) {
  EXPECT_EQ(ErrorOf("tls_server_config:\n  min_version: TLS14\n"),
            "line 2: tls_server_config.min_version: unknown value: TLS14");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  client_auth_type: Maybe\n"),
            "line 2: tls_server_config.client_auth_type: unknown value: Maybe");
  EXPECT_EQ(
      ErrorOf("http_server_config: {headers: {X-Frame-Options: allow}}\n"),
      "line 1: http_server_config.headers.X-Frame-Options: unknown value: "
      "allow");
  EXPECT_EQ(ErrorOf("http_server_config:\n"
                    "  headers: {X-XSS-Protection: \"a\\r\\nb\"}\n"),
            "line 2: http_server_config.headers.X-XSS-Protection: not "
            "printable ASCII");
}

TEST_F(WebConfigTest, RejectsIncompleteTls) {
  const auto error_of = [this](const std::string& keys) {
    return ErrorOf("tls_server_config: {" + keys + "}");
  };
  const std::string key = "line 1: tls_server_config: ";
  EXPECT_EQ(error_of(""), key + "requires cert or cert_file");
  EXPECT_EQ(error_of("key: a"), key + "requires cert or cert_file");
  EXPECT_EQ(error_of("cert: a"), key + "requires key or key_file");
  EXPECT_EQ(error_of("cert: a, key: b, client_ca: c"),
            key + "client_ca requires a client_auth_type");
  EXPECT_EQ(
      error_of("cert: a, key: b, client_allowed_sans: [c], "
               "client_auth_type: VerifyClientCertIfGiven"),
      key +
          "client_allowed_sans requires a client_auth_type that requires a "
          "certificate");
  EXPECT_EQ(error_of("cert: a, key: b, min_version: TLS13, max_version: TLS12"),
            key + "min_version is above max_version");
}

TEST_F(WebConfigTest, RejectsUnreadableFiles) {
  const std::string key = "line 1: tls_server_config.cert_file: ";
  const std::string in_folder = folder_.string() + "/";
  EXPECT_EQ(
      ErrorOf("tls_server_config: {cert_file: none.pem}"),
      key + "cannot read " + in_folder + "none.pem: No such file or directory");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: /}"),
            key + "cannot read /: Is a directory");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: empty.pem}"),
            key + in_folder + "empty.pem is empty");
}

TEST_F(WebConfigTest, RejectsHashesOtherThanBcrypt) {
  for (const std::string& hash :
       {std::string("secret"), std::string("''"), kHash + "x",
        std::string("$1$abc$def"), kHash.substr(0, 59), "$2z" + kHash.substr(3),
        "$2y$03" + kHash.substr(6), "$2y$32" + kHash.substr(6),
        "$2y$1x" + kHash.substr(6), "$2y$10x" + kHash.substr(7)}) {
    EXPECT_EQ(ErrorOf("basic_auth_users:\n  alice: " + hash),
              "line 2: basic_auth_users.alice: not a bcrypt hash");
  }
}

TEST_F(WebConfigTest, RejectsUserNamesThatCannotLogIn) {
  EXPECT_EQ(ErrorOf("basic_auth_users:\n  a: " + kHash + "\n  b:c: " + kHash),
            "line 3: basic_auth_users.b:c: a user name must not contain ':'");
  EXPECT_EQ(ErrorOf("basic_auth_users: {\"a\\0\": " + kHash + "}"),
            "line 1: basic_auth_users.a�: a user name must not contain control "
            "characters");
}

TEST_F(WebConfigTest, RejectsASecondDocument) {
  for (const std::string second : {"b: c\n", "rate_limit:\n", "{}\n"}) {
    EXPECT_EQ(ErrorOf("rate_limit:\n---\n" + second),
              "line 2: a second document; only one is allowed");
  }
  EXPECT_EQ(ErrorOf("---\nrate_limit:\n...\n"), "none");
  // YAML::LoadAll does not return for this.
  EXPECT_EQ(ErrorOf("{},"), "line 1: a second document; only one is allowed");
}

TEST_F(WebConfigTest, RejectsMalformedYaml) {
  EXPECT_EQ(ErrorOf("a: [b\n"), "line 2: end of sequence flow not found");
  EXPECT_EQ(ErrorOf("a: *b\n"), "line 1: the referenced anchor is not defined");
}

// A newline in a name would otherwise add a line to the log.
TEST_F(WebConfigTest, ErrorIsOneLineWithoutControlCharacters) {
  EXPECT_EQ(ErrorOf("\"a\\r\\nb\": c\n"), "line 1: a��b: unknown key");
  EXPECT_EQ(ErrorOf("tls_server_config:\n  min_version: \"TLS\\n\\e[2J\"\n"),
            "line 2: tls_server_config.min_version: unknown value: TLS��[2J");
  EXPECT_EQ(ErrorOf("tls_server_config: {cert_file: \"a\\nb\"}"),
            "line 1: tls_server_config.cert_file: cannot read " +
                folder_.string() + "/a�b: No such file or directory");
  EXPECT_EQ(ErrorOf("basic_auth_users: {\"a\\x7f\": b}"),
            "line 1: basic_auth_users.a�: a user name must not contain control "
            "characters");
}

TEST_F(WebConfigTest, ErrorIsShorterThan1000Bytes) {
  const std::string value(100'000, 'a');
  EXPECT_LT(ErrorOf("tls_server_config: {min_version: " + value + "}").size(),
            1000U);
}

TEST_F(WebConfigTest, ErrorBeginsWithTheFile) {
  const auto path = folder_ / "web.yml";
  Write("web.yml", "tls_server_config: {cert_file: cert.pem, key: b}\n");
  ConfigFileReader files;
  EXPECT_EQ(ReadWebConfig(path, files).tls->cert, "the cert\n");
  const auto error_of = [&](const std::filesystem::path& file) -> std::string {
    try {
      ReadWebConfig(file, files);
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
