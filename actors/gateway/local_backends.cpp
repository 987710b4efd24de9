#include "actors/gateway/local_backends.hpp"

#include <utility>

#include "actors/gateway/check_words.hpp"
#include "actors/gateway/node_share.hpp"

namespace shoal::gateway {

std::shared_ptr<local_backends> make_local_backends() { return std::make_shared<local_backends>(); }

bool local_backend::is_alive() const {
  return actor_ && !caf::actor_cast<caf::abstract_actor*>(actor_)->getf(
                       caf::abstract_actor::is_terminated_flag);
}

local_backend::outcome local_backend::call(local_request_ptr x, local_promise::deliver done) const {
  if (!is_alive())
    return outcome::dead;
  if (under_way_->fetch_add(1) >= max_calls_) {
    under_way_->fetch_sub(1);
    return outcome::too_many;
  }
  auto over = [count = under_way_, done = std::move(done)](local_answer&& said) {
    count->fetch_sub(1); // first: who hears the answer may call again
    done(std::move(said));
  };
  caf::anon_send(
      actor_, atom::call::value, local_call{std::move(x), local_promise{std::move(over)}});
  return outcome::handed_over;
}

std::string local_backends::problem_while_locked(const std::string& name) const {
  if (!check::valid_name(name))
    return check::name_rule;
  auto found = by_name_.find(name);
  if (found == by_name_.end())
    return by_name_.size() < max_backends ? "" : "there are too many local backends";
  return found->second->is_alive() ? "the name " + name + " is taken" : "";
}

std::string local_backends::problem_of(const std::string& name) const {
  auto guard = std::lock_guard{mutex_};
  return problem_while_locked(name);
}

std::string local_backends::add(
    const std::string& name, local_backend_actor hdl, std::uint32_t max_calls) {
  if (!hdl || max_calls == 0)
    return "a local backend needs an actor, and room for a call";
  auto made = std::make_shared<const local_backend>(std::move(hdl), max_calls);
  auto guard = std::lock_guard{mutex_};
  auto flaw = problem_while_locked(name);
  if (flaw.empty())
    by_name_.insert_or_assign(name, std::move(made));
  return flaw;
}

void local_backends::remove(const std::string& name) {
  auto guard = std::lock_guard{mutex_};
  by_name_.erase(name);
}

local_backend_ptr local_backends::find(std::string_view name) const {
  auto guard = std::lock_guard{mutex_};
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::pair<std::string, local_backend_ptr>> local_backends::list() const {
  auto guard = std::lock_guard{mutex_};
  return {by_name_.begin(), by_name_.end()};
}

void local_backends::clear() {
  auto gone = decltype(by_name_){}; // destroyed without the lock: handles may be the last ones
  auto guard = std::lock_guard{mutex_};
  gone.swap(by_name_);
}

} // namespace shoal::gateway
