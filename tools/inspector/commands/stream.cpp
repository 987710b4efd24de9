#include <algorithm>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string draw(const json& x, const canvas& on) {
  std::string out;
  auto facts = json::object();
  for (const auto& [name, value] : x.items())
    if (name != "bizs" && !value.is_structured())
      facts[name] = value;
  out += print_table(facts, {}, on);
  for (const auto& biz : x.value("bizs", json::array())) {
    auto line = json::object();
    for (const auto& [name, value] : biz.items())
      if (!value.is_structured())
        line[name] = value;
    out.append("\n").append(print_table(json::array({line}), {}, on));
    if (auto i = biz.find("devices"); i != biz.end() && !i->empty())
      out += print_table(*i, {}, on);
  }
  if (auto i = x.find("relays"); i != x.end() && !i->empty())
    out.append("\nRelays, which hand it on to the devices of their nodes:\n")
        .append(print_table(*i, {}, on));
  return out;
}

} // namespace

command stream_command() {
  return {"stream", "A stream: owner, epoch, newest ids, who listens and how far they are",
      "  actor-inspector stream shop/user:u1\n"
      "  actor-inspector stream shop/global -o json\n",
      {{"key", "APP/user:ID, APP/device:ID or APP/global", argument::kind::positional, true}}, "",
      {}, {},
      [](const given& values, session& s) -> outcome {
        auto key = values.text("key");
        auto split = key.find('/');
        if (split == std::string::npos)
          throw bad_usage{"a stream is named APP/user:ID, APP/device:ID or APP/global"};
        auto target = "/inspect/streams/" + url_encoded(key.substr(0, split)) + "/" +
                      url_encoded(key.substr(split + 1));
        auto answers = s.all(target);
        // Every node knows the stream's partition; one of them has its actor. Relays are on all.
        auto relays = json::array();
        for (auto& x : answers)
          for (auto& row : x.data.value("relays", json::array())) {
            json with_node = {{"node", x.node}};
            with_node.update(row);
            relays.push_back(std::move(with_node));
          }
        auto active =
            std::ranges::find_if(answers, [](auto& x) { return x.data.value("active", false); });
        auto out = std::move(active == answers.end() ? answers.front().data : active->data);
        if (out.erase("relays") > 0 || !relays.empty())
          out["relays"] = std::move(relays);
        return {std::move(out)};
      },
      draw};
}

} // namespace shoal::inspector
