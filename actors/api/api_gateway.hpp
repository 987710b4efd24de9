// What the calls about the gateway's definitions share. For api_gateway*.cpp only.
#pragma once

#include <nlohmann/json.hpp>

#include "actors/api/api_state.hpp"
#include "actors/api/json_reader.hpp"
#include "actors/api/query.hpp"
#include "actors/gateway/bundle.hpp"

namespace shoal::api {

/// What is defined for the app of the call, at the moment it is asked. Never null.
inline gateway::world_ptr world_of(const services& sv, const exchange& x) {
  auto found = sv.gateway->load()->find(x.app->no);
  return found ? found : std::make_shared<const gateway::world>(x.app->no, x.app->id);
}

/// Bodies hold models, which are deeper than other bodies.
inline nlohmann::json parse_definition(const exchange& x) { return parse_body(x.request.body, 32); }

/// The fields of the body on top of `out`; a name in it must be that of the path.
template <class T>
void read_definition(
    const nlohmann::json& body, T& out, std::string T::*name, const std::string& path) {
  try {
    gateway::read(body, gateway::reading::asked, out);
  } catch (const gateway::bad_field& why) {
    throw refusal{ec::invalid_argument, why.path + ": " + why.sentence};
  }
  if (!(out.*name).empty() && out.*name != path)
    throw refusal{ec::invalid_argument, "the name in the body is not that of the path"};
  out.*name = path;
}

inline std::string text(const nlohmann::json& x) {
  return x.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class T>
void api_state::store_definition(const exchange_ptr& x, T what, gateway::edit::expect before,
    std::uint32_t version, const T* old) {
  auto unchanged = old ? std::optional<T>{*old} : std::nullopt;
  auto edit = gateway::put(std::move(what));
  edit.before = before;
  edit.version = version;
  change_gateway(x, {std::move(edit)}, [this, x, unchanged](const gateway::change_outcome& done) {
    auto stored = unchanged;
    for (auto& row : done.rows.rows())
      if (auto now = gateway::entry{}; gateway::read_row(row.key, row.value, now))
        if (auto definition = gateway::definition_in<T>(now))
          stored = *definition;
    if (!stored)
      throw refusal{ec::session_lost, "the change was stored, but not shown; ask for it"};
    answer(*x, unchanged ? 200 : 201, text(to_json(*stored, gateway::shown::full)));
  });
}

} // namespace shoal::api
