// What a peer does as a pipe for calls: both ways, gathered into frames. The data is in peer.hpp.
#include "actors/remote/peer.hpp"

namespace shoal {

namespace {

constexpr std::size_t answers_kept = 32u << 20; // bytes, while the window is full

} // namespace

void peer_state::tell(const question& x, remote_answer::outcome what) {
  self->send(x.asker, atom::answer::value, remote_answer{x.token, what, nullptr});
}

void peer_state::ask(const remote_question& x) {
  question q{x.asker, x.token, self->clock().now() + sv->limit.peer_timeout, false};
  if (!linked || calls_blocked) {
    if (q.asker)
      tell(q, remote_answer::outcome::not_sent);
    return;
  }
  auto& out = *calls.add_calls();
  out = *x.call;
  call_bytes += out.ByteSizeLong();
  if (q.asker) {
    out.set_id(++next_question);
    questions.emplace(next_question, std::move(q));
  } else {
    out.clear_id();
  }
  if (call_bytes >= sv->limit.peer_frame)
    calls_blocked = !send_calls();
  schedule();
}

void peer_state::answer(const remote_answer& x) {
  if (!linked || !x.answer || call_bytes > answers_kept)
    return; // the asker's time will be over
  auto& out = *calls.add_answers();
  out = *x.answer;
  out.set_id(x.token);
  call_bytes += out.ByteSizeLong();
  if (call_bytes >= sv->limit.peer_frame && !calls_blocked)
    calls_blocked = !send_calls();
  schedule();
}

bool peer_state::send_calls() {
  if (calls.calls().empty() && calls.answers().empty())
    return true;
  if (sv->remote->send(node, cluster::traffic::calls, calls.SerializeAsString())) {
    for (auto& x : calls.calls())
      if (auto i = questions.find(x.id()); i != questions.end())
        i->second.sent = true;
    calls.Clear();
    call_bytes = 0;
    return true;
  }
  for (auto& x : calls.calls())
    if (auto i = questions.find(x.id()); i != questions.end()) {
      tell(i->second, remote_answer::outcome::not_sent);
      questions.erase(i);
    }
  calls.clear_calls(); // answers wait for the window
  call_bytes = calls.ByteSizeLong();
  return calls.answers().empty();
}

void peer_state::take_calls(const std::string& body) {
  pb::Calls in;
  if (!in.ParseFromString(body))
    return start_over("a frame of calls cannot be read");
  auto server = sv->remote->server();
  for (auto& x : *in.mutable_calls()) {
    auto asker = x.id() != 0 ? caf::actor_cast<remote_asker_actor>(self) : remote_asker_actor{};
    auto id = x.id();
    auto call = std::make_shared<pb::Call>();
    call->Swap(&x);
    if (server)
      self->send(server, atom::call::value, remote_question{std::move(call), asker, id});
  }
  for (auto& x : *in.mutable_answers()) {
    auto i = questions.find(x.id());
    if (i == questions.end())
      continue; // too late
    auto got = std::make_shared<pb::Answer>();
    got->Swap(&x);
    self->send(i->second.asker, atom::answer::value,
        remote_answer{i->second.token, remote_answer::outcome::answered, std::move(got)});
    questions.erase(i);
  }
}

} // namespace shoal
