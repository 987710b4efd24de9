// What a port that claims to be a node's answers to actor-inspector: shown, or refused with a
// sentence. One line of the input is one answer.
#include <sstream>

#include "tests/fuzz/target.hpp"
#include "tools/inspector/command_line.hpp"

using namespace shoal::inspector;
namespace fuzz = shoal::fuzz;

namespace {

using words = std::vector<std::string>;

const std::vector<words> asked = {
    {"ls"},
    {"ls", "-o", "wide"},
    {"ls", "-o", "json"},
    {"ls", "-o", "yaml"},
    {"ls", "-o", "name"},
    {"ls", "--sort", "depth"},
    {"tree"},
    {"describe", "1"},
    {"stream", "shop/user:u1"},
    {"device", "shop/d1"},
    {"partitions"},
    {"nodes"},
    {"why", "1"},
    {"stuck"},
    {"dead"},
    {"sched"},
    {"check"},
    {"top"},
    {"trace", "--patience", "1"},
    {"kick", "shop/d1"},
    {"drain"},
    {"set-log", "debug"},
};

struct stranger : caller {
  explicit stranger(std::string_view in) : rest{in} {}

  reply next() {
    auto end = std::min(rest.find('\n'), rest.size());
    auto out = reply{200, std::string{rest.substr(0, end)}};
    if (end < rest.size()) // the last answer is repeated
      rest.remove_prefix(end + 1);
    return out;
  }
  reply get(const node_address&, const std::string&) override { return next(); }
  reply post(
      const node_address&, const std::string&, const std::string&, const operator_key&) override {
    return next();
  }

  std::string_view rest;
};

std::optional<std::string> env(std::string_view name) {
  if (name == "SHOAL_NODE")
    return "a:1"; // one node: its answers come in order
  return name == "SHOAL_KEY" || name == "SHOAL_SECRET" ? std::optional{"x"} : std::nullopt;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto command = asked[fuzz::take_byte(in) % asked.size()];
  std::ostringstream out, err;
  auto patience = 3;
  auto code = run_command_line(
      command, {out, err, env, [&] { return std::make_unique<stranger>(in); },
                   [&](std::chrono::milliseconds) { return patience-- > 0; }, false});
  fuzz::require(code >= 0 && code <= 3, "an exit code that means nothing");
  for (auto c : out.str() + err.str())
    fuzz::require(static_cast<unsigned char>(c) >= ' ' || c == '\n', "bytes a terminal acts upon");
  return 0;
}
