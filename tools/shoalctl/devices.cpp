// Commands about who is connected.
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

using kind = argument::kind;

const argument device_id{"device", "id of the device", kind::positional, true, false};
const std::vector<std::string_view> device_columns{
    "device", "user", "os", "app_version", "region", "peer", "connected_ms"};

} // namespace

std::vector<command> device_commands() {
  return {
      {"device show", "A device: live with its subscriptions, or as last seen", {device_id}, {}, "",
          [](const given& values, session& s) {
            s.emit(s.ask("GET", s.of_app("/devices/" + url_encoded(values.text("device")))));
            return 0;
          }},
      {"device kick", "Close a device's connection", {device_id}, {}, "",
          [](const given& values, session& s) {
            s.emit(s.ask("DELETE",
                s.of_app("/devices/" + url_encoded(values.text("device")) + "/connection")));
            return 0;
          }},
      {"user show", "A user's devices that are online",
          {{"user", "id of the user", kind::positional, true, false}}, device_columns, "devices",
          [](const given& values, session& s) {
            s.emit(s.ask("GET", s.of_app("/users/" + url_encoded(values.text("user")))));
            return 0;
          }},
      {"online", "Devices that are online",
          {{"--after", "device ids after this one", kind::text, false, false},
              {"--limit", "how many", kind::number, false, false}},
          device_columns, "devices",
          [](const given& values, session& s) {
            auto target = s.of_app("/online?limit=" + url_encoded(values.text("--limit", "100")));
            if (values.has("--after"))
              target += "&after=" + url_encoded(values.text("--after"));
            s.emit(s.ask("GET", target));
            return 0;
          }},
  };
}

} // namespace shoal::ctl
