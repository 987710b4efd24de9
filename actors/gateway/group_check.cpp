// What cannot work in a group of backends.
#include "actors/gateway/check_words.hpp"
#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

using namespace check;

namespace {

constexpr auto npos = std::string::npos;

void check_group(const api_group& x) {
  must(valid_name(x.name), name_rule);
  text("description", x.description);
  range<std::uint32_t>("timeout_ms", x.timeout_ms, 0, max_timeout_ms);
  range<std::uint32_t>("max_connections", x.max_connections, 1, 10'000);
  range<std::uint32_t>("max_waiting", x.max_waiting, 0, 100'000);
  must(x.host.empty() || valid_host(x.host) || valid_address(x.host), "host is no host name");
  must(x.path_prefix.empty() || problem_of_rest_path(x.path_prefix).empty(),
      "path_prefix must start with '/' and be a path");
  must(x.path_prefix.empty() || x.path_prefix.back() != '/', "path_prefix must not end with '/'");
  must(x.kind != backend_kind::grpc || x.protocol == backend_protocol::h2,
      "kind \"grpc\" needs protocol \"h2\"");
  if (x.kind == backend_kind::local) {
    must(x.discovery.source.empty() || valid_name(x.discovery.source),
        "discovery.source must be the name of a local backend");
    must(!x.tls.enabled && x.signing.kind == signing_kind::none,
        "kind \"local\" has neither tls nor signing: nothing leaves the node");
    return;
  }
  auto& from = x.discovery;
  text("discovery.source", from.source);
  range<std::uint32_t>("discovery.refresh_s", from.refresh_s, 1, 3'600);
  must(from.kind != discovery_kind::fixed || !x.upstreams.empty(),
      "upstreams must not be empty with discovery \"fixed\"");
  must(from.kind == discovery_kind::fixed || !from.source.empty(),
      "discovery.source must say where to look");
  must(from.kind != discovery_kind::etcd || from.source.find_first_not_of('/') != npos,
      "discovery.source must not be all keys with kind \"etcd\"");
  must(from.kind != discovery_kind::dns || valid_address(from.source),
      "discovery.source must be host:port with kind \"dns\"");
  must(x.upstreams.size() <= 256, "upstreams are at most 256");
  for (auto& u : x.upstreams) {
    must(valid_address(u.address),
        "upstreams: \"" + u.address.substr(0, 64) + "\" must be host:port");
    range<std::uint32_t>("upstreams: weight", u.weight, 0, 1'000);
    must(u.tags.size() <= 16, "upstreams: at most 16 tags");
  }
  auto& h = x.health;
  must(h.path.empty() || h.path.front() == '/', "health.path must start with '/'");
  text("health.path", h.path);
  range<std::uint32_t>("health.interval_ms", h.interval_ms, 100, 3'600'000);
  range<std::uint32_t>("health.timeout_ms", h.timeout_ms, 10, 60'000);
  range<std::uint32_t>("health.healthy_after", h.healthy_after, 1, 100);
  range<std::uint32_t>("health.unhealthy_after", h.unhealthy_after, 1, 100);
  range<std::uint32_t>("health.eject_after", h.eject_after, 0, 10'000);
  range<std::uint32_t>("health.eject_ms", h.eject_ms, 100, 300'000);
  range<std::uint32_t>("health.eject_max_percent", h.eject_max_percent, 0, 100);
  range<std::uint32_t>("retry.attempts", x.retry.attempts, 0, 5);
  range<std::uint32_t>("retry.budget_percent", x.retry.budget_percent, 0, 100);
  text("tls.ca_pem", x.tls.ca_pem, max_pem);
  must(x.tls.server_name.empty() || valid_host(x.tls.server_name),
      "tls.server_name is no host name");
  text("tls.certificate_pem", x.tls.certificate_pem, max_pem);
  text("tls.key_pem", x.tls.key_pem, max_pem);
  auto live = make_live(x);
  must(live->security_flaw.empty(), "tls: " + live->security_flaw);
  text("signing.key", x.signing.key, max_pem);
  text("signing.key_id", x.signing.key_id, 128);
  must(x.signing.kind == signing_kind::none || !x.signing.key_id.empty(),
      "signing.key_id must not be empty");
  must(x.signing.kind == signing_kind::none || live->signer.has_value(),
      "signing.key does not fit signing.kind: a salt for md5 and sm3, a private PEM for rsa and "
      "sm2");
}

} // namespace

std::string problem_of(const api_group& x) { return first_problem(check_group, x); }

} // namespace shoal::gateway
