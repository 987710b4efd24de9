#include "tools/inspector/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tools/inspector/printers.hpp"
#include "tools/terminal/unexpected_arguments.hpp"

namespace shoal::inspector {

namespace {

using kind = argument::kind;

constexpr auto clear_screen = "\x1b[H\x1b[2J";

void add_argument(CLI::App& to, const argument& a, given& values) {
  auto name = std::string{a.name};
  if (a.how == kind::flag) {
    to.add_flag_callback(
        name, [&values, name] { values.set(name, "true"); }, std::string{a.help});
    return;
  }
  auto take = CLI::callback_t{[&values, name](const CLI::results_t& xs) {
    values.set(name, xs.back());
    return true;
  }};
  to.add_option(name, take, std::string{a.help})
      ->required(a.required)
      ->type_size(1)
      ->expected(1)
      ->type_name(a.how == kind::number ? "N" : "TEXT");
}

struct flags {
  std::string nodes, cluster, output = "table";
};

void add_flags(CLI::App& root, flags& x) {
  root.add_option("--node", x.nodes,
      "admin port of a node, or several with commas: 127.0.0.1:9464 ($SHOAL_NODE); with a "
      "cluster's "
      "configuration also names: n3");
  root.add_option(
      "--cluster", x.cluster, "configuration of a cluster: asks all its nodes ($SHOAL_CLUSTER)");
  root.add_option("-o,--output", x.output, "table, wide, json, yaml or name")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
}

std::string printed(const json& data, const command& of, const std::string& how, const canvas& on) {
  if (how == "json")
    return print_json(data);
  if (how == "yaml")
    return print_yaml(data);
  if (how == "name")
    return print_names(data, of);
  return print_table(harmless(data), of, on);
}

int run_chosen(
    const command& chosen, const given& values, const flags& x, const surroundings& around) {
  auto say = [&](const std::string& why) {
    around.err << "actor-inspector: " << harmless(why) << "\n";
  };
  try {
    auto nodes = find_nodes(around.env, x.nodes, x.cluster);
    auto http = around.connect();
    auto env = [&](const char* name) { return around.env(name).value_or(""); };
    auto s = session{std::move(nodes), *http, {env("SHOAL_KEY"), env("SHOAL_SECRET")}};
    auto on = canvas{around.terminal && env("NO_COLOR").empty(), x.output == "wide"};
    s.live = around.terminal && (x.output == "table" || x.output == "wide");
    s.wait = around.wait;
    s.say = say;
    s.show = [&](const json& data) {
      if (s.live)
        around.out << clear_screen;
      around.out << printed(data, chosen, x.output, on) << std::flush;
    };
    auto done = chosen.run(values, s);
    if (!done.data.is_discarded())
      around.out << printed(done.data, chosen, x.output, on) << std::flush;
    for (auto& [node, why] : s.silent())
      say("no answer from " + node + ": " + why);
    return done.code == 0 && !s.silent().empty() ? 3 : done.code;
  } catch (const refused& why) {
    say(why.node.empty() ? why.why : why.node + ": " + why.why);
    return 1;
  } catch (const bad_usage& why) {
    say(why.why);
    return 2;
  } catch (const unreachable& why) {
    say(why.why);
    return 3;
  } catch (const json::exception& why) {
    say(std::string{"a node's answer is not what was asked for: "} + why.what());
    return 3;
  }
}

} // namespace

std::string given::text(std::string_view name, std::string_view otherwise) const {
  auto i = values_.find(name);
  return i == values_.end() ? std::string{otherwise} : i->second;
}

std::uint64_t given::number(std::string_view name, std::uint64_t otherwise) const {
  if (!has(name))
    return otherwise;
  auto value = text(name);
  auto out = std::uint64_t{0};
  auto [end, err] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (err != std::errc{} || end != value.data() + value.size())
    throw bad_usage{std::string{name} + " must be a whole number"};
  return out;
}

void given::set(std::string_view name, std::string value) {
  values_.insert_or_assign(std::string{name}, std::move(value));
}

int run_command_line(std::vector<std::string> args, const surroundings& around) {
  auto root =
      CLI::App{"Looks into the actors of a Shoal node, or of a whole cluster.", "actor-inspector"};
  root.require_subcommand(1);
  root.fallthrough();
  root.set_version_flag("--version", SHOAL_VERSION);
  auto x = flags{};
  auto values = given{};
  add_flags(root, x);
  std::map<CLI::App*, const command*> by_app;
  for (const auto& c : commands()) {
    auto& app = *root.add_subcommand(std::string{c.name}, std::string{c.help});
    app.fallthrough();
    app.footer("Examples:\n" + std::string{c.example});
    for (const auto& a : c.args)
      add_argument(app, a, values);
    by_app[&app] = &c;
  }
  auto& completion = *root.add_subcommand(
      "completion", "A bash completion script: source <(actor-inspector completion)");
  try {
    root.parse(std::vector<std::string>{args.rbegin(), args.rend()});
  } catch (const CLI::ExtrasError&) {
    around.err << "actor-inspector: " << terminal::unexpected_arguments(root, args)
               << "\nRun with --help for more information.\n";
    return 2;
  } catch (const CLI::ParseError& e) {
    return root.exit(e, around.out, around.err) == 0 ? 0 : 2;
  }
  if (completion.parsed()) {
    around.out << bash_completion();
    return 0;
  }
  for (const auto& [app, chosen] : by_app)
    if (app->parsed())
      return run_chosen(*chosen, values, x, around);
  return 2;
}

} // namespace shoal::inspector
