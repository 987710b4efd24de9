#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

using kind = argument::kind;

const std::vector<std::string_view> list_columns{
    "node", "id", "kind", "label", "rate", "busy", "state", "depth", "age_us", "handled", "bytes"};

json look(const given& values, session& s) {
  auto sort = values.text("--sort", "busy");
  auto limit = values.number("--limit", 20);
  auto target = "/inspect/actors?sort=" + url_encoded(sort) + "&limit=" + std::to_string(limit);
  if (values.has("--kind"))
    target += "&kind=" + url_encoded(values.text("--kind"));
  auto rows = json::array();
  auto nodes = json::array();
  for (auto& x : s.all(target)) {
    nodes.push_back({{"node", x.node}, {"actors", x.data["total"]},
        {"window_ms", x.data.value("window_ms", 0)}});
    for (auto& row : x.data["actors"])
      rows.push_back(row_of(x.node, row));
  }
  auto field = sort == "busy" ? "busy" : "rate";
  std::stable_sort(rows.begin(), rows.end(),
      [&](const json& x, const json& y) { return x.value(field, 0.0) > y.value(field, 0.0); });
  if (rows.size() > limit)
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(limit), rows.end());
  return {{"nodes", std::move(nodes)}, {"actors", std::move(rows)}};
}

std::string draw(const json& x, const canvas& on) {
  std::string out;
  for (const auto& node : x["nodes"])
    out += node.value("node", "") + ": " + std::to_string(node.value("actors", 0)) +
           " actors, over the last " + time_text(node.value("window_ms", 0.0) * 1e3) + "\n";
  auto columns = command{"", "", "", {}, "actors", list_columns, {}, {}, {}};
  return out + print_table(x["actors"], columns, on);
}

} // namespace

command top_command() {
  return {"top", "The busiest actors: what they did within a window; live on a terminal",
      "  actor-inspector top\n"
      "  actor-inspector top --sort rate --kind device --every 1000\n"
      "  actor-inspector top --once -o json\n",
      {{"--sort", "busy (share of a core in handlers) or rate (messages per second)", kind::text,
           false},
          {"--kind", "only actors of this kind", kind::text, false},
          {"--limit", "how many (20)", kind::number, false},
          {"--every", "milliseconds of a window (2000)", kind::number, false},
          {"--count", "end after so many windows; 1 unless on a terminal", kind::number, false},
          {"--once", "one window, also on a terminal", kind::flag, false}},
      "actors", {}, {},
      [](const given& values, session& s) -> outcome {
        auto sort = values.text("--sort", "busy");
        if (sort != "busy" && sort != "rate")
          throw bad_usage{"--sort must be busy or rate"};
        auto every = std::chrono::milliseconds{values.number("--every", 2000)};
        auto count = values.number("--count", s.live && !values.has("--once") ? UINT64_MAX : 1);
        look(values, s); // the beginning of the first window
        for (std::uint64_t i = 1; s.wait(every); ++i) {
          auto data = look(values, s);
          if (i >= count)
            return {std::move(data)};
          s.show(data);
        }
        return {json(json::value_t::discarded)};
      },
      draw};
}

} // namespace shoal::inspector
