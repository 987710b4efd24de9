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
  // Called on the log's thread, maybe when this stream is gone: whoever owns it then is asked.
  auto done = [where = sv, who = key, sink, request](ec code) {
    auto leader = where->where.owner_of(who.app, who.who);
    auto again = request;
    again.proven = code == ec::none;
    if (code == ec::none)
      caf::anon_send(leader, atom::attach::value, sink, std::move(again));
    else if (code == ec::moving || code == ec::outcome_unknown)
      caf::delayed_anon_send(leader, ask_again, atom::attach::value, sink, std::move(again));
    else
      caf::anon_send(sink, atom::attached::value,
          attached_note{request.feed, code, {}, reset_reason::none, 0, 0, 0});
  };
  auto code = log->submit({}, log->failures(), done);
  if (code != ec::none)
    done(code);
}

} // namespace shoal
