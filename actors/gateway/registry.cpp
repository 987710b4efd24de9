#include "actors/gateway/registry.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

#include "protocol/signing.hpp"
#include "protocol/tls/client_context.hpp"

namespace shoal::gateway {

namespace {

const api_ptr no_api;
const group_ptr no_group;
const authorizer_ptr no_authorizer;
const proto_ptr no_proto;
const world_ptr no_world;

template <class T>
const T& value_or(const persistent_map<T>& map, std::string_view key, const T& otherwise) {
  auto found = map.find(key);
  return found ? *found : otherwise;
}

std::string key_of(app_no no) { return std::to_string(raw(no)); }

} // namespace

// -- prepared parts ------------------------------------------------------------------------------

settings_ptr make_live(app_settings x) {
  auto out = std::make_shared<live_settings>();
  out->keys.set(x.secret, x.rsa_public_pem);
  for (auto& key : x.decryption_keys)
    out->decryption.add(static_cast<std::uint8_t>(key.number), key.private_pem);
  out->rules.window_ms = static_cast<std::int64_t>(x.timestamp_window_ms);
  out->rules.needs_nonce = x.need_nonce;
  out->rules.allowed = 0;
  for (auto type : x.sign_types)
    out->rules.allowed |= 1u << static_cast<unsigned>(type);
  out->set = std::move(x);
  return out;
}

namespace {

void secure(live_group& into, const api_group& x) {
  auto how = tls::client_tls_options{};
  how.verify = x.tls.verify;
  how.ca_pem = x.tls.ca_pem;
  how.certificate_pem = x.tls.certificate_pem;
  how.key_pem = x.tls.key_pem;
  if (x.protocol == backend_protocol::h2)
    how.speaks = tls::application::http_2;
  try {
    into.security = tls::make_client_context(how);
  } catch (const std::runtime_error& flaw) {
    into.security_flaw = flaw.what();
  }
}

} // namespace

group_ptr make_live(api_group x) {
  auto out = std::make_shared<live_group>();
  if (x.signing.kind != signing_kind::none) {
    auto how = static_cast<mgw::backend_algorithm>(static_cast<int>(x.signing.kind) - 1);
    out->signer = mgw::backend_signer::make(how, x.signing.key_id, x.signing.key);
  }
  if (x.tls.enabled)
    secure(*out, x);
  out->set = std::move(x);
  return out;
}

proto_ptr make_live(proto_definition x) {
  auto out = std::make_shared<live_proto>();
  auto made = mgw::message_schema::made{};
  if (x.descriptors.empty()) {
    made = mgw::message_schema::from_files(x.files);
  } else {
    auto bytes = std::string{};
    if (unbase64(x.descriptors, bytes))
      made = mgw::message_schema::from_descriptors(bytes);
  }
  if (auto types = std::get_if<std::shared_ptr<const mgw::message_schema>>(&made))
    out->types = *types;
  out->set = std::move(x);
  return out;
}

// -- a world -------------------------------------------------------------------------------------

const settings_ptr& world::default_settings() {
  static const auto defaults = make_live(app_settings{});
  return defaults;
}

const api_ptr& world::api(std::string_view operation) const {
  return value_or(apis_, operation, no_api);
}

const group_ptr& world::group(std::string_view name) const {
  return value_or(groups_, name, no_group);
}

const authorizer_ptr& world::authorizer(std::string_view name) const {
  return value_or(authorizers_, name, no_authorizer);
}

const proto_ptr& world::proto(std::string_view name) const {
  return value_or(protos_, name, no_proto);
}

// -- lookups -------------------------------------------------------------------------------------

const world_ptr& registry::find(std::string_view app, std::string_view workspace) const {
  if (workspace.empty() || workspace == "default")
    return value_or(by_id_, app, no_world);
  auto id = std::array<char, 64>{}; // app ids are at most 48 bytes: no memory for a lookup
  if (app.size() + workspace.size() + 1 > id.size())
    return no_world;
  std::memcpy(id.data(), app.data(), app.size());
  id[app.size()] = '@';
  std::memcpy(id.data() + app.size() + 1, workspace.data(), workspace.size());
  return value_or(by_id_, {id.data(), app.size() + 1 + workspace.size()}, no_world);
}

const world_ptr& registry::find_host(std::string_view host) const {
  return value_or(by_host_, host, no_world);
}

const world_ptr& registry::find(app_no no) const { return value_or(by_no_, key_of(no), no_world); }

registry::found registry::find(
    std::string_view app, std::string_view workspace, std::string_view operation) const {
  auto& in = find(app, workspace);
  return in ? found{in, in->api(operation)} : found{};
}

// -- changes -------------------------------------------------------------------------------------

std::shared_ptr<world> registry::copy_of(const world_name& in) const {
  auto& old = find(in.no);
  return old ? std::make_shared<world>(*old) : std::make_shared<world>(in.no, in.app);
}

registry registry::replaced(std::shared_ptr<const world> x) const {
  auto out = *this;
  auto& old = find(x->no());
  out.apis_ = apis_ + x->apis().size() - (old ? old->apis().size() : 0);
  out.by_id_ = by_id_.with(x->app(), x);
  out.by_no_ = by_no_.with(key_of(x->no()), x);
  if (old)
    for (auto& host : old->settings().set.hosts)
      out.by_host_ = out.by_host_.without(host);
  for (auto& host : x->settings().set.hosts)
    out.by_host_ = out.by_host_.with(host, x);
  return out;
}

registry registry::with(const world_name& in, settings_ptr x) const {
  auto out = copy_of(in);
  out->settings_ = std::move(x);
  return replaced(std::move(out));
}

registry registry::with(const world_name& in, group_ptr x) const {
  auto out = copy_of(in);
  out->groups_ = out->groups_.with(x->set.name, x);
  return replaced(std::move(out));
}

registry registry::with(const world_name& in, api_ptr x) const {
  auto out = copy_of(in);
  if (auto& old = out->api(x->operation))
    out->rest_ = out->rest_.without(*old);
  out->rest_ = out->rest_.with(x);
  out->apis_ = out->apis_.with(x->operation, x);
  return replaced(std::move(out));
}

registry registry::with(const world_name& in, authorizer_ptr x) const {
  auto out = copy_of(in);
  out->authorizers_ = out->authorizers_.with(x->name, x);
  return replaced(std::move(out));
}

registry registry::with(const world_name& in, proto_ptr x) const {
  auto out = copy_of(in);
  out->protos_ = out->protos_.with(x->set.name, x);
  return replaced(std::move(out));
}

registry registry::without(app_no in, entry_kind kind, std::string_view name) const {
  auto& old = find(in);
  if (!old)
    return *this;
  auto out = std::make_shared<world>(*old);
  switch (kind) {
  case entry_kind::settings:
    out->settings_ = world::default_settings();
    break;
  case entry_kind::group:
    out->groups_ = out->groups_.without(name);
    break;
  case entry_kind::api:
    if (auto& api = old->api(name))
      out->rest_ = out->rest_.without(*api);
    out->apis_ = out->apis_.without(name);
    break;
  case entry_kind::authorizer:
    out->authorizers_ = out->authorizers_.without(name);
    break;
  case entry_kind::proto:
    out->protos_ = out->protos_.without(name);
    break;
  }
  return replaced(std::move(out));
}

registry registry::at(std::uint64_t revision, std::uint64_t next_id) const {
  auto out = *this;
  out.revision_ = revision;
  out.next_id_ = next_id;
  return out;
}

} // namespace shoal::gateway
