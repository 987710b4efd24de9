#include "protocol/tls/late_wake.hpp"

#include <algorithm>
#include <utility>

#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

thread_local late_wake* of_this_thread = nullptr;

} // namespace

late_wake::late_wake() : outer_{std::exchange(of_this_thread, this)} {}

late_wake::~late_wake() {
  wake();
  of_this_thread = outer_;
}

late_wake* late_wake::current() { return of_this_thread; }

void late_wake::owe(std::shared_ptr<io_loop> x) {
  // A handful of loops: searched, not hashed.
  if (std::ranges::find(owed_, x) == owed_.end())
    owed_.push_back(std::move(x));
}

void late_wake::wake() {
  for (auto& x : owed_)
    x->wake();
  owed_.clear();
}

} // namespace shoal::tls
