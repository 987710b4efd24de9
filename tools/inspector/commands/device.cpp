#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string draw(const json& x, const canvas& on) {
  auto facts = x;
  facts.erase("feeds");
  auto out = print_table(facts, {}, on);
  if (auto i = x.find("feeds"); i != x.end() && !i->empty())
    out.append("\n").append(print_table(*i, {}, on));
  return out;
}

} // namespace

command device_command() {
  return {"device", "A device: where it hangs, as whom, and how far each of its feeds is",
      "  actor-inspector device shop/d1\n"
      "  actor-inspector --cluster cluster.toml device shop/d1 -o yaml\n",
      {{"id", "APP/DEVICE", argument::kind::positional, true}}, "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto id = values.text("id");
        auto split = id.find('/');
        if (split == std::string::npos)
          throw bad_usage{"a device is named APP/DEVICE"};
        auto answers = s.all("/inspect/devices/" + url_encoded(id.substr(0, split)) + "/" +
                             url_encoded(id.substr(split + 1)));
        for (auto& x : answers)
          if (x.data.value("online", false))
            return {std::move(x.data)};
        return {std::move(answers.front().data)};
      },
      draw};
}

} // namespace shoal::inspector
