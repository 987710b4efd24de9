// APIs of the gateway: one by one, lists, versions, trying them out.
#include <algorithm>

#include "actors/api/api_gateway.hpp"
#include "actors/gateway/api_list.hpp"
#include "actors/gateway/definition_diff.hpp"
#include "actors/gateway/sample_call.hpp"
#include "protocol/percent.hpp"
#include "protocol/signing.hpp"
#include "storage/keys.hpp"

namespace shoal::api {

using gateway::api_definition;
using gateway::api_version;
using nlohmann::json;
using expect = gateway::edit::expect;

namespace {

/// Operations are the only names with '/' in them; in a path it is %2F.
std::string operation_of(const exchange& x) {
  auto out = form_decoded(x.param(1));
  if (!out || out->empty())
    throw refusal{ec::invalid_argument, "the operation in the path is not percent-encoded"};
  return *std::move(out);
}

const gateway::api_ptr& api_in(const gateway::world& in, const std::string& operation) {
  auto& out = in.api(operation);
  if (!out)
    throw refusal{ec::not_found, "no such API"};
  return out;
}

std::uint32_t version_of(const query& q, const char* name, std::uint32_t otherwise = 0) {
  return static_cast<std::uint32_t>(q.number(name, otherwise, UINT32_MAX));
}

template <class T, class Read>
void take_choice(const query& q, const char* name, std::optional<T>& out, Read read) {
  auto& given = q.text(name);
  if (given.empty())
    return;
  out = read(given);
  if (!out)
    throw refusal{ec::invalid_argument,
        std::string{name}.append(": \"").append(given.substr(0, 64)).append("\" is no choice")};
}

std::optional<bool> yes_or_no(const std::string& x) {
  return x == "true" || x == "false" ? std::optional{x == "true"} : std::nullopt;
}

gateway::api_filter filter_of(const query& q) {
  using gateway::api_kind, gateway::api_status;
  auto out = gateway::api_filter{};
  take_choice(q, "status", out.status, [](auto& x) {
    return x == "online"    ? std::optional{api_status::online}
           : x == "offline" ? std::optional{api_status::offline}
                            : std::nullopt;
  });
  take_choice(q, "kind", out.kind, [](auto& x) {
    return x == "proxy"       ? std::optional{api_kind::proxy}
           : x == "aggregate" ? std::optional{api_kind::aggregate}
                              : std::nullopt;
  });
  take_choice(q, "format", out.protobuf, [](auto& x) {
    return x == "protobuf" || x == "json" ? std::optional{x == "protobuf"} : std::nullopt;
  });
  take_choice(q, "need_sign", out.need_sign, yes_or_no);
  take_choice(q, "need_encrypt", out.need_encrypt, yes_or_no);
  take_choice(q, "need_etag", out.need_etag, yes_or_no);
  auto as_text = [](auto& x) { return std::optional{x}; };
  take_choice(q, "group", out.group, as_text);
  take_choice(q, "host", out.host, as_text);
  take_choice(q, "method", out.method, as_text);
  out.operation = q.text("operation");
  out.fuzzy = q.text("q");
  return out;
}

json brief(const api_definition& x) {
  return {{"operation", x.operation}, {"name", x.name}, {"status", to_string(x.status)},
      {"kind", to_string(x.kind)}, {"group", x.group}, {"method", x.method}, {"path", x.path},
      {"need_sign", x.need_sign}, {"need_encrypt", x.need_encrypt}, {"version", x.version},
      {"updated_ms", x.updated_ms}};
}

const api_version& version_in(const std::vector<api_version>& all, std::uint32_t version) {
  for (auto& x : all)
    if (x.version == version)
      return x;
  throw refusal{
      ec::not_found, "there is no version " + std::to_string(version) + "; the newest 50 are kept"};
}

json full(const api_definition& x) { return to_json(x, gateway::shown::full); }

} // namespace

void api_state::gateway_apis(const exchange_ptr& x) {
  auto operation = operation_of(*x);
  auto in = world_of(*sv, *x);
  auto old = in->api(operation).get();
  auto& method = x->request.method;
  if (method == "GET")
    return answer(*x, 200, text(full(*api_in(*in, operation))));
  auto version = version_of(x->asked, "version");
  if (method == "DELETE")
    return remove_definition(x, gateway::entry_kind::api, operation, version);
  auto next = method == "PATCH" ? *api_in(*in, operation) : api_definition{};
  if (old && method == "PUT")
    next.status = old->status; // unless the body says otherwise
  read_definition(parse_definition(*x), next, &api_definition::operation, operation);
  store_definition(
      x, std::move(next), method == "PATCH" ? expect::present : expect::any, version, old);
}

void api_state::list_gateway_apis(const exchange_ptr& x) {
  auto& q = x->asked;
  auto in = world_of(*sv, *x);
  auto page = gateway::list_apis(*in, filter_of(q), q.text("after"), q.limit());
  auto detail = q.text("detail") == "true";
  auto list = json::array();
  for (auto& api : page.apis)
    list.push_back(detail ? full(*api) : brief(*api));
  auto out = json{{"apis", std::move(list)}, {"total", page.total}};
  if (!page.next.empty())
    out["next_after"] = page.next;
  answer(*x, 200, text(out));
}

void api_state::switch_gateway_api(const exchange_ptr& x, bool online) {
  auto in = world_of(*sv, *x);
  auto& old = api_in(*in, operation_of(*x));
  auto next = *old;
  next.status = online ? gateway::api_status::online : gateway::api_status::offline;
  store_definition(x, std::move(next), expect::present, old->version, old.get());
}

// -- versions ------------------------------------------------------------------------------------

void api_state::with_versions(const exchange_ptr& x, const std::string& operation,
    std::function<void(const std::vector<api_version>&)> done) {
  auto prefix = storage::gateway_version_prefix(x->app->no, operation);
  auto found = [done = std::move(done)](const storage::write_batch& rows) {
    auto all = std::vector<api_version>{};
    for (auto& row : rows.rows())
      if (auto version = api_version{}; gateway::read_version_row(row.key, row.value, version))
        all.push_back(std::move(version));
    done(all);
  };
  ask<storage::write_batch>(x, ec::storage_failed, sv->where.reader_for(partition_no{0}), found,
      atom::page::value, prefix, storage::prefix_end(prefix), gateway::kept_versions + 1);
}

void api_state::gateway_versions(const exchange_ptr& x) {
  auto operation = operation_of(*x);
  auto current = api_in(*world_of(*sv, *x), operation)->version;
  with_versions(x, operation, [this, x, current](const std::vector<api_version>& all) {
    auto list = json::array();
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& v = all[i];
      auto line = json{{"version", v.version}, {"time_ms", v.time_ms}, {"by", v.by},
          {"note", v.note}, {"status", to_string(v.api->status)}};
      if (i > 0)
        line["changed"] =
            gateway::changed_fields(gateway::differences(full(*all[i - 1].api), full(*v.api)));
      list.push_back(std::move(line));
    }
    answer(*x, 200, text({{"versions", std::move(list)}, {"current", current}}));
  });
}

void api_state::gateway_diff(const exchange_ptr& x) {
  auto operation = operation_of(*x);
  auto current = api_in(*world_of(*sv, *x), operation)->version;
  auto& q = x->asked;
  auto to = version_of(q, "to", current);
  auto from = version_of(q, "from", to > 1 ? to - 1 : 1);
  with_versions(x, operation, [this, x, from, to](const std::vector<api_version>& all) {
    auto list =
        gateway::differences(full(*version_in(all, from).api), full(*version_in(all, to).api));
    answer(*x, 200, text({{"from", from}, {"to", to}, {"differences", std::move(list)}}));
  });
}

// Whether it is online stays as it is: a version says how an API works, not whether it is open.
void api_state::roll_back_gateway_api(const exchange_ptr& x) {
  auto operation = operation_of(*x);
  auto in = world_of(*sv, *x);
  auto now = api_in(*in, operation);
  auto body = parse_definition(*x);
  auto reader = json_reader{body};
  auto to = now->version > 1 ? now->version - 1 : 0;
  reader.number("version", to, 1, UINT32_MAX);
  reader.finish();
  if (to == 0)
    throw refusal{ec::invalid_argument, "version: there is none before the first"};
  with_versions(x, operation, [this, x, now, to](const std::vector<api_version>& all) {
    auto next = *version_in(all, to).api;
    next.status = now->status;
    store_definition(x, std::move(next), expect::present, now->version, now.get());
  });
}

// -- trying it out -------------------------------------------------------------------------------

void api_state::gateway_example(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto& api = *api_in(*in, operation_of(*x));
  answer(*x, 200, text({{"request_data", gateway::sample_request(*in, api)}}));
}

void api_state::gateway_test_call(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto& api = *api_in(*in, operation_of(*x));
  auto body = parse_definition(*x);
  auto data = gateway::sample_request(*in, api);
  for (auto& [field, value] : body.items()) {
    if (field != "request_data")
      throw refusal{ec::invalid_argument, field.substr(0, 64) + ": is no field here"};
    data = value;
  }
  auto call = gateway::make_test_call(*in, api, text(data), sv->now_ms(), hex(random_bytes(16)));
  auto out = json{{"method", call.method}, {"path", call.path}, {"headers", call.headers},
      {"request_data", data}};
  if (call.sealing) {
    out["body_base64"] = base64(call.body);
    out["encryption"] = {{"wrap", call.sealing->wrap}, {"key", call.sealing->key_number},
        {"public_pem", call.sealing->public_pem}, {"answer_key", base64(call.sealing->answer_key)}};
  } else {
    out["body"] = call.body;
  }
  if (!call.warning.empty())
    out["warning"] = call.warning;
  answer(*x, 200, text(out));
}

} // namespace shoal::api
