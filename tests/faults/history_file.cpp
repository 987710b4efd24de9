#include "tests/faults/history_file.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <istream>
#include <ostream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "protocol/signing.hpp"
#include "tests/faults/history.hpp"

namespace shoal::faults {

using nlohmann::json;

namespace {

constexpr std::size_t longest_whole = 40;
constexpr std::size_t longest_begin = 24;
constexpr std::size_t digest_digits = 16;

bool is_plain(unsigned char x) {
  return x < 0x80 && (std::isalnum(x) != 0 || x == '-' || x == '_');
}

std::string name_of(const std::string& payload) {
  auto plain = std::find_if_not(payload.begin(), payload.end(), is_plain);
  if (plain == payload.end() && payload.size() <= longest_whole)
    return payload;
  auto begin = std::string{payload.begin(), plain}.substr(0, longest_begin);
  return begin + "#" + hex(sha256(payload)).substr(0, digest_digits);
}

sharing sharing_of(const std::string& x) {
  if (x != "each" && x != "one")
    throw std::invalid_argument{"sharing"};
  return x == "one" ? sharing::one : sharing::each;
}

/// False if it is the end. Throws if it is no event.
bool tell(const json& x, history_events& to) {
  auto text = [&](const char* name) { return x.at(name).get<std::string>(); };
  auto id = [&] { return x.at("id").get<std::uint64_t>(); };
  auto what = text("event");
  if (what == "end")
    return false;
  if (what == "attempted")
    to.attempted(text("stream"), text("key"), text("op"));
  else if (what == "acknowledged")
    to.acknowledged(text("stream"), text("op"), id());
  else if (what == "reader")
    to.expect_reader(text("stream"), text("device"), sharing_of(text("sharing")));
  else if (what == "handed")
    to.handed(text("stream"), text("device"), id(), text("op"));
  else if (what == "stored")
    to.stored(text("stream"), {id(), text("key"), text("op")});
  else if (what == "cursor")
    to.cursor(text("stream"), text("device"), id());
  else if (what == "broken")
    to.broken(text("text"));
  else
    throw std::invalid_argument{what};
  return true;
}

} // namespace

void history_file::line(const json& x) {
  to_ << x.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}

void history_file::attempted(
    const std::string& stream, const std::string& key, const std::string& payload) {
  line({{"event", "attempted"}, {"stream", stream}, {"key", key}, {"op", name_of(payload)}});
}

void history_file::acknowledged(
    const std::string& stream, const std::string& payload, std::uint64_t id) {
  line({{"event", "acknowledged"}, {"stream", stream}, {"id", id}, {"op", name_of(payload)}});
}

void history_file::expect_reader(
    const std::string& stream, const std::string& device, sharing how) {
  line({{"event", "reader"}, {"stream", stream}, {"device", device},
      {"sharing", how == sharing::one ? "one" : "each"}});
}

void history_file::handed(const std::string& stream, const std::string& device, std::uint64_t id,
    const std::string& payload) {
  line({{"event", "handed"}, {"stream", stream}, {"device", device}, {"id", id},
      {"op", name_of(payload)}});
}

void history_file::stored(const std::string& stream, const stored_op& op) {
  line({{"event", "stored"}, {"stream", stream}, {"id", op.id}, {"key", op.key},
      {"op", name_of(op.payload)}});
}

void history_file::cursor(const std::string& stream, const std::string& device, std::uint64_t id) {
  line({{"event", "cursor"}, {"stream", stream}, {"device", device}, {"id", id}});
}

void history_file::broken(const std::string& what) { line({{"event", "broken"}, {"text", what}}); }

void history_file::end() {
  line({{"event", "end"}});
  to_.flush();
}

replayed replay(std::istream& from, history_events& to) {
  auto out = replayed{};
  for (auto text = std::string{}; !out.ended && std::getline(from, text) && !from.eof();) {
    try {
      out.ended = !tell(json::parse(text), to);
      ++out.events;
    } catch (const std::exception&) {
      out.trouble = "line " + std::to_string(out.events + 1) + " is no event";
      return out;
    }
  }
  return out;
}

int judge(const std::string& path, std::ostream& out) {
  auto file = std::ifstream{path};
  auto run = history{};
  auto said = replay(file, run);
  auto n = run.count();
  auto problems = run.violations(said.ended);
  for (auto& x : problems)
    out << "VIOLATION " << x << '\n';
  out << said.events << " events: " << n.attempted << " attempted, " << n.acknowledged
      << " acknowledged, " << n.stored << " stored, " << n.handed << " handed, " << problems.size()
      << " violations\n";
  if (said.events == 0 || !said.trouble.empty()) {
    out << path << ": " << (said.trouble.empty() ? "holds no history" : said.trouble) << '\n';
    return 2;
  }
  if (!said.ended)
    out << "the run did not come to its end: what was not read back is not missed\n";
  return problems.empty() ? 0 : 1;
}

} // namespace shoal::faults
