#include "tools/shoalctl/settings.hpp"

#include <filesystem>
#include <limits> // cpptoml forgets it

#include <cpptoml.h>

#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

std::string default_file(const environment& env) {
  if (auto base = env("XDG_CONFIG_HOME"); base && !base->empty())
    return *base + "/shoal/shoalctl.toml";
  auto home = env("HOME");
  return home ? *home + "/.config/shoal/shoalctl.toml" : "";
}

void take(const cpptoml::table& from, settings& to, const std::string& file) {
  for (const auto& [name, value] : from) {
    auto text = name == "url"      ? &to.url
                : name == "key"    ? &to.key
                : name == "secret" ? &to.secret
                : name == "ca"     ? &to.ca
                : name == "app"    ? &to.app
                                   : nullptr;
    if (auto given = value->as<std::string>(); text && given)
      *text = given->get();
    else if (auto flag = value->as<bool>(); name == "insecure" && flag)
      to.insecure = flag->get();
    else
      throw bad_usage{
          file + ": " + name +
          " is not one of url, key, secret, ca, app (strings) and insecure (true or false)"};
  }
}

} // namespace

settings load_settings(const environment& env, const std::string& named_file) {
  auto out = settings{};
  auto file = named_file.empty() ? default_file(env) : named_file;
  if (!named_file.empty() || std::filesystem::exists(file)) {
    try {
      take(*cpptoml::parse_file(file), out, file);
    } catch (const cpptoml::parse_exception& e) {
      throw bad_usage{file + ": " + e.what()};
    }
  }
  for (auto [name, to] : {std::pair{"SHOAL_URL", &out.url}, {"SHOAL_KEY", &out.key},
           {"SHOAL_SECRET", &out.secret}, {"SHOAL_CA", &out.ca}, {"SHOAL_APP", &out.app}})
    if (auto value = env(name); value && !value->empty())
      *to = *value;
  return out;
}

} // namespace shoal::ctl
