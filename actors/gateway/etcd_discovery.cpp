#include "actors/gateway/etcd_discovery.hpp"

#include <chrono>

#include "actors/gateway/etcd_instances.hpp"
#include "actors/log.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t look_ms = 250;                       // for definitions that changed
constexpr std::size_t page_values = 2 * max_etcd_instances; // some may be damaged, or twice there

/// Nothing but changes, and what the watch begins with. A prefix keeps it to what is ours: without
/// one, every word in an etcd that others use, too, would come here.
std::unique_ptr<cluster::meta_watch> watch_of(
    cluster::etcd_options where, std::function<void()> hint) {
  if (where.prefix.empty())
    return nullptr;
  where.reread = std::chrono::hours{24};
  return cluster::make_etcd_key_value(std::move(where))->watch(std::move(hint));
}

} // namespace

etcd_discovery::etcd_discovery(
    const registry_cell& definitions, etcd_directory& known, ask_etcd_fn ask, clock_fn now_ms)
    : definitions_{definitions}, known_{known}, ask_{std::move(ask)}, now_ms_{std::move(now_ms)},
      answered_ms_{now_ms_()} {
  known_.serve();
}

std::int64_t etcd_discovery::step() {
  follow();
  if (hinted_.exchange(false))
    schedule_.hurry(now_ms_());
  auto* due = schedule_.due(now_ms_());
  if (due != nullptr) {
    auto prefix = *due;
    auto page = ask_(prefix, page_values);
    if (page.problem.empty())
      take(prefix, page);
    else
      fail(prefix, page.problem);
  }
  return schedule_.idle_ms(now_ms_(), look_ms);
}

void etcd_discovery::follow() {
  auto newest = definitions_.generation();
  if (newest == generation_)
    return;
  generation_ = newest; // before loading: a store in between is noticed the next time
  auto now = definitions_.load();
  auto sources = etcd_sources_of(*now);
  known_.follow(sources.refresh_s, now->revision());
  schedule_.follow(sources.refresh_s, now_ms_());
  std::erase_if(flaws_, [&](auto& x) { return !sources.refresh_s.contains(x.first); });
  if (sources.left_out != left_out_ && sources.left_out != 0)
    log::warn("too many groups with discovery etcd", {{"not_served", sources.left_out}});
  left_out_ = sources.left_out;
}

void etcd_discovery::take(const std::string& prefix, const cluster::etcd_page& page) {
  auto now = now_ms_();
  schedule_.answered(prefix, now);
  if (std::exchange(down_, false)) {
    log::info("etcd of the gateway answers again", {{"silent_ms", now - answered_ms_}});
    known_.answers();
  }
  answered_ms_ = now;
  auto found = read_etcd_instances(page.values);
  auto flaw = found.skipped == 0 ? std::string{}
                                 : std::to_string(found.skipped) + ", first " + found.first_skipped;
  if (page.more)
    flaw += (flaw.empty() ? "" : "; ") + std::string{"more keys than are read"};
  auto& said = flaws_[prefix];
  if (flaw != said && !flaw.empty())
    log::warn("instances in etcd are skipped", {{"prefix", prefix}, {"which", flaw}});
  said = std::move(flaw);
  auto count = found.instances.size();
  if (known_.put(prefix, std::move(found.instances)))
    log::info("instances in etcd", {{"prefix", prefix}, {"instances", count}});
}

void etcd_discovery::fail(const std::string& prefix, const std::string& why) {
  schedule_.failed(prefix, now_ms_());
  known_.fail(prefix);
  if (!schedule_.looks_down()) {
    auto& said = flaws_[prefix];
    if (why != said)
      log::warn("etcd of the gateway gives no answer", {{"prefix", prefix}, {"why", why}});
    said = why;
    return;
  }
  if (!std::exchange(down_, true))
    log::warn("etcd of the gateway is silent; what it said goes on serving",
        {{"silent_ms", now_ms_() - answered_ms_}, {"why", why}});
  known_.is_silent(answered_ms_, why);
}

etcd_asker::etcd_asker(
    const registry_cell& definitions, etcd_directory& known, cluster::etcd_options where)
    : reader_{where}, rules_{definitions, known,
                          [this](const std::string& prefix, std::size_t most) {
                            return reader_.read(prefix, most);
                          }},
      watch_{watch_of(std::move(where), [this] { rules_.hint(); })}, thread_{[this] { run(); }} {}

etcd_asker::~etcd_asker() {
  {
    auto guard = std::lock_guard{mutex_};
    stopped_ = true;
  }
  wake_.notify_one();
  watch_.reset();
  reader_.interrupt();
  thread_.join();
}

void etcd_asker::run() {
  auto lock = std::unique_lock{mutex_};
  while (!stopped_) {
    lock.unlock();
    auto pause = std::chrono::milliseconds{rules_.step()};
    lock.lock();
    wake_.wait_for(lock, pause, [this] { return stopped_; });
  }
}

} // namespace shoal::gateway
