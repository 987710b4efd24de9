#include "protocol/http/h2_tunnels.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/http/nghttp2_types.hpp"

namespace shoal::http {

/// Where nghttp2 gets the bytes of DATA frames from.
struct h2_tunnels::reading {
  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t room,
      std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& me = *static_cast<h2_tunnels*>(source->ptr);
    auto* x = me.find(static_cast<std::uint32_t>(id));
    if (!x)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (x->out.empty() && !x->out_over)
      return NGHTTP2_ERR_DEFERRED;
    auto n = fill({reinterpret_cast<char*>(to), room}, x->out);
    me.sent_ += n;
    if (x->out.empty() && x->out_over) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      x->end_sent = true;
    }
    return static_cast<ssize_t>(n);
  }

  static std::size_t fill(std::span<char> room, outbox& from) {
    auto n = std::size_t{0};
    while (n < room.size() && !from.empty()) {
      auto rest = room.subspan(n);
      auto bytes = from.next(rest).substr(0, rest.size());
      if (bytes.data() != rest.data()) // gathered there already
        std::ranges::copy(bytes, rest.begin());
      from.pop(bytes.size());
      n += bytes.size();
    }
    return n;
  }
};

std::vector<std::uint32_t> h2_tunnels::take_stirred() {
  for (auto stream : stirred_)
    if (auto* x = find(stream))
      x->stirred = false;
  return std::exchange(stirred_, {});
}

std::string h2_tunnels::take(std::uint32_t stream, std::size_t most) {
  auto* x = find(stream);
  if (!x)
    return {};
  auto out = x->in.substr(x->taken, most);
  x->taken += out.size();
  held_ -= out.size();
  if (x->taken == x->in.size()) {
    x->in = std::string{};
    x->taken = 0;
  }
  if (!out.empty())
    nghttp2_session_consume_stream(session_, static_cast<std::int32_t>(stream), out.size());
  return out;
}

bool h2_tunnels::heard_all(std::uint32_t stream) const {
  auto* x = find(stream);
  return x && x->in_over && x->in.empty();
}

void h2_tunnels::send(std::uint32_t stream, shared_bytes bytes) {
  auto* x = find(stream);
  if (!x || x->out_over)
    return;
  x->out.push(std::move(bytes));
  nghttp2_session_resume_data(session_, static_cast<std::int32_t>(stream));
}

std::size_t h2_tunnels::unsent(std::uint32_t stream) const {
  auto* x = find(stream);
  return x ? x->out.cost() : 0;
}

std::size_t h2_tunnels::unsent() const {
  auto out = std::size_t{0};
  for (auto& [stream, x] : tunnels_)
    out += x.out.cost();
  return out;
}

void h2_tunnels::forget_unsent(std::uint32_t stream) {
  if (auto* x = find(stream))
    x->out.keep_only(0);
}

void h2_tunnels::finish(std::uint32_t stream) {
  auto* x = find(stream);
  if (!x || std::exchange(x->out_over, true))
    return;
  hear_no_more(*x);
  nghttp2_session_resume_data(session_, static_cast<std::int32_t>(stream));
}

void h2_tunnels::cut(std::uint32_t stream) {
  auto* x = find(stream);
  if (!x)
    return;
  hear_no_more(*x);
  reset(stream, x->end_sent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
}

h2_tunnels::tunnel* h2_tunnels::find(std::uint32_t stream) {
  auto found = tunnels_.find(stream);
  return found == tunnels_.end() ? nullptr : &found->second;
}

const h2_tunnels::tunnel* h2_tunnels::find(std::uint32_t stream) const {
  auto found = tunnels_.find(stream);
  return found == tunnels_.end() ? nullptr : &found->second;
}

void h2_tunnels::stir(std::uint32_t stream, tunnel& x) {
  if (!std::exchange(x.stirred, true))
    stirred_.push_back(stream);
}

void h2_tunnels::hear_no_more(tunnel& x) {
  x.deaf = true;
  held_ -= x.in.size() - x.taken;
  x.in = std::string{};
  x.taken = 0;
}

void h2_tunnels::reset(std::uint32_t stream, std::uint32_t why) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(stream), why);
}

void h2_tunnels::open(std::uint32_t stream, const fields& head) {
  auto list = std::vector<nghttp2_nv>{};
  list.reserve(head.size());
  for (auto& [name, value] : head)
    list.push_back(nghttp2_field(name, value));
  auto provider = nghttp2_data_provider{};
  provider.source.ptr = this;
  provider.read_callback = &reading::read;
  nghttp2_submit_response(
      session_, static_cast<std::int32_t>(stream), list.data(), list.size(), &provider);
}

void h2_tunnels::refuse(std::uint32_t stream) {
  auto* x = find(stream);
  if (!x)
    return;
  hear_no_more(*x);
  tunnels_.erase(stream);
}

void h2_tunnels::on_data(std::uint32_t stream, std::string_view bytes) {
  auto* x = find(stream);
  if (!x || x->deaf)
    return; // its window stays shut
  if (x->taken != 0) {
    x->in.erase(0, x->taken);
    x->taken = 0;
  }
  x->in.append(bytes);
  held_ += bytes.size();
  stir(stream, *x);
}

void h2_tunnels::on_end(std::uint32_t stream) {
  auto* x = find(stream);
  if (!x || std::exchange(x->in_over, true))
    return;
  stir(stream, *x);
}

void h2_tunnels::on_close(std::uint32_t stream) {
  auto* x = find(stream);
  if (!x)
    return;
  hear_no_more(*x);
  stir(stream, *x);
  tunnels_.erase(stream);
}

/// Whoever has said more than is listened to pays for the loop's memory.
void h2_tunnels::shed() {
  for (auto& [stream, x] : tunnels_) {
    if (x.in.empty())
      continue;
    hear_no_more(x);
    reset(stream, NGHTTP2_ENHANCE_YOUR_CALM);
  }
}

} // namespace shoal::http
