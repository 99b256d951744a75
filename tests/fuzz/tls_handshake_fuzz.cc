// TLS handshakes with a server that verifies client certificates. The first
// byte of the input selects a version and what the other bytes are: all that
// the client sends, or changes of what a real client sends.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/http_config/tls_context.h"
#include "tests/fuzz/require.h"
#include "tests/support/test_certificates.h"

namespace {

using jemalloc_exporter::Require;
using jemalloc_exporter::SslPtr;
using jemalloc_exporter::TestCertificate;
using jemalloc_exporter::TlsServerContext;

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextFree>;

// The keys are made once a process.
struct Fixture {
  Fixture()
      : authority(
            {.name = "ca", .usage = "", .sans = "", .is_authority = true}),
        server({}, &authority),
        client({.usage = "clientAuth",
                .sans = "DNS:a,IP:10.0.0.1,IP:::1,email:a@b,URI:spiffe://x/y"},
               &authority),
        context(Config()),
        client_context(SSL_CTX_new(TLS_client_method())) {
    BIO* bio = BIO_new(BIO_s_mem());
    const std::string pem = client.cert() + client.key();
    BIO_write(bio, pem.data(), static_cast<int>(pem.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    Require(SSL_CTX_use_certificate(client_context.get(), certificate) == 1);
    Require(SSL_CTX_use_PrivateKey(client_context.get(), key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(bio);
  }

  jemalloc_exporter::TlsConfig Config() const {
    jemalloc_exporter::TlsConfig config;
    config.cert = server.cert();
    config.key = server.key();
    config.client_ca = authority.cert();
    config.client_auth = jemalloc_exporter::ClientAuth::kRequireAndVerify;
    config.client_allowed_sans = {"spiffe://x/y"};
    return config;
  }

  TestCertificate authority;
  TestCertificate server;
  TestCertificate client;
  TlsServerContext context;
  ContextPtr client_context;
};

// An end of a connection in memory.
SslPtr WithMemory(SslPtr session) {
  Require(session != nullptr);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  // Nothing to read is no end of file.
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(session.get(), in, out);
  return session;
}

std::string Sent(const SslPtr& session) {
  BIO* const out = SSL_get_wbio(session.get());
  std::string bytes(BIO_ctrl_pending(out), '\0');
  if (!bytes.empty())
    BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

void Receive(const SslPtr& session, std::string_view bytes) {
  if (bytes.empty()) return;
  BIO_write(SSL_get_rbio(session.get()), bytes.data(),
            static_cast<int>(bytes.size()));
}

// Returns whether the server has finished; after that it reads data.
bool Advance(const SslPtr& session) {
  ERR_clear_error();
  if (SSL_do_handshake(session.get()) != 1) return false;
  char data[256];
  while (SSL_read(session.get(), data, sizeof(data)) > 0) {
  }
  return true;
}

// Three bytes each: a position, of 16 bits, and what is added there.
void Change(std::string& flight, std::string_view& changes) {
  constexpr std::size_t kChange = 3;
  if (changes.size() < kChange || flight.empty()) return;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint8_t>(changes[i]);
  };
  const std::size_t index = (byte(0) * 256U + byte(1)) % flight.size();
  flight[index] = static_cast<char>(flight[index] + changes[2]);
  changes.remove_prefix(kChange);
}

void SendRaw(const Fixture& fixture, std::string_view bytes) {
  const SslPtr server = WithMemory(fixture.context.NewSession());
  Receive(server, bytes);
  // To make up a Finished takes the keys.
  Require(!Advance(server));
}

void SendChanged(const Fixture& fixture, int version,
                 std::string_view changes) {
  SSL_CTX_set_max_proto_version(fixture.client_context.get(), version);
  const SslPtr client =
      WithMemory(SslPtr(SSL_new(fixture.client_context.get())));
  SSL_set_connect_state(client.get());
  const SslPtr server = WithMemory(fixture.context.NewSession());
  const bool unchanged = changes.empty();
  bool finished = false;
  constexpr int kMaxFlights = 6;
  for (int i = 0; i < kMaxFlights && !finished; ++i) {
    SSL_do_handshake(client.get());
    std::string flight = Sent(client);
    Change(flight, changes);
    Receive(server, flight);
    finished = Advance(server);
    Receive(client, Sent(server));
  }
  Require(finished || !unchanged);
  // No change makes the server accept a client without its certificate.
  Require(!finished || (SSL_get0_peer_certificate(server.get()) != nullptr &&
                        SSL_get_verify_result(server.get()) == X509_V_OK));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static const Fixture fixture;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1),
                               size - 1);
  switch (data[0] % 3) {
    case 0:
      SendRaw(fixture, bytes);
      break;
    case 1:
      SendChanged(fixture, TLS1_2_VERSION, bytes);
      break;
    default:
      SendChanged(fixture, TLS1_3_VERSION, bytes);
      break;
  }
  ERR_clear_error();
  return 0;
}
