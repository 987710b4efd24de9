// Which connection is the link to a node: hellos, welcomes, and what follows from them. The data is
// in switchboard.hpp, the rules are in introduction.hpp.
#include <utility>

#include "cluster/links/switchboard.hpp"

namespace shoal::cluster::links {
namespace {

constexpr auto duplicate = "the two nodes are linked already";

} // namespace

std::string switchboard::objection(const connection& x, const agreement& terms) const {
  auto& said = *x.said();
  if (!terms.refusal.empty())
    return terms.refusal;
  if (!certificate_names(x.ssl(), said.node))
    return "the certificate does not name node " + readable(said.node);
  if (!x.dialed().empty() && x.dialed() != said.node)
    return "this node dialed " + x.dialed() + ", not " + said.node;
  if (!find(said.node))
    return said.node + " is not in the list of nodes of " + options_.self;
  return "";
}

void switchboard::on_hello(connection& x) {
  auto hold = x.shared_from_this();
  auto& said = *x.said();
  if (auto why = objection(x, agree(options_, said)); !why.empty())
    return x.close(why);
  x.node = find(said.node);
  auto& node = *x.node;
  auto replaced = "a newer start of " + said.node + " has taken its place";
  auto start = node.starts.meet(said.incarnation);
  if (start == incarnations::verdict::retired)
    return x.close(replaced);
  if (start == incarnations::verdict::newer)
    lower(node, replaced);
  if (x.dialed().empty())
    x.send_hello(make_hello(x));
  if (!is_chooser(options_.self, said.node) || !x.is_open())
    return;
  if (choose(node.link, said) == choice::duplicate)
    return x.close(duplicate);
  lower(node, "it lost the link and dialed again");
  adopt(node, x, {random_() | 1, false});
  x.send_welcome(node.link->link);
}

void switchboard::on_welcome(connection& x, std::uint64_t link) {
  auto node = x.node;
  if (!node || is_chooser(options_.self, node->address.name))
    return x.close("a welcome from the wrong side");
  lower(*node, "it took another connection");
  adopt(*node, x, {link, true});
  x.send_ready();
  if (x.is_open())
    raise(*node);
}

void switchboard::on_ready(connection& x) {
  auto node = x.node;
  if (!node || node->current.get() != &x || node->link->confirmed)
    return x.close("an answer without a welcome");
  node->link->confirmed = true;
  raise(*node);
}

void switchboard::adopt(peer& x, connection& on, chosen link) {
  auto hold = on.shared_from_this();
  std::erase(strangers_, hold);
  if (x.dialing == hold)
    x.dialing = nullptr;
  x.current = hold;
  x.link = link;
}

/// Both ends know the current connection now.
void switchboard::raise(peer& x) {
  auto link = x.current;
  if (auto attempt = std::exchange(x.dialing, nullptr))
    attempt->close(duplicate);
  auto terms = agree(options_, *link->said());
  x.last_link = x.link->link;
  {
    auto lock = std::lock_guard{x.mutex};
    x.info.incarnation = link->said()->incarnation;
    x.info.version = terms.version;
    x.up = true;
    x.refused_us = false;
    x.dial_error.clear();
    ++x.ups;
  }
  x.box.open(terms.window);
  link->raise(terms.window);
  if (handlers_.on_up)
    handlers_.on_up(x.info);
  link->flush();
}

/// Ends the current connection, if there is one.
void switchboard::lower(peer& x, const std::string& why) {
  auto link = std::exchange(x.current, nullptr);
  x.link.reset();
  if (!link)
    return;
  x.box.close();
  auto was_up = x.up;
  {
    auto lock = std::lock_guard{x.mutex};
    x.up = false;
    (was_up ? x.down_reason : x.dial_error) = why;
  }
  plan_redial(x);
  link->close(why);
  if (was_up && handlers_.on_down)
    handlers_.on_down(x.info, why);
}

// -- what connections say -------------------------------------------------------------------------

void switchboard::on_frame(connection& x, traffic kind, std::string body) {
  auto& node = *x.node;
  ++node.count.received;
  node.count.received_bytes += body.size();
  if (handlers_.on_frame)
    handlers_.on_frame(node.info, kind, std::move(body));
}

void switchboard::on_closed(connection& x, const std::string& why) {
  auto hold = x.shared_from_this();
  std::erase(strangers_, hold);
  auto node = x.node ? x.node : find(x.dialed());
  if (!node)
    return;
  if (node->current == hold)
    lower(*node, why);
  if (node->dialing != hold)
    return;
  node->dialing = nullptr;
  if (node->current)
    return;
  plan_redial(*node);
  auto lock = std::lock_guard{node->mutex};
  node->refused_us = hold->was_refused();
  node->dial_error = why;
}

} // namespace shoal::cluster::links
