// The inside of the API actor: what it holds, and what it does with a request. One file per area:
// api_actor.cpp (the way in, clocks), api_appends.cpp (sync), api_settings.cpp (apps, keys, bizs),
// api_gateway.cpp, api_gateway_apis.cpp and api_gateway_copy.cpp (definitions of the gateway),
// api_reads.cpp (streams, devices, audit).
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <set>
#include <unordered_map>

#include "actors/api/query.hpp"
#include "actors/api/refusal.hpp"
#include "actors/api/router.hpp"
#include "actors/gateway/change.hpp"
#include "actors/services.hpp"

namespace shoal::api {

/// One request on its way through the actor, with all that was found out about it.
struct exchange {
  http::request request;
  http::responder respond;
  std::int64_t arrived_us = 0; ///< steady_us
  route_match to;
  query asked;       ///< what came behind '?'
  catalog_ptr known; ///< the catalog as it was when the request came
  key_ptr key;
  app_ptr app;

  const std::string& param(std::size_t i) const { return to.params[i]; }
};
using exchange_ptr = std::shared_ptr<exchange>;

constexpr std::size_t max_calls = 4'096;     ///< appends in flight per actor; more: overloaded
constexpr std::size_t max_items = 200'000;   ///< and their items; one call always fits
constexpr std::size_t max_questions = 1'024; ///< reads and changes in flight per actor
constexpr auto tick_every = std::chrono::milliseconds{100};

struct api_state {
  static inline const char* name = "api";
  using time_point = caf::actor_clock::time_point;

  explicit api_state(api_actor::pointer me) : self{me} {}

  // -- the way in -----------------------------------------------------------------------------
  void serve(api_call& call);
  bool admit(exchange& x); ///< false: answered already
  void identify(exchange& x) const;
  void measure(exchange& x) const;
  void dispatch(const exchange_ptr& x);
  void tick();
  void refuse(const http::responder& respond, ec code, std::string_view detail) const;
  void answer(const exchange& x, int status, std::string body) const;
  /// Runs `work`; what it throws becomes the answer.
  void guard(const exchange& x, const std::function<void()>& work) const;

  // -- appends --------------------------------------------------------------------------------
  struct slot {
    append_result result;
    std::string detail;
    bool answered = false;
    bool global = false;
  };
  struct append_wait {
    http::responder respond;
    bool single = false;
    std::vector<slot> slots;
    std::size_t open = 0;
    app_no app{};
    /// With other nodes: the items, by index, until the call is answered. Those whose partition was
    /// moving are sent once more, so that a hand-over is a delay and no error.
    std::vector<append_item> kept;
    std::vector<std::uint32_t> again; ///< indices of items to be sent once more
  };
  void sync(exchange& x);
  void sync_batch(exchange& x);
  void submit(const exchange& x, append_wait wait, std::vector<append_item> items);
  void hand_in(std::uint64_t call, append_wait& wait, std::vector<append_item> items);
  void appended(const append_answer& x);
  void try_again();
  void settle(slot& where, const append_result& result) const;
  void finish(append_wait& wait) const;
  void overdue(time_point now);

  // -- settings -------------------------------------------------------------------------------
  using changed = std::function<void(const change_result&)>;
  void change(const exchange_ptr& x, catalog_change what, changed done);
  void nodes(const exchange_ptr& x);
  void node_state(const exchange_ptr& x);
  void create_app(const exchange_ptr& x);
  void add_first_keys(const exchange_ptr& x, const app_ptr& app);
  void list_apps(const exchange_ptr& x);
  void set_users_auth(const exchange_ptr& x);
  void create_key(const exchange_ptr& x);
  void change_key(const exchange_ptr& x);
  void delete_key(const exchange_ptr& x);
  void list_keys(const exchange_ptr& x);
  void put_biz(const exchange_ptr& x);
  void patch_biz(const exchange_ptr& x);
  void switch_biz(const exchange_ptr& x, bool online);
  void store_biz(const exchange_ptr& x, biz_config biz);
  void show_biz(const exchange_ptr& x);
  void list_bizs(const exchange_ptr& x);

  // -- the gateway's definitions --------------------------------------------------------------
  using gateway_changed = std::function<void(const gateway::change_outcome&)>;
  /// `note`: for the audit, behind the request's line.
  void change_gateway(const exchange_ptr& x, std::vector<gateway::edit> edits, gateway_changed done,
      const std::string& note = {});
  void gateway_settings(const exchange_ptr& x);
  void gateway_groups(const exchange_ptr& x);
  void list_services(const exchange_ptr& x);
  void hear_instance(const exchange_ptr& x);
  void gateway_rules(const exchange_ptr& x);
  void gateway_protos(const exchange_ptr& x);
  void gateway_apis(const exchange_ptr& x);
  void list_gateway_apis(const exchange_ptr& x);
  void switch_gateway_api(const exchange_ptr& x, bool online);
  void with_versions(const exchange_ptr& x, const std::string& operation,
      std::function<void(const std::vector<gateway::api_version>&)> done);
  void gateway_versions(const exchange_ptr& x);
  void gateway_diff(const exchange_ptr& x);
  void roll_back_gateway_api(const exchange_ptr& x);
  void gateway_example(const exchange_ptr& x);
  void gateway_test_call(const exchange_ptr& x);
  void export_gateway(const exchange_ptr& x);
  void import_gateway(const exchange_ptr& x);
  void copy_gateway(const exchange_ptr& x);
  app_ptr source_of_copy(const exchange& x, const std::string& app, const std::string& proof) const;
  /// Puts them and tells what came of it; a dry run tells what would.
  void put_definitions(const exchange_ptr& x, const gateway::world_ptr& before,
      std::vector<gateway::edit> edits, bool dry, const std::string& note = {});
  /// Stores one definition and answers with it, as stored.
  template <class T>
  void store_definition(const exchange_ptr& x, T what, gateway::edit::expect before,
      std::uint32_t version, const T* old);
  void remove_definition(
      const exchange_ptr& x, gateway::entry_kind kind, std::string what, std::uint32_t version = 0);

  // -- reads ----------------------------------------------------------------------------------
  void stream(const exchange_ptr& x);
  void stream_ops(const exchange_ptr& x);
  void stream_cursors(const exchange_ptr& x);
  void stream_why(const exchange_ptr& x);
  void device(const exchange_ptr& x);
  void kick_device(const exchange_ptr& x);
  void user(const exchange_ptr& x);
  void online(const exchange_ptr& x);
  void audit(const exchange_ptr& x);

  /// Asks another actor; `done` hears the answer, the caller a problem if there is none in time.
  template <class Answer, class Handle, class... Ts>
  void ask(const exchange_ptr& x, ec silence, const Handle& whom,
      std::function<void(const Answer&)> done, Ts&&... message) {
    if (!whom)
      throw refusal{ec::going_away, ""};
    if (questions >= max_questions)
      throw refusal{ec::overloaded, ""};
    ++questions;
    self->request(whom, sv->limit.call_timeout + std::chrono::milliseconds{500},
            std::forward<Ts>(message)...)
        .then(
            [this, x, done = std::move(done)](const Answer& answer) {
              --questions;
              guard(*x, [&] { done(answer); });
            },
            [this, x, silence](caf::error&) {
              --questions;
              ++sv->count->api_timeouts;
              refuse(x->respond, silence,
                  silence == ec::storage_failed ? "the store did not answer in time" : "");
            });
  }

  api_actor::pointer self;
  services_ptr sv;
  std::unordered_map<std::uint64_t, append_wait> calls;
  std::set<std::uint64_t> moving; ///< calls with items to be sent once more
  std::deque<std::pair<time_point, std::uint64_t>> deadlines; ///< of calls, oldest first
  std::uint64_t last_call = 0;
  std::size_t items = 0;     ///< of calls in flight
  std::size_t questions = 0; ///< in flight
  bool ticking = false;
};

} // namespace shoal::api
