// Who says that it has more than the stream is told to reload. But a leader that was cut off does
// not know that it was replaced, and the device may have heard more from the next one. So the
// stream commits nothing at all before it says so: what is still committed here was led past by
// nobody.
#include "actors/stream/stream_state.hpp"

namespace shoal {

namespace {

constexpr auto ask_again = std::chrono::milliseconds{100};

} // namespace

void stream_state::prove_leading(const feed_sink_actor& sink, const attach_request& request) {
  // Called on the log's thread, maybe when this stream is gone: whoever owns it then is asked. If
  // the lead was lost meanwhile, who owns it next is not known yet: the sink asks again.
  auto done = [where = sv, who = key, sink, request](ec code) {
    if (code == ec::none) {
      auto again = request;
      again.proven = true;
      caf::anon_send(
          where->where.owner_of(who.app, who.who), atom::attach::value, sink, std::move(again));
    } else if (code == ec::moving || code == ec::outcome_unknown)
      caf::delayed_anon_send(sink, ask_again, atom::lost::value, feed_lost{request.feed});
    else
      caf::anon_send(sink, atom::attached::value,
          attached_note{request.feed, code, {}, reset_reason::none, 0, 0, 0});
  };
  auto code = log->submit({}, log->failures(), done);
  if (code != ec::none)
    done(code);
  arm();
}

} // namespace shoal
