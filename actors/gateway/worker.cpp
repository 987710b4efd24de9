#include "actors/gateway/worker.hpp"

#include <cstring>

#include "actors/gateway/flow.hpp"
#include "protocol/signing.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {
namespace {

std::uint64_t seed() {
  auto bytes = random_bytes(sizeof(std::uint64_t));
  auto out = std::uint64_t{0};
  std::memcpy(&out, bytes.data(), sizeof(out));
  return out;
}

std::uint64_t place_of(const world& in, std::uint32_t id) {
  return std::uint64_t{static_cast<std::uint32_t>(in.no())} << 32 | id;
}

} // namespace

worker::worker(tls::io_loop& loop, node_share_ptr share)
    : loop_{loop}, share_{std::move(share)}, reader_{*share_->definitions}, random_{seed()} {}

worker::~worker() {
  // Calls first: what they wait for is told to nobody.
  auto rest = std::move(flows_);
  flows_.clear();
  rest.clear();
  groups_.clear();
  hand_over();
}

flow_handle worker::begin(call&& x, on_answer done) {
  auto target = definitions().find(x.what.app, x.what.workspace, x.what.operation);
  return begin(std::move(x), std::move(target), std::move(done));
}

flow_handle worker::begin(call&& x, registry::found target, on_answer done) {
  if (flows_.size() >= max_calls) {
    auto out = answer_of(mgw::result::limit_exceeded);
    out.status = x.is_rest() ? http_status_of(out.what.code) : 200;
    done(std::move(out));
    return {};
  }
  auto told = std::exchange(x.when_given_up, nullptr); // not by the calls that come of this one
  auto inside = x.by == entrance::inside;
  auto made = std::make_unique<flow>(*this, std::move(x), std::move(target), std::move(done));
  made->place = flows_.size();
  auto& it = *made;
  flows_.push_back(std::move(made));
  if (!told && !inside) {
    it.run();
    return {};
  }
  auto which = it.handle();
  if (told)
    told([which] {
      if (auto* still = which.get())
        still->abandon();
    });
  if (which.get())
    it.run();
  return which;
}

void worker::over(flow& x) {
  auto i = x.place;
  if (i >= flows_.size() || flows_[i].get() != &x)
    return; // the worker ends
  auto gone = std::move(flows_[i]);
  if (i + 1 != flows_.size()) {
    flows_[i] = std::move(flows_.back());
    flows_[i]->place = i;
  }
  flows_.pop_back();
}

backend_group& worker::group_of(const world& in, const group_ptr& of) {
  auto& found = groups_[place_of(in, of->set.id)];
  if (!found)
    found = std::make_unique<backend_group>(loop_, of, random(),
        instance_directories{in.no(), share_->definitions->services, share_->etcd}, steady_ms());
  else if (found->definition() != of && found->definition()->set.revision <= of->set.revision)
    found->follow(of, steady_ms());
  return *found;
}

breaker& worker::breaker_of(const world& in, const api_definition& api) {
  return breakers_[place_of(in, api.id)];
}

void worker::on_tick() {
  auto now = steady_ms();
  for (auto& [place, group] : groups_)
    group->on_tick(now);
  hand_over();
}

void worker::hand_over() {
  if (!digest_.empty() && share_->digest)
    share_->digest(std::exchange(digest_, {}));
  if (!counts_.empty())
    share_->counts.take(counts_);
}

std::uint64_t worker::random() {
  random_ += 0x9e3779b97f4a7c15ull;
  auto x = random_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

} // namespace shoal::gateway
