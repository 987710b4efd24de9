#include "actors/node/send_off.hpp"

#include <algorithm>
#include <utility>

namespace shoal {

send_off::send_off() = default;

std::vector<send_off::connection> send_off::due(
    const std::vector<connection>& connected, clock::time_point now) {
  auto first = !std::exchange(begun_, true);
  // A second's worth at most: a look that comes late does not make up for it with a crowd.
  auto passed = first ? 1.0 : std::chrono::duration<double>(now - last_).count();
  last_ = now;
  budget_ = std::min(budget_ + passed * rules_.per_second, static_cast<double>(rules_.per_second));
  ++look_;
  auto out = std::vector<connection>{};
  for (auto x : connected) {
    auto& known = guests_.emplace(x, guest{first ? now : now + rules_.again}).first->second;
    known.seen = look_;
    if (known.asked || known.due > now || budget_ < 1)
      continue;
    known.asked = true;
    budget_ -= 1;
    out.push_back(x);
  }
  std::erase_if(guests_, [&](const auto& x) { return x.second.seen != look_; });
  asked_ += out.size();
  return out;
}

void send_off::end() { *this = send_off{rules_}; }

} // namespace shoal
