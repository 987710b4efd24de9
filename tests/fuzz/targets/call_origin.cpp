// What headers and a peer's name say of where a call comes from: ids that other systems may be
// given as they are, and one address.
#include "actors/gateway/call_origin.hpp"

#include <algorithm>

#include "tests/fuzz/target.hpp"

using namespace shoal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto inside = [&](std::string_view x) {
    return x.empty() || (x.data() >= in.data() && x.data() + x.size() <= in.data() + in.size());
  };
  auto [trace, span] = gateway::read_traceparent(in);
  fuzz::require(inside(trace) && inside(span), "an id is from elsewhere");
  fuzz::require((trace.size() == 32 && span.size() == 16) || (trace.empty() && span.empty()),
      "half a traceparent");
  for (auto id : {trace, span})
    fuzz::require(id.find_first_not_of("0123456789abcdef") == id.npos, "an id that is no id");
  fuzz::require(trace.empty() || trace.find_first_not_of('0') != trace.npos, "the id of nothing");
  auto last = gateway::last_forwarded(in);
  fuzz::require(inside(last) && last.find(',') == last.npos, "more than one address");
  fuzz::require(last.empty() || (last.front() != ' ' && last.back() != ' '), "blanks around");
  fuzz::require(gateway::last_forwarded(last) == last, "the last of one is another");
  fuzz::require(inside(gateway::without_port(in)), "a host from elsewhere");
  return 0;
}
