#include "tests/faults/workload.hpp"

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {

using nlohmann::json;

workload::workload(std::vector<endpoint> nodes, test_app app, workload_plan plan, history& run)
    : nodes_{std::move(nodes)}, app_{std::move(app)}, plan_{plan}, history_{run}, random_{
                                                                                      plan.seed} {
  for (auto& x : nodes_)
    readers_.emplace_back(x, app_.admin, plan.patience_s);
}

void workload::begin() {
  create_bizs();
  create_devices();
}

std::string workload::must(const char* method, const std::string& path, const std::string& body,
    const std::string& query) {
  auto answer = test::http_answer{};
  auto next = std::size_t{0};
  auto answered = wait_until(plan_.read_patience_ms, [&] {
    answer = readers_[next++ % readers_.size()].call(method, path, body, query);
    return answer.status / 100 == 2;
  });
  if (!answered)
    throw std::runtime_error{std::string{method} + " " + path + " was answered with " +
                             std::to_string(answer.status) + ": " + answer.body.substr(0, 300)};
  return answer.body;
}

void workload::create_bizs() {
  auto put = [&](const std::string& biz, const std::string& settings) {
    must("PUT", app_.path("/biz/" + biz), settings);
  };
  put("ALL", R"({"scope":"global","target":"device","online":true})");
  put("EACH", R"({"target":"user","multi_device":true,"online":true})");
  put("ONE", R"({"target":"user","multi_device":false,"ack_timeout_s":1,"online":true})");
  put("OWN", R"({"target":"device","online":true})");
}

std::vector<std::string> workload::device_names() const {
  auto out = std::vector<std::string>{};
  for (std::size_t u = 0; u < plan_.users; ++u)
    for (std::size_t d = 0; d < plan_.devices_per_user; ++d)
      out.push_back(bench::numbered("u", u) + "-" + std::to_string(d));
  return out;
}

void workload::create_devices() {
  for (auto& name : device_names()) {
    auto plan = device_plan{};
    plan.hang_up = plan_.hang_up;
    plan.id = name;
    plan.user = name.substr(0, name.find('-'));
    plan.streams = {{"ALL", "global/ALL"}, {"EACH", "user:" + plan.user + "/EACH"},
        {"ONE", "user:" + plan.user + "/ONE"}, {"OWN", "device:" + plan.id + "/OWN"}};
    plan.seed = random_();
    for (auto& [biz, stream] : plan.streams)
      history_.expect_reader(stream, plan.id, biz == "ONE" ? sharing::one : sharing::each);
    devices_.push_back(std::make_unique<watched_device>(nodes_, app_, plan, history_));
  }
}

void workload::start_writers() {
  for (std::size_t i = 0; i < plan_.writers; ++i) {
    auto plan = writer_plan{};
    plan.number = i;
    plan.users = plan_.users;
    plan.devices_per_user = plan_.devices_per_user;
    plan.seed = random_();
    plan.pause_ms = plan_.writer_pause_ms;
    plan.patience_s = plan_.patience_s;
    writers_.push_back(std::make_unique<writer>(nodes_, app_, plan, history_));
  }
}

void workload::finish_writers() {
  for (auto& x : writers_)
    x->finish();
}

void workload::read_back(bool whole) {
  for (auto& stream : history_.streams())
    read(stream, whole ? 0 : read_[stream]);
}

void workload::read(const std::string& stream, std::uint64_t after) {
  for (auto more = true; more;) {
    auto page = json::parse(must("GET", app_.path("/streams/" + stream + "/ops"), "",
        "after=" + std::to_string(after) + "&limit=1000"));
    if (page.contains("damaged"))
      history_.broken(stream + ": damaged ops");
    for (auto& op : page["ops"]) {
      auto x =
          stored_op{op["id"].get<std::uint64_t>(), op.value("key", ""), op.value("payload", "")};
      if (op.contains("payload_base64"))
        unbase64(op["payload_base64"].get<std::string>(), x.payload);
      history_.stored(stream, x);
    }
    after = page["next_after"].get<std::uint64_t>();
    more = page["more"].get<bool>();
  }
  read_[stream] = after;
}

void workload::check_cursors() {
  for (auto& stream : history_.streams()) {
    if (history_.readers(stream).empty())
      continue;
    if (stream != "global/ALL")
      check_cursors(stream, "");
    else
      for (auto& name : device_names())
        check_cursors(stream, "device=" + name);
  }
}

void workload::check_cursors(const std::string& stream, const std::string& query) {
  auto page = json::parse(must("GET", app_.path("/streams/" + stream + "/cursors"), "", query));
  for (auto& cursor : page["cursors"]) {
    if (cursor.contains("error"))
      history_.broken(stream + ": damaged cursor");
    else
      history_.cursor(
          stream, cursor.value("device", ""), cursor["position"]["id"].get<std::uint64_t>());
    ++cursors_;
  }
}

void workload::await_devices(int patience_ms) {
  for (auto& x : devices_)
    x->never_hang_up();
  auto settled = wait_until(patience_ms, [this] {
    for (auto& stream : history_.streams())
      if (!reached(stream))
        return false;
    return true;
  });
  if (!settled)
    history_.broken("devices are still behind after " + std::to_string(patience_ms) + " ms");
  for (auto& x : devices_)
    connections_ += x->connections();
  devices_.clear(); // sends the last acknowledgements
}

workload::guests workload::guests_of(std::size_t node) const {
  auto out = guests{};
  for (auto& x : devices_)
    if (auto had = x->connections(); x->is_at(node))
      out[x->id()] = had;
  return out;
}

bool workload::came_back(const guests& all) const {
  return std::all_of(devices_.begin(), devices_.end(), [&](auto& x) {
    auto guest = all.find(x->id());
    return guest == all.end() || x->connections() > guest->second;
  });
}

std::uint64_t workload::asked_to_go() const {
  auto out = std::uint64_t{0};
  for (auto& x : devices_)
    out += x->asked_to_go();
  return out;
}

bool workload::reached(const std::string& stream) const {
  auto readers = history_.readers(stream);
  auto latest = history_.latest(stream);
  auto shared = stream.ends_with("/ONE");
  auto any = readers.empty(), all = true;
  for (auto& name : readers) {
    auto there = history_.position_of(stream, name) >= latest;
    any = any || there;
    all = all && there;
  }
  return shared ? any : all;
}

} // namespace shoal::faults
