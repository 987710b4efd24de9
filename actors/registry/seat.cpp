#include "actors/registry/seat.hpp"

#include <cstring>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "actors/registry/monotonic.hpp"
#include "actors/registry/registry.hpp"

namespace shoal {

namespace {

/// CAF tells an actor that the time of a request is over also when it has the answer already; then
/// nobody waits for it any more, and nobody was let down. For the thread of the actor.
struct asker : caf::scheduled_actor {
  static bool waits_for(caf::scheduled_actor& x, caf::message_id id) {
    auto& many = x.*(&asker::multiplexed_responses_);
    auto& one = x.*(&asker::awaited_responses_);
    return many.find(id) != many.end() || (!one.empty() && one.front().first == id);
  }
};

std::unique_ptr<char[]> copy_of(std::string_view text) {
  if (text.empty())
    return nullptr;
  auto out = std::make_unique<char[]>(text.size() + 1);
  std::memcpy(out.get(), text.data(), text.size());
  return out;
}

log::worker who_is_at_work() {
  auto* x = seat::at_work();
  if (x == nullptr)
    return {};
  std::string_view kind = x->kind();
  return {kind.empty() ? x->actor().name() : kind, x->actor().id()};
}

[[maybe_unused]] const bool log_knows_whom_to_ask = (log::ask_who(who_is_at_work), true);

} // namespace

seat::seat(actor_registry* in, const seat_facts& facts) : in_{in}, parent_{facts.parent} {
  if (in_ != nullptr)
    label_ = copy_of(facts.label);
}

void seat::enter(const char* as_kind) {
  if (in_ != nullptr)
    in_->enter(*this, actor().id(), as_kind != nullptr ? as_kind : actor().name());
}

const char* seat::kind() const { return in_ == nullptr ? "" : in_->kind_of(kind_); }

void seat::leave(const caf::error& why) {
  if (seated_)
    in_->leave(*this, why);
}

void seat::label(caf::scheduled_actor* self, std::string_view text) {
  if (auto* x = dynamic_cast<seat*>(self); x != nullptr && x->seated_)
    x->in_->relabel(*x, text);
}

std::uint64_t seat::begin_unusual(const caf::mailbox_element& x, std::uint64_t n) {
  auto now = monotonic_ns();
  if (n % timed_one_in == 0)
    in_->check_watch(now);
  if (in_->traced())
    in_->trace().begun(x, actor(), now);
  return now;
}

void seat::end_unusual(const caf::mailbox_element& x, std::uint64_t began_ns) {
  auto now = monotonic_ns();
  if (handled() % timed_one_in == 0)
    busy_ns_.store(busy_ns_.load(std::memory_order_relaxed) + timed_one_in * (now - began_ns),
        std::memory_order_relaxed);
  if (in_->traced())
    in_->trace().ended(x, actor(), now);
}

/// Once per request, and only if its time was over before the answer came.
void seat::count_timeout(const caf::mailbox_element& x) {
  if (x.content().type_token() == caf::make_type_token<caf::error>() &&
      x.content().get_as<caf::error>(0) == caf::sec::request_timeout &&
      asker::waits_for(actor(), x.mid))
    timeouts_.store(timeouts_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

} // namespace shoal
