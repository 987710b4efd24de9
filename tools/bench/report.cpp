#include "tools/bench/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "tools/bench/machine/child.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

namespace {

using json = nlohmann::ordered_json;

std::size_t size_of(const std::string& name, const options& x) {
  const auto sizes = std::map<std::string, std::size_t>{{"devices", x.devices},
      {"handshakes", x.handshakes}, {"concurrency", x.concurrency}, {"payload", x.payload},
      {"rounds", x.rounds}, {"burst_rounds", x.burst_rounds}, {"burst", x.burst},
      {"users", x.users}, {"ops", x.ops}, {"publishers", x.publishers}, {"batch", x.batch},
      {"rate", x.rate}, {"jetstream_rate", x.jetstream_rate}, {"callers", x.callers},
      {"seconds", x.seconds}, {"backlog", x.backlog}, {"streams", x.streams},
      {"cluster_rate", x.cluster_rate}, {"cluster_devices", x.cluster_devices}, {"kills", x.kills},
      {"gateway_seconds", x.gateway_seconds}, {"crowd", x.crowd}, {"soak_calls", x.soak_calls},
      {"soak_changes", x.soak_changes}};
  return sizes.at(name);
}

std::vector<std::string> words(const std::string& text) {
  auto in = std::istringstream{text};
  auto result = std::vector<std::string>{};
  for (auto word = std::string{}; in >> word;)
    result.push_back(word);
  return result;
}

/// Four significant digits are more than a run is worth.
double rounded(double x) {
  if (x == 0 || !std::isfinite(x))
    return 0;
  auto scale = std::pow(10, 3 - std::floor(std::log10(std::abs(x))));
  return std::round(x * scale) / scale;
}

std::string in_words(double x) {
  auto out = std::ostringstream{};
  out.precision(10);
  out << rounded(x);
  return out.str();
}

std::string cpu_name() {
  auto in = std::ifstream{"/proc/cpuinfo"};
  for (auto line = std::string{}; std::getline(in, line);) {
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

} // namespace

void result_table::add(const std::string& contender, const figures& found) {
  if (std::find(contenders_.begin(), contenders_.end(), contender) == contenders_.end())
    contenders_.push_back(contender);
  for (auto& x : found) {
    auto same = [&](const row& r) { return r.what.metric == x.metric; };
    auto i = std::find_if(rows_.begin(), rows_.end(), same);
    if (i == rows_.end())
      i = rows_.insert(rows_.end(), row{x, {}});
    i->values[contender] = x.value;
  }
}

void result_table::add_failure(const std::string& contender, const std::string& why) {
  failures_[contender] = why;
}

std::string result_table::json_lines() const {
  auto result = std::string{};
  for (auto& r : rows_) {
    auto line = json{{"scenario", scenario_.name}, {"metric", r.what.metric}, {"unit", r.what.unit},
        {"better", r.what.which == better::higher ? "higher" : "lower"}, {"shoal", nullptr},
        {"peer", json::object()}, {"ratio", json::object()}};
    auto own = r.values.find("shoal");
    if (own != r.values.end())
      line["shoal"] = rounded(own->second);
    for (auto& [name, value] : r.values) {
      if (name == "shoal")
        continue;
      line["peer"][name] = rounded(value);
      if (own != r.values.end() && value != 0)
        line["ratio"][name] = rounded(own->second / value);
    }
    for (auto& name : words(scenario_.sizes))
      line["sizes"][name] = size_of(name, wishes_);
    result += line.dump() + "\n";
  }
  for (auto& [name, why] : failures_)
    result += json{{"scenario", scenario_.name}, {"failed", name}, {"why", why}}.dump() + "\n";
  return result;
}

std::string result_table::markdown() const {
  auto out = std::ostringstream{};
  out << "\n## " << scenario_.name << "\n\n"
      << scenario_.help << ". Sizes: " << sizes_text() << ".\n\n| metric | unit |";
  for (auto& x : contenders_)
    out << ' ' << x << " |";
  out << "\n| --- | --- |";
  for (auto i = std::size_t{0}; i < contenders_.size(); ++i)
    out << " --- |";
  for (auto& r : rows_) {
    out << "\n| " << r.what.metric << " | " << r.what.unit << " |";
    auto own = r.values.find("shoal");
    for (auto& name : contenders_) {
      auto i = r.values.find(name);
      out << ' ' << (i == r.values.end() ? "-" : in_words(i->second));
      if (i != r.values.end() && own != r.values.end() && name != "shoal" && i->second != 0)
        out << " (x " << in_words(own->second / i->second) << ')';
      out << " |";
    }
  }
  out << '\n';
  for (auto& [name, why] : failures_)
    out << "\n`" << name << "` failed: " << why.substr(0, why.find('\n')) << '\n';
  return out.str();
}

std::string result_table::sizes_text() const {
  auto result = std::string{};
  for (auto& name : words(scenario_.sizes))
    result += (result.empty() ? "" : ", ") + name + numbered(" ", size_of(name, wishes_));
  return result;
}

std::string report_head() {
  auto now = std::time(nullptr);
  auto day = std::array<char, 32>{};
  auto parts = std::tm{};
  std::strftime(day.data(), day.size(), "%Y-%m-%d %H:%M UTC", ::gmtime_r(&now, &parts));
  return std::string{"# Benchmark of "} + day.data() +
         numbered("\n\nMachine: ", std::thread::hardware_concurrency()) + " x " + cpu_name() +
         ", shared by server and load generator; load before the run " + in_words(load_average()) +
         ". In brackets: Shoal's figure divided by this "
         "one's. "
         "Figures drift from run to run, the ratios less; tools/bench/README.md says what each "
         "means.\n";
}

} // namespace shoal::bench
