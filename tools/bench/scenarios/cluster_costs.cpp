// What one op costs whom. All streams are led by the first node; the calls come to it or to the
// second one, and so do the devices. What is more than when everything is at the first node is what
// the hop costs.
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/machine/plain_http.hpp"
#include "tools/bench/scenarios/cluster_parts.hpp"

namespace shoal::bench {

namespace {

constexpr auto leader = std::size_t{0}, other = std::size_t{1};
constexpr auto warm_up = std::size_t{5}; // ops per user
constexpr auto idle_ms = 5000;
constexpr auto users_per_partition = std::size_t{16};

/// Sum of a counter over all nodes; 0 if they do not have it.
double total(const shoal_cluster& who, const std::string& name) {
  auto sum = 0.0;
  for (auto i = std::size_t{0}; i < cluster_nodes; ++i) {
    auto text = ask(who.admin_port(i), "GET", "/metrics");
    if (auto at = text.find("\n" + name + " "); at != std::string::npos)
      sum += std::stod(text.substr(at + name.size() + 2));
  }
  return sum;
}

/// Sum over all ends of all links, as the kernel counts: with TLS, heartbeats and all.
struct link_traffic {
  double bytes = 0, segments = 0;
};

link_traffic traffic_of(const shoal_cluster& who) {
  auto command = std::string{"ss -tniH '"};
  for (auto i = std::size_t{0}; i < cluster_nodes; ++i) {
    auto port = std::to_string(who.link_port(i));
    command += (i > 0 ? " or sport = :" : "sport = :") + port + " or dport = :" + port;
  }
  command += "'";
  auto result = link_traffic{};
  auto pipe =
      std::unique_ptr<std::FILE, int (*)(std::FILE*)>{::popen(command.c_str(), "r"), &::pclose};
  auto line = std::array<char, 4096>{};
  while (pipe && std::fgets(line.data(), line.size(), pipe.get())) {
    auto text = std::string{line.data()};
    auto number = [&](const char* name) {
      auto at = text.find(name);
      return at == std::string::npos ? 0.0 : std::stod(text.substr(at + std::strlen(name)));
    };
    result.bytes += number(" bytes_sent:");
    result.segments += number(" data_segs_out:");
  }
  return result;
}

struct usage {
  std::array<double, cluster_nodes> cpu_us{};
  double link_segments = 0, link_bytes = 0, syncs = 0, disk_bytes = 0;

  double all_cpu() const { return std::accumulate(cpu_us.begin(), cpu_us.end(), 0.0); }
};

usage usage_of(shoal_cluster& who) {
  auto result = usage{};
  for (auto i = std::size_t{0}; i < cluster_nodes; ++i)
    result.cpu_us[i] = who.node(i).cpu_seconds() * 1e6;
  auto links = traffic_of(who);
  result.link_segments = links.segments;
  result.link_bytes = links.bytes;
  result.syncs = total(who, "shoal_commit_rounds_total");
  result.disk_bytes = total(who, "shoal_commit_bytes_total");
  return result;
}

usage per_op(const usage& before, const usage& after, std::size_t ops) {
  auto result = usage{};
  auto n = static_cast<double>(ops);
  for (auto i = std::size_t{0}; i < cluster_nodes; ++i)
    result.cpu_us[i] = (after.cpu_us[i] - before.cpu_us[i]) / n;
  result.link_segments = (after.link_segments - before.link_segments) / n;
  result.link_bytes = (after.link_bytes - before.link_bytes) / n;
  result.syncs = (after.syncs - before.syncs) / n;
  result.disk_bytes = (after.disk_bytes - before.disk_bytes) / n;
  return result;
}

/// Everybody who takes part in one run: one publisher and a device per user.
class party {
public:
  party(tls_loop& loop, shoal_cluster& who, const options& wishes, std::vector<std::size_t> users)
      : loop_{loop}, who_{who}, wishes_{wishes}, users_{std::move(users)} {}

  /// What an op takes if calls and devices are at these nodes.
  usage run(std::size_t calls_at, std::size_t devices_at) {
    auto api = shoal_api{who_.admin(), wishes_.batch, tally_};
    auto& line = loop_.open(who_.publisher_dial(calls_at), api);
    auto devices = std::vector<std::unique_ptr<device>>{};
    auto lines = std::vector<connection*>{&line};
    tally_.ready = 0;
    for (auto user : users_) {
      devices.push_back(who_.make_device(user, tally_));
      lines.push_back(&loop_.open(who_.device_dial(devices_at), *devices.back()));
    }
    wait("connecting", [&] { return tally_.ready == users_.size() && api.capacity() > 0; });
    publish(api, line, warm_up * users_.size());
    auto ops = std::max(wishes_.batch, wishes_.ops / 4);
    let_settle(loop_, 500);
    auto before = usage_of(who_);
    publish(api, line, ops);
    let_settle(loop_, 500); // cursors are written a little later
    auto after = usage_of(who_);
    for (auto* x : lines)
      x->close();
    return per_op(before, after, ops);
  }

private:
  void wait(const char* what, const std::function<bool()>& done) {
    wait_for(loop_, tally_, wishes_.timeout_s, what, done);
  }

  void publish(shoal_api& api, connection& line, std::size_t ops) {
    auto payload = make_payload(wishes_.payload);
    auto expected = tally_.delivered + ops;
    auto sent = std::size_t{0};
    auto batch = std::vector<outgoing>{};
    wait("delivering", [&] {
      auto n = std::min(api.capacity(), ops - sent);
      batch.clear();
      while (batch.size() < n)
        batch.push_back({users_[sent++ % users_.size()], payload});
      if (n > 0)
        api.publish(line, batch);
      return tally_.delivered >= expected;
    });
  }

  tls_loop& loop_;
  shoal_cluster& who_;
  const options& wishes_;
  std::vector<std::size_t> users_;
  tally tally_;
};

std::vector<std::size_t> users_led_by(const shoal_cluster& who, std::size_t node) {
  auto leaders = who.leaders();
  if (!leaders)
    throw std::runtime_error{"etcd does not answer"};
  auto result = std::vector<std::size_t>{};
  for (auto no = std::uint16_t{0}; no < leaders->size(); ++no) {
    if ((*leaders)[no] != node)
      continue;
    for (auto user : users_in(no, users_per_partition))
      result.push_back(user);
  }
  return result;
}

/// Per cent of a core.
figures idle_figures(tls_loop& loop, shoal_cluster& who) {
  auto begin = now_ns();
  auto nodes = who.cpu_seconds(), etcd = who.etcd().cpu_seconds();
  let_settle(loop, idle_ms);
  auto share = 100 / seconds_of(now_ns() - begin);
  nodes = (who.cpu_seconds() - nodes) * share / static_cast<double>(cluster_nodes);
  etcd = (who.etcd().cpu_seconds() - etcd) * share;
  return {{"idle_node_cpu", "% of a core", nodes, better::lower},
      {"idle_etcd_cpu", "% of a core", etcd, better::lower}};
}

} // namespace

figures cost_figures(shoal_cluster& who, const options& wishes) {
  auto loop = tls_loop{};
  auto result = idle_figures(loop, who);
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch});
  auto all = party{loop, who, wishes, users_led_by(who, leader)};
  auto home = all.run(leader, leader);
  auto called = all.run(other, leader);
  auto delivered = all.run(leader, other);
  auto add = [&](const char* metric, const char* unit, double value) {
    result.push_back({metric, unit, value, better::lower});
  };
  add("leader_cpu_us_per_op", "us", home.cpu_us[leader]);
  add("follower_cpu_us_per_op", "us", (home.all_cpu() - home.cpu_us[leader]) / 2);
  add("call_hop_cpu_us_per_op", "us", called.all_cpu() - home.all_cpu());
  add("device_hop_cpu_us_per_op", "us", delivered.all_cpu() - home.all_cpu());
  add("syncs_per_op", "syncs", home.syncs);
  add("disk_bytes_per_op", "bytes", home.disk_bytes);
  if (home.link_bytes > 0) { // there is an `ss`
    add("replication_segments_per_op", "segments", home.link_segments);
    add("replication_bytes_per_op", "bytes", home.link_bytes);
    add("call_hop_bytes_per_op", "bytes", called.link_bytes - home.link_bytes);
    add("device_hop_bytes_per_op", "bytes", delivered.link_bytes - home.link_bytes);
  }
  return result;
}

} // namespace shoal::bench
