// A partition log that can be stopped, and the synchronisation over such logs.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "storage/partition_log.hpp"
#include "tests/support/sync_test.hpp"

namespace shoal::testing_support {

/// Writes what it is given when it is told to.
class held_log : public storage::partition_log {
public:
  explicit held_log(std::shared_ptr<storage::partition_log> inner, const bool& holds)
      : inner_{std::move(inner)}, holds_{holds} {}

  ec submit(storage::write_batch rows, std::uint64_t failures_seen,
      std::function<void(ec)> done) override {
    if (std::exchange(throws, false))
      throw std::runtime_error{"as a bug does"};
    if (!holds_)
      return inner_->submit(std::move(rows), failures_seen, std::move(done));
    held_.push_back([this, rows = std::move(rows), done = std::move(done)]() mutable {
      inner_->submit(std::move(rows), inner_->failures(), std::move(done));
    });
    return ec::none;
  }
  void submit_lazy(storage::write_batch rows) override { inner_->submit_lazy(std::move(rows)); }
  std::uint64_t failures() const override { return inner_->failures(); }
  std::uint64_t next_lsn() const override { return inner_->next_lsn(); }

  bool throws = false; ///< the next submit, once

  void release() {
    for (auto& x : std::exchange(held_, {}))
      x();
  }

private:
  std::shared_ptr<storage::partition_log> inner_;
  const bool& holds_;
  std::vector<std::function<void()>> held_;
};

class held_log_test : public sync_test {
public:
  void SetUp() override {
    wrap_log = [this](auto inner) {
      logs.push_back(std::make_shared<held_log>(std::move(inner), holds));
      return logs.back();
    };
    sync_test::SetUp();
    add_biz("NEWS");
  }

  /// What was held is written; its answers are in mailboxes then.
  void release() {
    holds = false;
    for (auto& x : logs)
      x->release();
  }

  bool holds = false;
  std::vector<std::shared_ptr<held_log>> logs;
};

} // namespace shoal::testing_support
