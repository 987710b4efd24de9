// The one list of each definition's fields, with their names in JSON: what is stored, shown, read,
// compared and documented goes through it. `fields(x, v)` calls v(name, member) in order; a name
// with `v.secret` is never shown.
#pragma once

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

template <class X, class V>
concept definition_of = std::is_same_v<std::remove_const_t<X>, V>;

template <definition_of<upstream> X, class V>
void fields(X& x, V& v) {
  v("address", x.address), v("weight", x.weight), v("tags", x.tags);
}

template <definition_of<discovery_rule> X, class V>
void fields(X& x, V& v) {
  v("kind", x.kind), v("source", x.source), v("refresh_s", x.refresh_s);
}

template <definition_of<health_rule> X, class V>
void fields(X& x, V& v) {
  v("path", x.path), v("interval_ms", x.interval_ms), v("timeout_ms", x.timeout_ms);
  v("healthy_after", x.healthy_after), v("unhealthy_after", x.unhealthy_after);
  v("eject_after", x.eject_after), v("eject_ms", x.eject_ms);
  v("eject_max_percent", x.eject_max_percent);
}

template <definition_of<retry_rule> X, class V>
void fields(X& x, V& v) {
  v("attempts", x.attempts), v("budget_percent", x.budget_percent);
}

template <definition_of<tls_rule> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("verify", x.verify), v("ca_pem", x.ca_pem);
  v("server_name", x.server_name), v("certificate_pem", x.certificate_pem);
  v.secret("key_pem", x.key_pem);
}

template <definition_of<signing_rule> X, class V>
void fields(X& x, V& v) {
  v("kind", x.kind), v("key_id", x.key_id), v.secret("key", x.key);
}

template <definition_of<api_group> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("description", x.description), v("kind", x.kind);
  v("protocol", x.protocol), v("discovery", x.discovery), v("upstreams", x.upstreams);
  v("balancing", x.balancing), v("host", x.host), v("path_prefix", x.path_prefix);
  v("timeout_ms", x.timeout_ms), v("max_connections", x.max_connections);
  v("max_waiting", x.max_waiting), v("tls", x.tls), v("signing", x.signing);
  v("health", x.health), v("retry", x.retry), v("draining", x.draining);
  v.given("id", x.id), v.given("revision", x.revision);
  v.given("created_ms", x.created_ms), v.given("updated_ms", x.updated_ms);
}

template <definition_of<limit_rule> X, class V>
void fields(X& x, V& v) {
  v("mode", x.mode), v("by", x.by), v("limit", x.limit), v("interval_ms", x.interval_ms);
  v("burst", x.burst), v("default_response", x.default_response);
  v("i18n_responses", x.i18n_responses);
}

template <definition_of<cache_rule> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("key", x.key), v("ttl_ms", x.ttl_ms), v("stale_ms", x.stale_ms);
  v("max_bytes", x.max_bytes);
}

template <definition_of<mock_rule> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("percentage", x.percentage), v("data", x.data);
}

template <definition_of<breaker_rule> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("model", x.model), v("error_threshold", x.error_threshold);
  v("slow_ms", x.slow_ms), v("slow_ratio_threshold", x.slow_ratio_threshold);
  v("min_calls", x.min_calls), v("window_s", x.window_s), v("open_s", x.open_s);
  v("default_response", x.default_response);
}

template <definition_of<header_rule> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("location", x.location), v("action", x.action), v("value", x.value);
}

template <definition_of<migrate_rule> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("complete", x.complete), v("group", x.group);
  v("flow_percent", x.flow_percent), v("users", x.users), v("devices", x.devices);
  v("regions", x.regions), v("min_version", x.min_version), v("max_version", x.max_version);
  v("tags", x.tags);
}

template <definition_of<api_param> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("type", x.type), v("location", x.location), v("required", x.required);
  v("default_value", x.default_value), v("description", x.description);
}

template <definition_of<body_model> X, class V>
void fields(X& x, V& v) {
  v("schema", x.schema), v("message", x.message), v("proto", x.proto);
}

template <definition_of<backend_call> X, class V>
void fields(X& x, V& v) {
  v("method", x.method), v("path", x.path), v("content_type", x.content_type);
  v("charset", x.charset);
}

template <definition_of<aggregate_step> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("operation", x.operation), v("request", x.request), v("after", x.after);
  v("optional", x.optional), v("otherwise", x.otherwise);
}

template <definition_of<api_definition> X, class V>
void fields(X& x, V& v) {
  v("operation", x.operation), v("name", x.name), v("description", x.description);
  v("kind", x.kind), v("status", x.status), v("group", x.group);
  v("method", x.method), v("path", x.path), v("backend", x.backend);
  v("request", x.request), v("response", x.response), v("params", x.params);
  v("need_sign", x.need_sign), v("need_encrypt", x.need_encrypt), v("need_etag", x.need_etag);
  v("need_jsonp", x.need_jsonp), v("timeout_ms", x.timeout_ms), v("limits", x.limits);
  v("slow_ms", x.slow_ms);
  v("cache", x.cache), v("mock", x.mock), v("breaker", x.breaker), v("headers", x.headers);
  v("migrate", x.migrate), v("auth_rule", x.auth_rule), v("steps", x.steps);
  v("answer", x.answer);
  v.given("id", x.id), v.given("version", x.version), v.given("revision", x.revision);
  v.given("created_ms", x.created_ms), v.given("updated_ms", x.updated_ms);
}

template <definition_of<identity_source> X, class V>
void fields(X& x, V& v) {
  v("location", x.location), v("name", x.name);
}

template <definition_of<authorizer_rule> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("description", x.description), v("operation", x.operation);
  v("sources", x.sources), v("cache", x.cache), v("cache_ttl_s", x.cache_ttl_s);
  v.given("revision", x.revision), v.given("created_ms", x.created_ms);
  v.given("updated_ms", x.updated_ms);
}

template <definition_of<proto_definition> X, class V>
void fields(X& x, V& v) {
  v("name", x.name), v("files", x.files), v("descriptors", x.descriptors);
  v.given("revision", x.revision), v.given("created_ms", x.created_ms);
  v.given("updated_ms", x.updated_ms);
}

template <definition_of<decryption_key> X, class V>
void fields(X& x, V& v) {
  v("number", x.number), v.secret("private_pem", x.private_pem);
}

template <definition_of<cors_rule> X, class V>
void fields(X& x, V& v) {
  v("origins", x.origins), v("methods", x.methods), v("headers", x.headers);
  v("credentials", x.credentials), v("max_age_s", x.max_age_s);
}

template <definition_of<app_settings> X, class V>
void fields(X& x, V& v) {
  v("enabled", x.enabled), v("sign", x.sign), v("encrypt", x.encrypt), v("limit", x.limit);
  v("mock", x.mock), v("timestamp_window_ms", x.timestamp_window_ms);
  v("slow_ms", x.slow_ms);
  v("need_nonce", x.need_nonce), v("sign_types", x.sign_types), v.secret("secret", x.secret);
  v("rsa_public_pem", x.rsa_public_pem), v("decryption_keys", x.decryption_keys);
  v("default_limit", x.default_limit), v("total_limit", x.total_limit), v("cors", x.cors);
  v("hosts", x.hosts), v("tips", x.tips);
  v.given("revision", x.revision), v.given("created_ms", x.created_ms);
  v.given("updated_ms", x.updated_ms);
}

} // namespace shoal::gateway
