#include "protocol/tls/carrier.hpp"

#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {

void carrier::deadline_in(std::uint64_t ticks) {
  deadline_ = loop_.wheel().now() + ticks;
  // A later deadline is noticed when the earlier one expires; most are moved many times before
  // that.
  if (!scheduled() || deadline_ < due())
    loop_.wheel().schedule(*this, deadline_);
}

void carrier::on_due() {
  if (deadline_ > loop_.wheel().now())
    return loop_.wheel().schedule(*this, deadline_);
  on_deadline();
}

} // namespace shoal::tls
