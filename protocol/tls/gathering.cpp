#include "protocol/tls/gathering.hpp"

#include <algorithm>
#include <utility>

#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

thread_local gathering* current = nullptr;

} // namespace

gathering::gathering() : outer_{std::exchange(current, this)} {}

gathering::~gathering() {
  flush();
  current = outer_;
}

void gathering::give(io_loop& loop, command x) {
  if (current)
    current->add(loop, std::move(x));
  else
    loop.push(std::move(x));
}

void gathering::add(io_loop& loop, command x) {
  // A handful of loops: searched, not hashed.
  auto mine = std::ranges::find(shares_, &loop, [](auto& y) { return y.loop.get(); });
  if (mine == shares_.end())
    mine = shares_.insert(mine, {loop.shared_from_this(), {}});
  mine->commands.push_back(std::move(x));
  if (++held_ >= most)
    flush();
}

void gathering::flush() {
  if (held_ == 0)
    return;
  held_ = 0;
  for (auto& x : shares_)
    if (!x.commands.empty())
      x.loop->push(x.commands);
}

} // namespace shoal::tls
