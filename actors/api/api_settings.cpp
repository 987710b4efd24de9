#include <nlohmann/json.hpp>

#include "actors/api/api_state.hpp"
#include "actors/api/settings_codec.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"

namespace shoal::api {

using nlohmann::json;
using kind = catalog_change::kind;

namespace {

json with_secret(const key_config& key) {
  return {
      {"id", key.id}, {"secret", key.secret}, {"role", to_string(key.role)}, {"note", key.note}};
}

key_ptr key_of(const exchange& x, const std::string& id) {
  auto key = x.known->key(id);
  if (!key || key->app != x.app->no)
    throw refusal{ec::not_found, "no such key"};
  return key;
}

biz_ptr biz_of(const exchange& x, const std::string& name) {
  auto biz = x.known->biz(x.app->no, name);
  if (!biz)
    throw refusal{ec::unknown_biz, "no such biz"};
  return biz;
}

catalog_change put_key(key_config key, bool create) {
  auto out = catalog_change{};
  out.what = kind::put_key;
  out.key = std::make_shared<const key_config>(std::move(key));
  out.create = create;
  return out;
}

} // namespace

void api_state::change(const exchange_ptr& x, catalog_change what, changed done) {
  what.actor = x->key->id;
  what.note = x->request.method + " " + x->request.path;
  auto heard = [done = std::move(done)](const change_result& result) {
    if (result.code != ec::none)
      throw refusal{result.code, result.text};
    done(result);
  };
  ask<change_result>(x, ec::outcome_unknown, sv->where.catalog_writer(), heard, atom::change::value,
      std::move(what));
}

void api_state::create_app(const exchange_ptr& x) {
  auto what = catalog_change{};
  what.what = kind::put_app;
  what.app = std::make_shared<const app_config>(read_new_app(x->request.body));
  what.create = true;
  change(x, std::move(what),
      [this, x](const change_result& stored) { add_first_keys(x, stored.app); });
}

void api_state::add_first_keys(const exchange_ptr& x, const app_ptr& app) {
  auto admin = new_key(app->no, key_role::admin, "first admin key", sv->now_ms());
  auto device = new_key(app->no, key_role::device, "first device key", sv->now_ms());
  auto answered = [this, x, app, admin, device](const change_result&) {
    auto body = json{{"app", to_json(*app, secrets::hide)}, {"admin_key", with_secret(admin)},
        {"device_key", with_secret(device)}};
    answer(*x, 201, body.dump());
  };
  change(x, put_key(admin, true), [this, x, device, answered](const change_result&) {
    change(x, put_key(device, true), answered);
  });
}

void api_state::list_apps(const exchange_ptr& x) {
  if (x->app)
    return answer(*x, 200, to_json(*x->app, secrets::hide).dump());
  auto list = json::array();
  for (const auto& app : x->known->apps())
    list.push_back(to_json(*app, secrets::hide));
  answer(*x, 200, json{{"apps", std::move(list)}}.dump());
}

void api_state::set_users_auth(const exchange_ptr& x) {
  auto made_secret = false;
  auto app = *x->app;
  app.users = read_users_auth(x->request.body, app.users, made_secret);
  auto secret = made_secret ? app.users.secret : std::string{};
  auto what = catalog_change{};
  what.what = kind::put_app;
  what.app = std::make_shared<const app_config>(std::move(app));
  change(x, std::move(what), [this, x, secret](const change_result& stored) {
    auto body = to_json(stored.app->users, secrets::hide);
    if (!secret.empty())
      body["secret"] = secret;
    answer(*x, 200, body.dump());
  });
}

void api_state::create_key(const exchange_ptr& x) {
  auto asked = read_new_key(x->request.body);
  auto key = new_key(x->app->no, asked.role, asked.note, sv->now_ms());
  change(x, put_key(key, true),
      [this, x, key](const change_result&) { answer(*x, 201, with_secret(key).dump()); });
}

void api_state::change_key(const exchange_ptr& x) {
  auto key = *key_of(*x, x->param(1));
  read_key_change(x->request.body, key);
  change(x, put_key(std::move(key), false), [this, x](const change_result& stored) {
    answer(*x, 200, to_json(*stored.key, secrets::hide).dump());
  });
}

void api_state::delete_key(const exchange_ptr& x) {
  auto what = catalog_change{};
  what.what = kind::remove_key;
  what.key = key_of(*x, x->param(1));
  change(x, std::move(what), [this, x](const change_result&) { answer(*x, 204, ""); });
}

void api_state::list_keys(const exchange_ptr& x) {
  auto list = json::array();
  for (const auto& key : x->known->keys(x->app->no))
    list.push_back(to_json(*key, secrets::hide));
  answer(*x, 200, json{{"keys", std::move(list)}}.dump());
}

// Replaces all settings; whether the biz is online is kept unless the body says otherwise.
void api_state::put_biz(const exchange_ptr& x) {
  auto biz = biz_config{};
  biz.app = x->app->no;
  biz.name = x->param(1);
  if (auto old = x->known->biz(x->app->no, biz.name))
    biz.online = old->online;
  read_biz(x->request.body, biz);
  store_biz(x, std::move(biz));
}

void api_state::patch_biz(const exchange_ptr& x) {
  auto biz = *biz_of(*x, x->param(1));
  read_biz(x->request.body, biz);
  store_biz(x, std::move(biz));
}

void api_state::switch_biz(const exchange_ptr& x, bool online) {
  auto biz = *biz_of(*x, x->param(1));
  biz.online = online;
  store_biz(x, std::move(biz));
}

void api_state::store_biz(const exchange_ptr& x, biz_config biz) {
  auto created = !x->known->biz(biz.app, biz.name);
  auto what = catalog_change{};
  what.what = kind::put_biz;
  what.biz = std::make_shared<const biz_config>(std::move(biz));
  change(x, std::move(what), [this, x, created](const change_result& stored) {
    answer(*x, created ? 201 : 200, to_json(*stored.biz).dump());
  });
}

void api_state::show_biz(const exchange_ptr& x) {
  answer(*x, 200, to_json(*biz_of(*x, x->param(1))).dump());
}

void api_state::list_bizs(const exchange_ptr& x) {
  auto list = json::array();
  for (const auto& biz : x->known->bizs(x->app->no))
    list.push_back(to_json(*biz));
  answer(*x, 200, json{{"bizs", std::move(list)}}.dump());
}

} // namespace shoal::api
