// A copy of definitions from one app or workspace into another: one call, signed by a key of each.
#include "actors/api/api_gateway.hpp"
#include "actors/api/request_auth.hpp"
#include "actors/gateway/copy.hpp"

namespace shoal::api {

namespace {

struct copy_order {
  std::string from;
  std::string proof; ///< what a caller who may export `from` can say
  gateway::copy_request what;
};

copy_order read_order(const exchange& x) {
  auto body = parse_body(x.request.body);
  auto reader = json_reader{body};
  auto out = copy_order{};
  reader.require(reader.text("from", out.from, 256), "from");
  reader.require(reader.text("from_authorization", out.proof, 1'024), "from_authorization");
  reader.texts("operations", out.what.operations, gateway::max_edits, 256);
  reader.boolean("groups", out.what.groups);
  reader.finish();
  return out;
}

} // namespace

// A key belongs to one app. So the caller also signs the export of the source, with a key that may
// read there, and hands that signature in instead of sending the request: it is checked, and used
// up, as if he had.
app_ptr api_state::source_of_copy(
    const exchange& x, const std::string& app, const std::string& proof) const {
  auto asked = http::request{};
  asked.method = "GET";
  asked.path = "/v1/apps/" + app + "/gateway/export";
  asked.headers = {{"Authorization", proof}};
  auto* to = match_route(asked.method, asked.path).found;
  auto signer = to && to->id == route_id::gw_export
                    ? authenticate(*x.known, asked, sv->now_ms(), *sv->request_nonces)
                    : api::signer{ec::invalid_argument, nullptr};
  if (signer.code != ec::none)
    throw refusal{signer.code, "from_authorization: must sign GET " + asked.path.substr(0, 300)};
  auto allowed = authorize(*x.known, *signer.key, *to, app);
  if (allowed.code != ec::none)
    throw refusal{allowed.code, "from: no such app, or the key may not read there"};
  return allowed.app;
}

void api_state::copy_gateway(const exchange_ptr& x) {
  auto dry = x->asked.text("dry_run") == "true";
  auto order = read_order(*x);
  auto source = source_of_copy(*x, order.from, order.proof);
  if (source->no == x->app->no)
    throw refusal{ec::invalid_argument, "from: is this app itself"};
  auto from = sv->gateway->load()->find(source->no);
  if (!from)
    throw refusal{ec::not_found, "from: has no gateway"};
  auto into = world_of(*sv, *x);
  auto edits = std::vector<gateway::edit>{};
  try {
    edits = gateway::edits_of(gateway::copied(*from, *into, order.what), into.get());
  } catch (const gateway::bad_field& why) {
    throw refusal{ec::invalid_argument, why.path + ": " + why.sentence};
  }
  put_definitions(x, into, std::move(edits), dry, " from " + source->id);
}

} // namespace shoal::api
