// Kills a node that leads partitions, again and again, while callers go on; afterwards reads back
// what was acknowledged.
//
// Two callers per partition send ops of their own user, ten per second each, through all nodes. A
// call that fails, or whose node dies, is repeated with the same idempotency key through the next
// node. A failure is over when each partition has confirmed a call that was made after the kill:
// those that the dead node led, and all others, too. Nobody tells callers about nodes.
#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/scenarios/cluster_parts.hpp"

namespace shoal::bench {

namespace {

using json = nlohmann::json;

constexpr auto ms = std::int64_t{1'000'000};
constexpr auto callers_per_partition = std::size_t{2};
constexpr auto call_every = 100 * ms;
constexpr auto answer_patience = 5000 * ms; // then the caller tries another node
constexpr auto retry_pause = 20 * ms;
constexpr auto run_up = 500 * ms; // between balance and the next kill
constexpr auto recovery_limit_s = 30;
constexpr auto read_page = std::size_t{1000};

/// A connection that may end at any time.
class fragile_api final : public shoal_api {
public:
  using shoal_api::shoal_api;
  void lost(const std::string&) override { gone = true; }
  bool gone = false;
};

/// One user's calls, one at a time, through whatever node answers.
class caller {
public:
  struct confirmed {
    std::uint64_t id = 0;
    std::size_t number = 0;
  };

  caller(tls_loop& loop, shoal_cluster& who, std::size_t user, std::size_t node, tally& t)
      : loop_{loop}, who_{who}, user_{user}, node_{node}, tally_{t} {}

  /// Moves on: connects, calls, repeats, waits for its next turn.
  void advance(std::int64_t now, const std::string& filler) {
    if (line_ && (api_->gone || (calling_ && now - called_ > answer_patience)))
      hang_up(now);
    if (now < due_ || (line_ && (calling_ || api_->capacity() == 0)))
      return;
    if (!line_)
      return dial();
    if (!repeats_)
      ++number_;
    call(now, filler);
  }

  std::size_t user() const { return user_; }
  const std::vector<confirmed>& log() const { return log_; }
  std::size_t errors() const { return errors_; }
  std::size_t lost_lines() const { return lost_lines_; }

  void watch_from(std::int64_t since) {
    watched_ = since;
    first_good_ = 0;
  }
  /// When the first call that was made after that was confirmed; 0: none yet.
  std::int64_t first_good() const { return first_good_; }

private:
  void dial() {
    api_ = std::make_unique<fragile_api>(who_.admin(), 1, tally_);
    line_ = &loop_.open(who_.publisher_dial(node_), *api_);
  }

  void hang_up(std::int64_t now) {
    if (!api_->gone)
      line_->close();
    ++lost_lines_;
    line_ = nullptr;
    repeats_ = repeats_ || calling_;
    calling_ = false;
    node_ = (node_ + 1) % cluster_nodes;
    due_ = now + retry_pause;
  }

  void call(std::int64_t now, const std::string& filler) {
    auto body = json{{"biz", shoal_biz_own}, {"user", numbered("u", user_)},
        {"key", numbered("k", number_)}, {"payload", std::to_string(number_) + " " + filler}}
                    .dump();
    calling_ = true;
    called_ = now;
    due_ = std::max(due_ + call_every, now);
    api_->call(*line_, "POST", std::string{"/v1/apps/"} + shoal_app + "/sync", body,
        [this](int status, std::string_view answer) { answered(status, answer); });
  }

  void answered(int status, std::string_view answer) {
    calling_ = false;
    auto facts = json::parse(answer, nullptr, false);
    repeats_ = status / 100 != 2 || !facts.is_object();
    if (repeats_) {
      ++errors_;
      due_ = now_ns() + retry_pause;
      return;
    }
    log_.push_back({facts.value("id", std::uint64_t{0}), number_});
    if (first_good_ == 0 && called_ > watched_)
      first_good_ = now_ns();
  }

  tls_loop& loop_;
  shoal_cluster& who_;
  std::size_t user_, node_;
  tally& tally_;
  std::unique_ptr<fragile_api> api_;
  connection* line_ = nullptr;
  bool calling_ = false, repeats_ = false;
  std::size_t number_ = 0; ///< of the op
  std::int64_t due_ = 0, called_ = 0, watched_ = 0;
  std::int64_t first_good_ = 0;
  std::vector<confirmed> log_;
  std::size_t errors_ = 0, lost_lines_ = 0;
};

class kill_run {
public:
  kill_run(shoal_cluster& who, const options& wishes) : who_{who}, wishes_{wishes} {
    for (auto no = std::uint16_t{0}; no < cluster_partitions; ++no)
      for (auto user : users_in(no, callers_per_partition))
        callers_.push_back(
            std::make_unique<caller>(loop_, who, user, user % cluster_nodes, tally_));
  }

  figures run() {
    who_.prepare(loop_, {.whom = audience::own, .users = callers_.size(), .single_calls = true});
    filler_ = make_payload(wishes_.payload);
    watch(now_ns());
    go_on([&] { return all_confirmed(); }, "the first calls");
    for (auto k = std::size_t{0}; k < wishes_.kills; ++k)
      fail_over(k);
    return judge();
  }

private:
  /// Callers go on until `done`; throws if that takes too long.
  template <class Done>
  void go_on(Done done, const char* what) {
    auto limit = now_ns() + recovery_limit_s * 1000 * ms;
    while (!done()) {
      auto now = now_ns();
      if (interrupted())
        throw std::runtime_error{"interrupted"};
      if (now > limit)
        throw std::runtime_error{std::string{what} + " not after 30 s"};
      for (auto& x : callers_)
        x->advance(now, filler_);
      loop_.step(now + ms);
    }
  }

  void go_on_for(std::int64_t time) {
    auto until = now_ns() + time;
    go_on([&] { return now_ns() >= until; }, "");
  }

  void watch(std::int64_t since) {
    for (auto& x : callers_)
      x->watch_from(since);
  }

  bool all_confirmed() const {
    return std::all_of(
        callers_.begin(), callers_.end(), [](auto& x) { return x->first_good() > 0; });
  }

  void fail_over(std::size_t k) {
    auto victim = k % cluster_nodes;
    go_on_for(run_up);
    auto before = who_.leaders();
    auto led = before ? std::count(before->begin(), before->end(), victim) : 0;
    if (led == 0)
      throw std::runtime_error{"the node to be killed leads nothing"};
    led_ += static_cast<std::size_t>(led);
    auto killed = now_ns();
    who_.kill(victim);
    watch(killed);
    go_on([&] { return all_confirmed(); }, "all partitions serve again:");
    auto last = std::int64_t{0};
    for (auto& x : callers_)
      last = std::max(last, x->first_good());
    times_.push_back(last - killed);
    std::fprintf(stderr, "cluster: kill %zu: %.2f s\n", k + 1, seconds_of(times_.back()));
    who_.revive(victim);
    go_on([&] { return who_.balanced(); }, "balance");
  }

  figures judge() {
    auto lost = std::size_t{0}, doubled = std::size_t{0}, acknowledged = std::size_t{0};
    auto errors = std::size_t{0}, lost_lines = std::size_t{0};
    for (auto& x : callers_) {
      read_back(*x, lost, doubled);
      acknowledged += x->log().size();
      errors += x->errors();
      lost_lines += x->lost_lines();
    }
    auto number = [](std::size_t x) { return static_cast<double>(x); };
    auto kills = std::max<double>(1, number(times_.size()));
    auto p95 = percentile(times_, 0.95) / 1e9, p50 = percentile(times_, 0.5) / 1e9;
    return {{"failover_p95_s", "s", p95, better::lower},
        {"failover_p50_s", "s", p50, better::lower},
        {"failover_max_s", "s", percentile(times_, 1) / 1e9, better::lower},
        {"acked_ops_lost", "ops", number(lost), better::lower},
        {"acked_ops_doubled", "ops", number(doubled), better::lower},
        {"acked_ops_read_back", "ops", number(acknowledged), better::higher},
        {"partitions_led_per_kill", "partitions", number(led_) / kills, better::higher},
        {"api_errors_per_kill", "calls", number(errors) / kills, better::lower},
        {"lost_connections_per_kill", "connections", number(lost_lines) / kills, better::lower}};
  }

  /// Everything stored for the user: an acknowledged op must be there once, under its id.
  void read_back(const caller& x, std::size_t& lost, std::size_t& doubled) {
    auto stored = std::map<std::size_t, std::vector<std::uint64_t>>{}; // number -> ids
    auto after = std::uint64_t{0};
    for (auto more = true; more;) {
      auto path = std::string{"/v1/apps/"} + shoal_app + numbered("/streams/user:u", x.user()) +
                  "/" + shoal_biz_own + numbered("/ops?after=", after) +
                  numbered("&limit=", read_page);
      auto page = json::parse(who_.call(loop_, who_.admin(), "GET", path, "", x.user()));
      for (auto& op : page.at("ops"))
        stored[std::stoul(op.at("payload").get<std::string>())].push_back(op.at("id"));
      more = page.value("more", false);
      after = page.value("next_after", after);
    }
    for (auto& op : x.log()) {
      auto& ids = stored[op.number];
      lost += std::find(ids.begin(), ids.end(), op.id) == ids.end() ? 1 : 0;
      doubled += ids.size() > 1 ? 1 : 0;
    }
  }

  shoal_cluster& who_;
  const options& wishes_;
  tls_loop loop_;
  tally tally_;
  std::vector<std::unique_ptr<caller>> callers_;
  std::string filler_;
  std::size_t led_ = 0;
  std::vector<std::int64_t> times_;
};

} // namespace

figures failover_figures(shoal_cluster& who, const options& wishes) {
  return kill_run{who, wishes}.run();
}

} // namespace shoal::bench
