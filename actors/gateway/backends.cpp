#include "actors/gateway/backends.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/post.hpp>

#include "actors/clock.hpp"
#include "actors/gateway/etcd_instances.hpp"
#include "actors/gateway/grpc_call.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::gateway {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::int64_t ask_again_ms = 1000; // after a name could not be resolved

tls::client_limits limits_of(const api_group& x) {
  auto out = tls::client_limits{};
  out.connections = std::max(1u, x.max_connections);
  out.waiting = x.max_waiting;
  out.idle = out.connections;
  return out;
}

/// Whether connections of the one are as good for the other.
bool same_connections(const api_group& x, const api_group& y) {
  auto named = [](const api_group& z) {
    return z.discovery.kind == discovery_kind::dns ? z.discovery.source : std::string{};
  };
  return x.max_connections == y.max_connections && x.max_waiting == y.max_waiting &&
         x.protocol == y.protocol && x.kind == y.kind && x.tls == y.tls && named(x) == named(y);
}

tls::client_security security_of(const live_group& of, const std::string& address) {
  auto speaks =
      of.set.protocol == backend_protocol::h2 ? tls::application::http_2 : tls::application::http_1;
  auto out = tls::client_security{of.security, of.set.tls.server_name, speaks};
  if (out.context && out.server_name.empty()) {
    auto port = std::string{};
    auto by_name = of.set.discovery.kind == discovery_kind::dns;
    split_address(by_name ? of.set.discovery.source : address, out.server_name, port);
  }
  return out;
}

std::optional<tcp::endpoint> literal(const std::string& address) {
  auto host = std::string{}, port = std::string{};
  if (!split_address(address, host, port))
    return {};
  auto number = 0u;
  std::from_chars(port.data(), port.data() + port.size(), number);
  auto error = boost::system::error_code{};
  auto found = asio::ip::make_address(host, error);
  if (error)
    return {};
  return tcp::endpoint{found, static_cast<std::uint16_t>(number)};
}

std::string text_of(const tcp::endpoint& x) {
  auto host = x.address().to_string();
  return (x.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(x.port());
}

} // namespace

/// One question to an instance about its health.
class health_probe : public tls::client_exchange, public tls::alarm {
public:
  health_probe(tls::io_loop& loop, instance& of, const api_group& group)
      : of_{of}, rule_{group.health}, grpc_{group.kind == backend_kind::grpc} {
    auto& host = group.host.empty() ? of.address : group.host;
    if (grpc_)
      request_bytes = grpc_health_request(host, std::string_view{rule_.path}.substr(1));
    else
      request_bytes = "GET " + rule_.path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    loop.alarms().set(*this, std::chrono::milliseconds{rule_.timeout_ms});
    of.pool->start(*this);
  }

  bool over() const { return over_; }

private:
  void on_reply(http::reply&& x) override {
    tell(grpc_ ? is_serving(x) : x.status >= 200 && x.status < 400);
  }
  void on_failure(const tls::client_failure&) override { tell(false); }
  void on_alarm() override {
    cancel();
    tell(false);
  }
  void tell(bool good) {
    if (!std::exchange(over_, true))
      of_.health.on_check(good, rule_);
  }

  instance& of_;
  health_rule rule_;
  bool grpc_;
  bool over_ = false;
};

instance::~instance() = default;

bool split_address(std::string_view address, std::string& host, std::string& port) {
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == address.size() || colon == 0)
    return false;
  port = address.substr(colon + 1);
  auto name = address.substr(0, colon);
  if (name.starts_with('[') && name.ends_with(']'))
    name = name.substr(1, name.size() - 2);
  host = name;
  return port.find_first_not_of("0123456789") == std::string::npos;
}

backend_group::backend_group(tls::io_loop& loop, group_ptr of, std::uint64_t seed,
    instance_directories where, std::int64_t now_ms)
    : loop_{loop}, where_{where}, balancer_{seed}, resolver_{loop.context()} {
  follow(std::move(of), now_ms);
}

backend_group::~backend_group() = default;

void backend_group::follow(group_ptr newer, std::int64_t now_ms) {
  auto differs = of_ && !same_connections(of_->set, newer->set);
  of_ = std::move(newer);
  if (differs)
    take_over({}); // pools are made anew
  switch (of_->set.discovery.kind) {
  case discovery_kind::fixed:
    return take_over(of_->set.upstreams);
  case discovery_kind::dns:
    return resolve_all();
  case discovery_kind::service:
    return ask_services(now_ms);
  case discovery_kind::etcd:
    etcd_pending_ = ask_etcd() || etcd_pending_; // until a tick tells who waits
  }
}

void backend_group::take_over(std::vector<upstream> wanted) {
  auto before = std::move(instances_);
  instances_.clear();
  for (auto& x : wanted) {
    auto same = std::ranges::find_if(before, [&](auto& y) { return y && y->address == x.address; });
    auto now = same != before.end() ? std::move(*same) : std::make_shared<instance>();
    now->address = x.address;
    now->weight = x.weight;
    now->tags = std::move(x.tags);
    now->hash = stable_hash(now->address);
    instances_.push_back(now);
    if (!now->pool && !now->resolving)
      resolve(now);
  }
  for (auto& x : before)
    if (x)
      leaving_.push_back(std::move(x));
}

void backend_group::tell_waiting() {
  for (auto& then : std::exchange(waiting_, {}))
    then();
}

void backend_group::ask_services(std::int64_t now_ms) {
  serve_by(where_.services.find(where_.app, of_->set.discovery.source, now_ms));
}

/// True: there are none, and that may be otherwise in a moment.
bool backend_group::ask_etcd() {
  static const auto none = std::vector<upstream>{};
  auto found = where_.etcd.find(etcd_prefix_of(of_->set.discovery.source), of_->set.revision);
  serve_by(found.instances ? *found.instances : none);
  return found.asking && instances_.empty();
}

/// While nobody has registered, those of the definition serve.
void backend_group::serve_by(const std::vector<upstream>& found) {
  auto& wanted = found.empty() ? of_->set.upstreams : found;
  auto same = [](const instance_ptr& x, const upstream& y) {
    return x->address == y.address && x->weight == y.weight && x->tags == y.tags;
  };
  if (!std::ranges::equal(instances_, wanted, same))
    take_over(wanted);
}

void backend_group::open_pool(instance& x, const tcp::endpoint& where) {
  if (x.pool && x.pool->where() == where)
    return;
  if (x.pool)
    old_pools_.push_back(std::move(x.pool));
  x.pool = std::make_unique<tls::client_pool>(
      loop_, where, limits_of(of_->set), security_of(*of_, x.address));
}

void backend_group::resolve(const instance_ptr& x) {
  if (auto where = literal(x->address))
    return open_pool(*x, *where);
  auto host = std::string{}, port = std::string{};
  if (!split_address(x->address, host, port)) {
    x->unknown = true;
    return;
  }
  x->resolving = true;
  resolver_.async_resolve(
      host, port, [this, x, alive = std::weak_ptr{alive_}](const auto& error, const auto& found) {
        if (alive.expired())
          return;
        x->resolving = false;
        x->resolved_ms = steady_ms();
        x->unknown = (error || found.empty()) && !x->pool;
        if (!error && !found.empty())
          open_pool(*x, found.begin()->endpoint());
        tell_waiting();
      });
}

/// All addresses of a name, each an instance.
void backend_group::resolve_all() {
  auto host = std::string{}, port = std::string{};
  if (asking_ || !split_address(of_->set.discovery.source, host, port))
    return;
  asking_ = true;
  names_asked_ms_ = steady_ms();
  resolver_.async_resolve(host, port,
      [this, alive = std::weak_ptr{alive_}, asked = of_->set.discovery](
          const auto& error, const auto& found) {
        if (alive.expired())
          return;
        asking_ = false;
        if (asked != of_->set.discovery) {
          if (of_->set.discovery.kind == discovery_kind::dns)
            resolve_all(); // the group was changed meanwhile
        } else if (!error) {
          auto wanted = std::vector<upstream>{};
          for (auto& x : found)
            wanted.push_back({text_of(x.endpoint()), 1, {}});
          take_over(std::move(wanted));
        }
        tell_waiting();
      });
}

backend_group::picked backend_group::pick(
    std::uint64_t key, const tagged_part& of, const instance* not_this, std::int64_t now_ms) {
  candidates_.clear();
  auto resolving = asking_ || etcd_pending_, unknown = false;
  for (auto& x : instances_) {
    auto fits = of.has(x->tags);
    resolving = resolving || (fits && x->resolving && !x->pool);
    unknown = unknown || (fits && x->unknown);
    candidates_.push_back({x->hash, x->weight, x->under_way,
        fits && x->pool && x.get() != not_this && x->health.usable(now_ms)});
  }
  auto found = balancer_.pick(of_->set.balancing, candidates_, key);
  if (!found) {
    // Better one that may be ill than none: when all look bad, it is often us who cannot tell.
    for (auto i = std::size_t{0}; i < instances_.size(); ++i)
      candidates_[i].usable = instances_[i]->pool && of.has(instances_[i]->tags);
    found = balancer_.pick(of_->set.balancing, candidates_, key);
  }
  if (found)
    return {instances_[*found], pick_flaw::none};
  return {nullptr, resolving ? pick_flaw::resolving
                   : unknown ? pick_flaw::unknown_host
                             : pick_flaw::no_instance};
}

void backend_group::on_failure(instance& x, std::int64_t now_ms) {
  auto& rule = of_->set.health;
  if (!x.health.on_failure(rule))
    return;
  auto out = std::ranges::count_if(instances_, [&](auto& y) { return y->health.is_out(now_ms); });
  if (static_cast<std::size_t>(out + 1) * 100 <= instances_.size() * rule.eject_max_percent)
    x.health.eject(rule, now_ms);
}

void backend_group::on_tick(std::int64_t now_ms) {
  auto gone = [](auto& pool) { return pool->busy() == 0 && pool->waiting() == 0; };
  std::erase_if(old_pools_, gone);
  std::erase_if(leaving_,
      [&](auto& x) { return x.use_count() == 1 && !x->probe && (!x->pool || gone(x->pool)); });
  for (auto& x : leaving_)
    x->probe.reset();
  auto& rule = of_->set;
  if (rule.discovery.kind == discovery_kind::dns &&
      now_ms - names_asked_ms_ >= std::int64_t{1000} * std::max(1u, rule.discovery.refresh_s))
    resolve_all();
  if (rule.discovery.kind == discovery_kind::service)
    ask_services(now_ms);
  auto pending = rule.discovery.kind == discovery_kind::etcd && ask_etcd();
  if (std::exchange(etcd_pending_, pending) && !pending)
    boost::asio::post(loop_.context(), [this, alive = std::weak_ptr{alive_}] {
      if (!alive.expired()) // not from inside a tick: calls that go on may make groups
        tell_waiting();
    });
  for (auto& x : instances_) {
    if (x->pool)
      x->pool->sweep();
    auto again =
        x->unknown ? ask_again_ms : std::int64_t{1000} * std::max(1u, rule.discovery.refresh_s);
    if (!x->resolving && x->resolved_ms != 0 && now_ms - x->resolved_ms >= again)
      resolve(x);
    check(*x, now_ms);
  }
}

void backend_group::check(instance& x, std::int64_t now_ms) {
  auto& rule = of_->set.health;
  if (x.probe && x.probe->over())
    x.probe.reset();
  if (rule.path.empty() || !x.pool || x.probe || now_ms < x.next_check_ms)
    return;
  x.next_check_ms = now_ms + rule.interval_ms;
  x.probe = std::make_unique<health_probe>(loop_, x, of_->set);
}

} // namespace shoal::gateway
