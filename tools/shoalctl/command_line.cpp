#include "tools/shoalctl/command_line.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

#include <CLI/CLI.hpp>

#include "protocol/percent.hpp"
#include "tools/shoalctl/render.hpp"
#include "tools/terminal/table.hpp"
#include "tools/terminal/unexpected_arguments.hpp"

namespace shoal::ctl {

namespace {

using kind = argument::kind;

constexpr auto clear_screen = "\x1b[H\x1b[2J";

std::string field_of(std::string_view name) {
  while (name.starts_with('-'))
    name.remove_prefix(1);
  std::string out{name};
  for (auto& c : out)
    if (c == '-')
      c = '_';
  return out;
}

json value_of(const argument& a, const given& values) {
  auto text = values.text(a.name);
  switch (a.how) {
  case kind::positional:
  case kind::text:
    return text;
  case kind::flag:
    return true;
  case kind::boolean:
    if (text != "true" && text != "false")
      throw bad_usage{std::string{a.name} + " must be true or false"};
    return text == "true";
  case kind::number: {
    auto number = json::parse(text, nullptr, false);
    if (!number.is_number_unsigned())
      throw bad_usage{std::string{a.name} + " must be a whole number"};
    return number;
  }
  case kind::list:
    return values.list(a.name);
  case kind::pairs: {
    auto out = json::object();
    for (const auto& pair : values.list(a.name)) {
      auto split = pair.find('=');
      if (split == std::string::npos || split == 0)
        throw bad_usage{std::string{a.name} + " wants name=value, not " + pair};
      out[pair.substr(0, split)] = pair.substr(split + 1);
    }
    return out;
  }
  }
  return nullptr;
}

// One command's arguments as options of CLI11; what is given lands in `values`.
void add_argument(CLI::App& to, const argument& a, given& values) {
  auto name = std::string{a.name};
  if (a.how == kind::flag) {
    to.add_flag_callback(
        name, [&values, name] { values.set(name, {"true"}); }, std::string{a.help});
    return;
  }
  auto take = CLI::callback_t{[&values, name](const CLI::results_t& given_values) {
    values.set(name, given_values);
    return true;
  }};
  auto option = to.add_option(name, take, std::string{a.help});
  option->required(a.required);
  if (a.how == kind::list || a.how == kind::pairs)
    option->delimiter(',')->allow_extra_args(false)->type_size(1)->expected(1)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
  else
    option->type_size(1)->expected(1);
}

/// `from`: where in the words the name of the command begins that belongs to `root`.
CLI::App& command_app(
    CLI::App& root, std::string_view words, std::string_view help, std::size_t from = 0) {
  auto split = words.find(' ', from);
  if (split == std::string_view::npos)
    return *root.add_subcommand(std::string{words.substr(from)}, std::string{help});
  auto group = std::string{words.substr(from, split - from)};
  auto known = root.get_subcommands([&](CLI::App* x) { return x->get_name() == group; });
  auto parent = known.empty()
                    ? root.add_subcommand(group, std::string{help_of_group(words.substr(0, split))})
                    : known.front();
  parent->require_subcommand(1);
  parent->fallthrough();
  return command_app(*parent, words, help, split + 1);
}

struct flags {
  std::string url, key, secret, ca, app, config, output = "table";
  bool insecure = false;
};

void add_flags(CLI::App& root, flags& x) {
  root.add_option("--url", x.url, "server, e.g. https://localhost:8443 ($SHOAL_URL)");
  root.add_option("--key", x.key, "key id ($SHOAL_KEY)");
  root.add_option(
      "--secret", x.secret, "its secret ($SHOAL_SECRET; others may see flags of processes)");
  root.add_option("--ca", x.ca, "PEM file with the certificate to trust ($SHOAL_CA)");
  root.add_option("--app", x.app, "app that commands are about ($SHOAL_APP)");
  root.add_flag("--insecure", x.insecure, "do not verify the server's certificate");
  root.add_option("--config", x.config, "settings file instead of ~/.config/shoal/shoalctl.toml");
  root.add_option("-o,--output", x.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
}

settings settings_of(const flags& x, const environment& env) {
  auto out = load_settings(env, x.config);
  for (auto [from, to] : {std::pair{&x.url, &out.url}, {&x.key, &out.key}, {&x.secret, &out.secret},
           {&x.ca, &out.ca}, {&x.app, &out.app}})
    if (!from->empty())
      *to = *from;
  out.insecure = out.insecure || x.insecure;
  return out;
}

void require_key(const settings& x) {
  if (x.key.empty() || x.secret.empty())
    throw bad_usage{
        "key and secret are missing: give --key and --secret, or set SHOAL_KEY and SHOAL_SECRET"};
}

std::string words_of(const refused& x) {
  auto text = [&](const char* field) {
    auto i = x.problem.find(field);
    return i != x.problem.end() && i->is_string() ? i->get<std::string>() : std::string{};
  };
  return terminal::harmless(text("code") + ": " + text("detail"));
}

/// Of a command that may do without a server: asked for key and address by the first call.
class late_caller : public caller {
public:
  late_caller(const settings& to, const surroundings& around) : to_{to}, around_{around} {}

  reply call(std::string_view method, std::string_view target, std::string_view body) override {
    return server().call(method, target, body);
  }
  reply plain(std::string_view method, std::string_view target, const header_list& headers,
      std::string_view body) override {
    return server().plain(method, target, headers, body);
  }

private:
  caller& server() {
    if (!server_) {
      require_key(to_);
      server_ = around_.connect(to_);
    }
    return *server_;
  }

  const settings& to_;
  const surroundings& around_;
  std::unique_ptr<caller> server_;
};

int run_chosen(
    const command& chosen, const given& values, const flags& x, const surroundings& around) {
  try {
    auto to = settings_of(x, around.env);
    if (chosen.needs_server)
      require_key(to);
    auto server = late_caller{to, around};
    auto live = around.terminal && x.output == "table";
    auto show = [&](const json& data) {
      if (live && chosen.draws_again)
        around.out << clear_screen;
      around.out << (x.output == "json" ? render_json(data) : render_table(data, chosen))
                 << std::flush;
    };
    auto s = session{server, to.app, show};
    s.connect_to = [&](const std::string& url) {
      auto there = to;
      there.url = url;
      return around.connect(there);
    };
    s.variable = [&](std::string_view name) { return around.env(name).value_or(""); };
    s.wait = around.wait;
    s.live = live;
    s.warn = [&](const std::string& words) {
      around.err << "shoalctl: warning: " << words << "\n" << std::flush;
    };
    return chosen.run(values, s);
  } catch (const refused& why) {
    around.err << "shoalctl: " << words_of(why) << "\n";
    return 1;
  } catch (const bad_usage& why) {
    around.err << "shoalctl: " << why.why << "\n";
    return 2;
  } catch (const unreachable& why) {
    around.err << "shoalctl: " << why.why << "\n";
    return 3;
  }
}

} // namespace

std::string given::text(std::string_view name, std::string_view otherwise) const {
  auto i = values_.find(name);
  return i == values_.end() || i->second.empty() ? std::string{otherwise} : i->second.back();
}

std::vector<std::string> given::list(std::string_view name) const {
  auto i = values_.find(name);
  return i == values_.end() ? std::vector<std::string>{} : i->second;
}

void given::set(std::string_view name, std::vector<std::string> values) {
  values_.insert_or_assign(std::string{name}, std::move(values));
}

json session::ask(std::string_view method, std::string_view target, const json& body) {
  auto answer = server.call(method, target, body.is_null() ? "" : body.dump());
  auto data = answer.body.empty() ? json{} : json::parse(answer.body, nullptr, false);
  if (answer.status >= 400)
    throw refused{
        data.is_object() ? data : json{{"code", "http " + std::to_string(answer.status)}}};
  if (data.is_discarded())
    throw unreachable{"the answer is not JSON; is this a Shoal server?"};
  return data;
}

std::string session::of_app(std::string_view rest) const {
  if (app.empty())
    throw bad_usage{"which app? give --app or set SHOAL_APP"};
  return "/v1/apps/" + url_encoded(app) + std::string{rest};
}

json body_of(const command& which, const given& values) {
  auto out = json::object();
  for (const auto& a : which.args)
    if (a.in_body && values.has(a.name))
      out[field_of(a.name)] = value_of(a, values);
  return out;
}

std::string read_file(const std::string& name) {
  if (name == "-")
    return {std::istreambuf_iterator<char>{std::cin}, {}};
  auto in = std::ifstream{name, std::ios::binary};
  if (!in)
    throw bad_usage{"cannot read " + name};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string url_encoded(std::string_view text) { return percent_encoded(text, "!$'()*,;:@"); }

std::string_view help_of_group(std::string_view words) {
  static constexpr std::pair<std::string_view, std::string_view> groups[] = {
      {"app", "Apps, and how their users prove who they are"},
      {"key", "Keys that sign calls of an app's servers and hellos of its devices"},
      {"biz", "Business types: how an app's ops behave"},
      {"sync", "Ops: send them, follow them, find out where they are"},
      {"device", "One device: look at it, send it away"},
      {"user", "One user's devices"},
      {"node", "Nodes of the cluster (operator)"},
      {"gateway", "The gateway in front of an app's backends"},
      {"gateway settings", "Switches, signatures, limits and CORS of the gateway"},
      {"gateway group", "Groups of backends, and how to reach them"},
      {"gateway service", "Instances that register themselves"},
      {"gateway auth", "Rules that ask who calls"},
      {"gateway proto", "Protobuf types that APIs convert to"},
      {"gateway api", "APIs: define, open, try, look back"},
      {"completion", "Scripts for shells"},
  };
  for (auto& [name, help] : groups)
    if (name == words)
      return help;
  return "";
}

const std::vector<command>& commands() {
  static const auto all = [] {
    auto out = tenant_commands();
    for (auto more : {sync_commands(), device_commands(), node_commands(), certificate_commands(),
             gateway_commands(), gateway_api_commands(), gateway_file_commands(),
             gateway_copy_commands(), gateway_code_commands(), gateway_top_commands()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

int run_command_line(std::vector<std::string> args, const surroundings& around) {
  auto root = CLI::App{"Talks to a Shoal server.", "shoalctl"};
  root.require_subcommand(1);
  root.fallthrough();
  root.set_version_flag("--version", SHOAL_VERSION);
  auto x = flags{};
  auto values = given{};
  add_flags(root, x);
  std::map<CLI::App*, const command*> by_app;
  for (const auto& c : commands()) {
    auto& app = command_app(root, c.words, c.help);
    app.fallthrough();
    for (const auto& a : c.args)
      add_argument(app, a, values);
    by_app[&app] = &c;
  }
  auto& completion = command_app(
      root, "completion bash", "A completion script: source <(shoalctl completion bash)");
  try {
    root.parse(std::vector<std::string>{args.rbegin(), args.rend()});
  } catch (const CLI::ExtrasError&) {
    around.err << "shoalctl: " << terminal::unexpected_arguments(root, args)
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

} // namespace shoal::ctl
