#include "actors/registry/registry.hpp"

#include <caf/all.hpp>
#include <cxxabi.h>

#include "actors/clock.hpp"
#include "actors/registry/monotonic.hpp"
#include "actors/type_ids.hpp"

namespace shoal {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

/// "ops feed_ops": the verb, and the types behind it without their namespaces.
std::string words_of(const caf::type_erased_tuple& x) {
  std::string out;
  for (std::size_t i = 0; i < x.size() && i < 4; ++i) {
    if (!out.empty())
      out += ' ';
    auto [number, info] = x.type(i);
    if (number == caf::type_nr<caf::atom_value>::value) {
      out += to_string(x.get_as<caf::atom_value>(i));
    } else if (info != nullptr) {
      auto status = 0;
      std::unique_ptr<char, void (*)(void*)> text{
          abi::__cxa_demangle(info->name(), nullptr, nullptr, &status), std::free};
      auto full = std::string_view{text ? text.get() : info->name()};
      auto from = full.substr(0, full.find('<')).rfind("::");
      out += from == std::string_view::npos ? full : full.substr(from + 2);
    } else {
      out += caf::numbered_type_names[number - 1];
    }
  }
  return out.empty() ? "(empty)" : out;
}

bool asked_for(const caf::error& why) {
  return !why || why == caf::exit_reason::user_shutdown || why == caf::exit_reason::kill;
}

} // namespace

actor_registry::actor_registry() = default;
actor_registry::~actor_registry() = default;

std::uint32_t actor_registry::seconds_of_life() const {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_)
          .count());
}

// -- for actors ----------------------------------------------------------------------------------

std::uint8_t actor_registry::kind_no(const char* name) {
  auto last = static_cast<std::uint8_t>(kinds_.size() - 1);
  for (std::uint8_t i = 0; i < last; ++i) {
    const char* known = nullptr;
    if (kinds_[i].compare_exchange_strong(known, name, std::memory_order_acq_rel) ||
        std::string_view{known} == name)
      return i;
  }
  kinds_[last].store("other", std::memory_order_release);
  return last;
}

void actor_registry::enter(seat& x, caf::actor_id id, const char* kind) {
  x.born_s_ = seconds_of_life();
  x.kind_ = kind_no(kind);
  auto& in = shard_of(id);
  std::lock_guard lock{in.mutex};
  if (in.free.empty()) {
    x.place_ = static_cast<std::uint32_t>(in.places.size());
    in.places.push_back(&x);
  } else {
    x.place_ = in.free.back();
    in.free.pop_back();
    in.places[x.place_] = &x;
  }
  ++in.used;
  x.seated_ = true;
}

void actor_registry::leave(seat& x, const caf::error& why) {
  auto& in = shard_of(x.actor().id());
  {
    std::lock_guard lock{in.mutex};
    in.places[x.place_] = nullptr;
    in.free.push_back(x.place_);
    --in.used;
    x.seated_ = false;
  }
  if (asked_for(why))
    return;
  std::lock_guard lock{records_mutex_};
  death_count_.fetch_add(1, relaxed);
  auto label = std::string{x.label_ ? x.label_.get() : ""};
  auto i = died_.find(std::pair{std::string{x.kind()}, label});
  if (i != died_.end())
    ++i->second;
  else if (died_.size() < max_counted_deaths)
    died_.emplace(std::pair{x.kind(), label}, 1);
  deaths_.push_back({x.actor().id(), x.kind(), std::move(label), to_string(why), x.parent_,
      wall_clock_ms(), x.handled()});
  if (deaths_.size() > max_deaths)
    deaths_.pop_front();
}

void actor_registry::relabel(seat& x, std::string_view text) {
  auto fresh = std::make_unique<char[]>(text.size() + 1);
  std::copy(text.begin(), text.end(), fresh.get());
  std::lock_guard lock{shard_of(x.actor().id()).mutex};
  x.label_.swap(fresh);
}

void actor_registry::undelivered(
    const caf::mailbox_element& x, const char* receiver, const char* why) {
  auto& content = x.content();
  auto key =
      letter_key{content.size() > 0 && content.type_nr(0) == caf::type_nr<caf::atom_value>::value
                     ? content.get_as<caf::atom_value>(0)
                     : caf::atom_value{},
          content.type_token(), receiver, why};
  // What an actor told itself to do later: that it ended before is how such an actor ends.
  if (key.verb == static_cast<caf::atom_value>(atom::tick::value))
    return;
  std::lock_guard lock{records_mutex_};
  auto i = letters_.find(key);
  if (i == letters_.end()) {
    if (letters_.size() >= max_kinds_of_letters)
      return;
    i = letters_.emplace(key, dead_letters{words_of(content), receiver, why, 0, 0}).first;
  }
  ++i->second.count;
  i->second.last_ms = wall_clock_ms();
}

// -- for readers ---------------------------------------------------------------------------------

std::size_t actor_registry::size() const {
  std::size_t out = 0;
  for (auto& x : shards_) {
    std::lock_guard lock{x.mutex};
    out += x.used;
  }
  return out;
}

actor_row actor_registry::row_of(const seat& x) const {
  actor_row out;
  out.id = x.actor().id();
  out.kind = x.kind();
  out.label = x.label_ ? x.label_.get() : "";
  out.parent = x.parent_;
  out.idle = x.actor().mailbox().blocked();
  out.running = x.running_.load(relaxed);
  out.handled = x.handled_.load(relaxed);
  out.busy_ns = x.busy_ns_.load(relaxed);
  out.bytes = x.bytes_.load(relaxed);
  out.timeouts = x.timeouts_.load(relaxed);
  auto now = seconds_of_life();
  out.age_s = now > x.born_s_ ? now - x.born_s_ : 0;
  return out;
}

// A cursor is place * shards + shard: the seat to go on with. Shard by shard, place by place; 0 is
// the beginning and the end.
std::uint64_t actor_registry::walk(std::uint64_t cursor, std::size_t limit, const filter& keep,
    const std::function<void(actor_row&&)>& see) const {
  auto no = static_cast<std::size_t>(cursor % shard_count);
  auto place = static_cast<std::size_t>(cursor / shard_count);
  std::size_t seen = 0;
  for (; no < shard_count; ++no, place = 0) {
    auto& in = shards_[no];
    for (;;) {
      std::lock_guard lock{in.mutex};
      auto end = std::min(in.places.size(), place + seats_per_lock);
      if (place >= end)
        break;
      for (; place < end; ++place) {
        auto* x = in.places[place];
        if (x == nullptr || (keep && !keep(x->kind(), x->label_ ? x->label_.get() : "")))
          continue;
        if (seen == limit)
          return place * shard_count + no;
        ++seen;
        see(row_of(*x));
      }
    }
  }
  return 0;
}

const seat* actor_registry::seat_of(const shard& in, caf::actor_id id) const {
  for (auto* x : in.places)
    if (x != nullptr && x->actor().id() == id)
      return x;
  return nullptr;
}

std::optional<actor_row> actor_registry::find(caf::actor_id id) const {
  auto& in = shard_of(id);
  std::lock_guard lock{in.mutex};
  auto* x = seat_of(in, id);
  return x == nullptr ? std::nullopt : std::optional{row_of(*x)};
}

caf::strong_actor_ptr actor_registry::handle(caf::actor_id id) const {
  auto& in = shard_of(id);
  std::lock_guard lock{in.mutex};
  auto* x = seat_of(in, id);
  if (x == nullptr)
    return nullptr;
  // It may be on its way out, waiting for our lock: then its last reference is gone already.
  return caf::actor_cast<caf::strong_actor_ptr>(caf::actor_addr{x->actor().ctrl(), true});
}

std::vector<probe_answer> actor_registry::probe(
    const std::vector<caf::actor_id>& ids, detail_level level, std::chrono::milliseconds patience) {
  auto n = std::min(ids.size(), probes::max_questions);
  auto [first, board] = probes_.start(n);
  for (std::size_t i = 0; i < n; ++i) {
    auto before = find(ids[i]);
    auto to = before ? handle(ids[i]) : nullptr;
    {
      std::lock_guard lock{board->mutex};
      board->asked_ns[i] = monotonic_ns();
      board->answers[i].ahead = before ? before->handled : 0;
      if (!to)
        --board->open;
    }
    if (to)
      to->enqueue(nullptr, caf::make_message_id(), probes::message_for(first + i, level), nullptr);
  }
  std::unique_lock lock{board->mutex};
  board->all_there.wait_for(lock, patience, [&, x = board] { return x->open == 0; });
  probes_.finish(first);
  auto out = std::move(board->answers);
  board->answers.clear();
  out.resize(ids.size());
  return out;
}

std::vector<actor_death> actor_registry::deaths() const {
  std::lock_guard lock{records_mutex_};
  return {deaths_.begin(), deaths_.end()};
}

std::uint32_t actor_registry::restarts_of(std::string_view kind, std::string_view label) const {
  std::lock_guard lock{records_mutex_};
  auto i = died_.find(std::pair{std::string{kind}, std::string{label}});
  return i == died_.end() ? 0 : i->second;
}

std::vector<dead_letters> actor_registry::undelivered() const {
  std::lock_guard lock{records_mutex_};
  std::vector<dead_letters> out;
  for (auto& [key, x] : letters_)
    out.push_back(x);
  return out;
}

void actor_registry::watch(std::chrono::seconds x) {
  watch_until_ns_.store(
      monotonic_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds{x}.count()), relaxed);
  watching_.store(true, relaxed);
}

void actor_registry::check_watch(std::uint64_t now_ns) {
  if (now_ns > watch_until_ns_.load(relaxed))
    watching_.store(false, relaxed);
}

} // namespace shoal
