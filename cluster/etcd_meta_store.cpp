#include "cluster/etcd_meta_store.hpp"

#include <mutex>

#include "cluster/etcd/http.hpp"
#include "cluster/etcd/watch.hpp"
#include "cluster/etcd/wire.hpp"

namespace shoal::cluster {

namespace {

// More pages than any cluster has: a member that always says "more" must not keep a thread.
constexpr auto most_pages = 1000;

class etcd_key_value : public key_value {
public:
  explicit etcd_key_value(etcd_options options)
      : options_{std::move(options)}, members_{options_} {}

  using key_value::get;

  meta_result get(std::string_view name, stored_value& out, std::int64_t& store_revision) override {
    auto key = options_.prefix + std::string{name};
    auto page = etcd::range_answer{};
    if (!read(etcd::range_request(key, {}, 1), page))
      return meta_result::failed;
    store_revision = page.store_revision;
    if (page.values.empty())
      return meta_result::missing;
    if (page.values.size() != 1 || page.values.front().name != key)
      return fail("an answer with keys that nobody asked for");
    out = std::move(page.values.front());
    out.name = name;
    return meta_result::done;
  }

  meta_result list(std::string_view prefix, std::vector<stored_value>& out) override {
    out.clear();
    auto begin = options_.prefix + std::string{prefix};
    const auto end = etcd::end_of(begin);
    auto page = etcd::range_answer{};
    for (auto pages = 0; pages < most_pages; ++pages) {
      if (!read(etcd::range_request(begin, end, options_.page), page))
        return meta_result::failed;
      for (auto& value : page.values) {
        // Strictly greater each time, or the pages would never end.
        if (value.name < begin || value.name >= end)
          return fail("an answer with keys that nobody asked for");
        begin = value.name + '\0';
        value.name.erase(0, options_.prefix.size());
        out.push_back(std::move(value));
      }
      if (!page.more)
        return meta_result::done;
    }
    return fail("an answer that never ends");
  }

  meta_result swap(std::string_view name, const std::optional<stored_value>& expected,
      std::string_view text) override {
    auto request = etcd::swap_request(options_.prefix + std::string{name}, expected, text);
    auto answer = members_.post("/v3/kv/txn", request, etcd::kind::write);
    if (!answer.arrived)
      return fail(answer.problem);
    auto succeeded = false;
    if (!etcd::parse_swap(answer.body, succeeded))
      return fail("an answer that makes no sense");
    return succeeded ? meta_result::done : meta_result::conflict;
  }

  std::unique_ptr<meta_watch> watch(std::function<void()> hint) override {
    return std::make_unique<etcd::watch>(options_, std::move(hint));
  }

  void interrupt() override { members_.interrupt(); }

  std::string problem() const override {
    auto guard = std::lock_guard{mutex_};
    return problem_;
  }

private:
  bool read(const std::string& request, etcd::range_answer& out) {
    auto answer = members_.post("/v3/kv/range", request, etcd::kind::read);
    if (!answer.arrived) {
      fail(answer.problem);
      return false;
    }
    if (etcd::parse(answer.body, out))
      return true;
    fail("an answer that makes no sense");
    return false;
  }

  meta_result fail(std::string why) {
    auto guard = std::lock_guard{mutex_};
    problem_ = "etcd: " + std::move(why);
    return meta_result::failed;
  }

  const etcd_options options_;
  etcd::http members_;
  mutable std::mutex mutex_;
  std::string problem_;
};

} // namespace

std::unique_ptr<key_value> make_etcd_key_value(etcd_options options) {
  return std::make_unique<etcd_key_value>(std::move(options));
}

std::unique_ptr<meta_store> make_etcd_meta_store(etcd_options options) {
  return std::make_unique<meta_store>(make_etcd_key_value(std::move(options)));
}

} // namespace shoal::cluster
