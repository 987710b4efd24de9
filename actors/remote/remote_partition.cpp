#include "actors/remote/remote_partition.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

/// Sinks of held attaches that died in the meantime go with this.
constexpr auto attach_review = std::chrono::seconds{5};
/// A leader that is not the leader any more has this long to answer what it was asked before.
constexpr auto last_words = std::chrono::milliseconds{500};

} // namespace

// -- who leads -----------------------------------------------------------------------------------

void remote_partition_state::view_changed(const partition_view& x) {
  if (x.epoch < view.epoch)
    return;
  auto other = x.epoch != view.epoch || x.leader != view.leader;
  view = x;
  not_before = {};
  if (auto hub = sv->remote->hub(); hub && other)
    self->send(hub, atom::view::value, no);
  auto until = self->clock().now() + last_words;
  for (auto& [token, y] : jobs)
    if (!y.sent_to.empty() && y.sent_to != view.leader && !y.suspect)
      y.suspect = until;
  retry();
}

void remote_partition_state::refused(const std::string& by, std::uint64_t) {
  if (by != view.leader)
    return;
  not_before = self->clock().now() + sv->limit.move_retry;
  arm();
}

// -- attaches ------------------------------------------------------------------------------------

void remote_partition_state::attach(const feed_sink_actor& sink, const attach_request& request) {
  if (try_attach(sink, request))
    return;
  if (!attaches_since)
    attaches_since = self->clock().now();
  attaches.push_back({sink, request});
  arm();
}

bool remote_partition_state::try_attach(
    const feed_sink_actor& sink, const attach_request& request) {
  if (self->clock().now() < not_before || view.leader.empty())
    return false;
  if (view.leader == sv->remote->self) {
    if (sv->where.led_epoch(no) == 0)
      return false;
    self->send(sv->where.partition(no), atom::attach::value, sink, request);
    return true;
  }
  auto peer = sv->remote->ready(view.leader) ? sv->remote->peer(view.leader) : peer_actor{};
  if (!peer)
    return false;
  self->send(peer, atom::attach::value, sink,
      remote_attach{request, no, view.epoch, caf::actor_cast<remote_partition_actor>(self)});
  return true;
}

void remote_partition_state::detach(const feed_sink_actor& sink, std::uint32_t feed) {
  std::erase_if(attaches, [&](auto& x) { return x.sink == sink && x.request.feed == feed; });
}

// -- calls ---------------------------------------------------------------------------------------

void remote_partition_state::append(const append_call& call) {
  job x;
  x.call = std::make_shared<pb::Call>();
  put(*x.call->mutable_append(), call);
  x.client = call.client;
  x.client_call = call.call;
  for (auto& item : call.items)
    x.keyed.push_back(!item.op.client_key.empty());
  begin(std::move(x));
}

void remote_partition_state::commit(const commit_request& request) {
  job x;
  x.call = std::make_shared<pb::Call>();
  put(*x.call->mutable_commit(), request.rows);
  begin(std::move(x));
}

void remote_partition_state::ask(
    std::shared_ptr<pb::Call> call, std::function<void(const pb::Answer*)> done) {
  job x;
  x.call = std::move(call);
  x.done = std::move(done);
  begin(std::move(x));
}

void remote_partition_state::begin(job x) {
  x.bytes = x.call->ByteSizeLong();
  x.began = self->clock().now();
  x.deadline = x.began + sv->limit.move_patience;
  if (bytes + x.bytes > sv->limit.move_bytes && !jobs.empty())
    return give_up(x, ec::overloaded);
  auto token = ++next_token;
  if (try_send(token, x) && !x.client && !x.done)
    return; // lazy rows: nobody waits
  bytes += x.bytes;
  jobs.emplace(token, std::move(x));
  arm();
}

bool remote_partition_state::try_send(std::uint64_t token, job& x) {
  if (self->clock().now() < not_before || view.leader.empty())
    return false;
  remote_server_actor to;
  if (view.leader == sv->remote->self && sv->where.led_epoch(no) != 0)
    to = caf::actor_cast<remote_server_actor>(sv->remote->server());
  else if (view.leader != sv->remote->self && sv->remote->ready(view.leader))
    to = caf::actor_cast<remote_server_actor>(sv->remote->peer(view.leader));
  if (!to)
    return false;
  x.call->set_partition(raw(no));
  x.call->set_epoch(view.epoch);
  x.sent_to = view.leader;
  x.suspect.reset();
  auto waits = x.client || x.done;
  self->send(to, atom::call::value,
      remote_question{
          x.call, waits ? caf::actor_cast<remote_asker_actor>(self) : remote_asker_actor{}, token});
  return true;
}

void remote_partition_state::answered(const remote_answer& a) {
  auto i = jobs.find(a.token);
  if (i == jobs.end())
    return;
  auto x = std::move(i->second);
  jobs.erase(i);
  bytes -= x.bytes;
  if (a.what == outcome::not_sent)
    return hold(x, sv->limit.move_retry);
  if (a.what == outcome::lost)
    return fate_unknown(x);
  if (a.answer->refusal() != pb::ACCEPTED)
    return refused_call(x, *a.answer);
  if (x.client)
    return appended(x, *a.answer);
  x.done(a.answer.get());
}

void remote_partition_state::refused_call(job& x, const pb::Answer& answer) {
  switch (answer.refusal()) {
  case pb::BUSY:
    return give_up(x, ec::overloaded);
  case pb::INVALID:
    return give_up(x, ec::invalid_argument);
  case pb::UNKNOWN_BIZ: // perhaps its catalog is older than ours
    if (self->clock().now() - x.began >= sv->limit.catalog_patience)
      return give_up(x, ec::unknown_biz);
    [[fallthrough]];
  default:
    hold(x, sv->limit.move_retry);
  }
}

void remote_partition_state::appended(job& x, const pb::Answer& answer) {
  append_answer out{x.client_call, {}};
  std::vector<std::uint32_t> again;
  for (auto& item : answer.appended().results()) {
    auto result = take(item);
    if (result.code == ec::moving && self->clock().now() < x.deadline)
      again.push_back(result.index);
    else
      out.results.push_back(std::move(result));
  }
  if (!out.results.empty())
    self->send(x.client, atom::appended::value, std::move(out));
  if (again.empty())
    return;
  keep_items(x, [&](std::size_t i) {
    auto index = x.call->append().items(static_cast<int>(i)).index();
    return std::find(again.begin(), again.end(), index) != again.end();
  });
  hold(x, sv->limit.move_retry);
}

/// Its leader went away with it: a read and an append with a key can be asked again.
void remote_partition_state::fate_unknown(job& x) {
  x.unknown = true;
  if (x.client) {
    auto keyed = x.keyed;
    answer_items(x, ec::outcome_unknown, [&](std::size_t i) { return !keyed[i]; });
    keep_items(x, [&](std::size_t i) { return keyed[i]; });
    if (x.keyed.empty())
      return;
  } else if (x.call->has_change() || x.call->has_gateway()) {
    return give_up(x, ec::outcome_unknown);
  } else {
    x.call = std::make_shared<pb::Call>(*x.call); // the old one may still be read
  }
  hold(x, {});
}

void remote_partition_state::keep_items(
    job& x, const std::function<bool(std::size_t)>& wanted) const {
  auto call = std::make_shared<pb::Call>();
  auto& from = x.call->append();
  call->mutable_append()->set_app(from.app());
  std::vector<bool> keyed;
  for (std::size_t i = 0; i < x.keyed.size(); ++i)
    if (wanted(i)) {
      *call->mutable_append()->add_items() = from.items(static_cast<int>(i));
      keyed.push_back(x.keyed[i]);
    }
  x.call = std::move(call);
  x.keyed = std::move(keyed);
  x.bytes = x.call->ByteSizeLong();
}

void remote_partition_state::answer_items(
    const job& x, ec code, const std::function<bool(std::size_t)>& which) const {
  append_answer out{x.client_call, {}};
  for (std::size_t i = 0; i < x.keyed.size(); ++i)
    if (which(i))
      out.results.push_back(
          {x.call->append().items(static_cast<int>(i)).index(), code, {}, false, 0});
  if (!out.results.empty())
    self->send(x.client, atom::appended::value, std::move(out));
}

void remote_partition_state::give_up(job& x, ec code) {
  if (x.client)
    return answer_items(x, code, [](std::size_t) { return true; });
  if (!x.done)
    return; // lazy rows come again with the next change
  pb::Answer answer;
  answer.set_code(static_cast<std::uint32_t>(code));
  x.done(&answer);
}

void remote_partition_state::hold(job& x, std::chrono::milliseconds pause) {
  x.sent_to.clear();
  x.suspect.reset();
  if (pause > std::chrono::milliseconds{0})
    not_before = self->clock().now() + pause;
  if (self->clock().now() >= x.deadline)
    return give_up(x, x.unknown ? ec::outcome_unknown : ec::moving);
  auto token = ++next_token;
  if (try_send(token, x) && !x.client && !x.done)
    return;
  bytes += x.bytes;
  jobs.emplace(token, std::move(x));
  arm();
}

// -- time ----------------------------------------------------------------------------------------

void remote_partition_state::retry() {
  if (self->clock().now() < not_before)
    return;
  auto waiting = std::move(attaches);
  attaches.clear();
  while (!waiting.empty() && try_attach(waiting.front().sink, waiting.front().request))
    waiting.pop_front();
  attaches = std::move(waiting);
  if (attaches.empty())
    attaches_since.reset();
  for (auto i = jobs.begin(); i != jobs.end();) {
    auto& [token, x] = *i;
    if (!x.sent_to.empty() || !try_send(token, x)) {
      ++i;
      continue;
    }
    if (x.client || x.done) {
      ++i;
      continue;
    }
    bytes -= x.bytes;
    i = jobs.erase(i);
  }
}

void remote_partition_state::tick() {
  ticking = false;
  retry();
  auto now = self->clock().now();
  std::vector<std::uint64_t> over;
  for (auto& [token, x] : jobs) {
    auto silent = x.began + sv->limit.peer_timeout + sv->limit.move_retry; // the peer died
    if (x.sent_to.empty() ? now >= x.deadline : (x.suspect && now >= *x.suspect) || now >= silent)
      over.push_back(token);
  }
  for (auto token : over) {
    auto i = jobs.find(token);
    auto x = std::move(i->second);
    jobs.erase(i);
    bytes -= x.bytes;
    if (x.sent_to.empty())
      give_up(x, x.unknown ? ec::outcome_unknown : ec::moving);
    else
      fate_unknown(x);
  }
  if (attaches_since && now - *attaches_since >= attach_review) {
    attaches_since.reset();
    auto waiting = std::move(attaches);
    attaches.clear();
    for (auto& x : waiting)
      self->send(x.sink, atom::lost::value, feed_lost{x.request.feed});
  }
  arm();
}

void remote_partition_state::arm() {
  if (ticking || (jobs.empty() && attaches.empty()))
    return;
  ticking = true;
  self->delayed_send(self, sv->limit.move_retry, atom::tick::value);
}

std::string remote_partition_state::status() const {
  return nlohmann::json{{"partition", raw(no)}, {"leader", view.leader}, {"epoch", view.epoch},
      {"calls", jobs.size()}, {"held_attaches", attaches.size()}}
      .dump();
}

} // namespace shoal
