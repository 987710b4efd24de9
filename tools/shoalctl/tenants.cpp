// Commands about apps, their keys, their bizs, and the record of changes.
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

using kind = argument::kind;

const argument biz_name{"biz", "name of the biz, e.g. DEVICE-LOCK", kind::positional, true, false};
const argument key_id{"key", "id of the key", kind::positional, true, false};

int enable(const given& values, session& s, bool on) {
  s.emit(
      s.ask("PATCH", s.of_app("/keys/" + url_encoded(values.text("key"))), json{{"enabled", on}}));
  return 0;
}

// Calls one path and shows the answer; `{biz}` and `{key}` stand for positionals.
auto simple(std::string_view method, std::string_view path) {
  return [method, path](const given& values, session& s) {
    auto rest = std::string{path};
    for (auto name : {"biz", "key"})
      if (auto at = rest.find(std::string{"{"}.append(name).append("}")); at != std::string::npos)
        rest.replace(at, std::string_view{name}.size() + 2, url_encoded(values.text(name)));
    s.emit(s.ask(method, s.of_app(rest)));
    return 0;
  };
}

/// A secret as it is, or from a file, which nobody sees in a list of processes.
std::string secret_of(const std::string& text) {
  if (!text.starts_with('@'))
    return text;
  auto out = read_file(text.substr(1));
  while (out.ends_with('\n') || out.ends_with('\r'))
    out.pop_back();
  return out;
}

command users_auth_command() {
  auto out = command{"app users-auth",
      "How devices prove for whom they speak; a secret that is made up is shown once",
      {{"mode",
           "hmac: tokens that your server signs; jwt; callback: Shoal asks your server; none: "
           "no device can bind a user",
           kind::positional, true, true},
          {"--secret", "of hmac and HS256: text, @FILE or @-; else the old one, or a new one",
              kind::text, false, false},
          {"--jwt-algorithm", "HS256, RS256 or ES256", kind::text, false, true},
          {"--public-key", "of RS256 and ES256: a PEM file", kind::text, false, false},
          {"--issuer", "of a jwt: must be this", kind::text, false, true},
          {"--audience", "of a jwt: must be this", kind::text, false, true},
          {"--callback-url", "of callback: where sessions are validated", kind::text, false, false},
          {"--bind-unverified",
              "true: bind users whose check failed, too, for all bizs that are neither "
              "--verified-only nor single-device. Anybody with the app can then read those of "
              "anybody",
              kind::boolean, false, true}},
      {}, "", {}};
  out.run = [out](const given& values, session& s) {
    auto body = body_of(out, values);
    if (values.has("--secret"))
      body["secret"] = secret_of(values.text("--secret"));
    if (values.has("--public-key"))
      body["public_key"] = read_file(values.text("--public-key"));
    if (values.has("--callback-url"))
      body["url"] = values.text("--callback-url");
    s.emit(s.ask("PUT", s.of_app("/users-auth"), body));
    return 0;
  };
  return out;
}

std::vector<command> app_commands() {
  return {
      {"app create",
          "Create an app; shows its first admin and device keys. Apps cannot be deleted (operator)",
          {{"id", "app or app@workspace", kind::positional, true, true},
              {"--description", "for people", kind::text, false, true}},
          {}, "",
          [](const given& values, session& s) {
            auto body = json{{"id", values.text("id")}};
            if (values.has("--description"))
              body["description"] = values.text("--description");
            s.emit(s.ask("POST", "/v1/apps", body));
            return 0;
          }},
      {"app list", "All apps (operator)", {}, {"id", "no", "description", "created_ms"}, "apps",
          [](const given&, session& s) {
            s.emit(s.ask("GET", "/v1/apps"));
            return 0;
          }},
      {"app show", "The app", {}, {}, "", simple("GET", "")},
      users_auth_command(),
      {"audit", "Who changed what, oldest first",
          {{"--server", "of the server itself: drains, log levels, apps (operator)", kind::flag,
               false, false},
              {"--after", "id of the last record seen", kind::text, false, false},
              {"--limit", "how many", kind::number, false, false}},
          {"time_ms", "by", "what", "note"}, "records",
          [](const given& values, session& s) {
            auto query = "/audit?limit=" + url_encoded(values.text("--limit", "100"));
            auto target = values.has("--server") ? "/v1" + query : s.of_app(query);
            if (values.has("--after"))
              target += "&after=" + url_encoded(values.text("--after"));
            s.emit(s.ask("GET", target));
            return 0;
          }},
  };
}

std::vector<command> key_commands() {
  auto create = command{"key create", "Make a key; its secret is shown once",
      {{"role", "read, write, admin or device", kind::positional, true, true},
          {"--note", "what it is for", kind::text, false, true}},
      {}, "", {}};
  create.run = [create](const given& values, session& s) {
    s.emit(s.ask("POST", s.of_app("/keys"), body_of(create, values)));
    return 0;
  };
  return {
      create,
      {"key list", "Keys, without secrets", {}, {"id", "role", "enabled", "note", "created_ms"},
          "keys", simple("GET", "/keys")},
      {"key disable", "Refuse what this key signs", {key_id}, {}, "",
          [](const given& values, session& s) { return enable(values, s, false); }},
      {"key enable", "Accept it again", {key_id}, {}, "",
          [](const given& values, session& s) { return enable(values, s, true); }},
      {"key delete", "Remove a key", {key_id}, {}, "", simple("DELETE", "/keys/{key}")},
  };
}

std::vector<command> biz_commands() {
  auto set = command{"biz set",
      "Create a biz, or change the settings that are given. Bizs cannot be deleted: see biz "
      "offline",
      {biz_name, {"--description", "for people", kind::text, false, true},
          {"--scope", "targeted or global; only at creation", kind::text, false, true},
          {"--target", "user or device; only at creation", kind::text, false, true},
          {"--multi-device", "true: every device of the user gets every op", kind::boolean, false,
              true},
          {"--persistent", "true: stored and replayed", kind::boolean, false, true},
          {"--verified-only", "true: only to verified users", kind::boolean, false, true},
          {"--retention-s", "seconds that ops are kept", kind::number, false, true},
          {"--repush-newest", "replay only the newest N; 0 = all", kind::number, false, true},
          {"--payload-max", "bytes", kind::number, false, true},
          {"--ack-timeout-s", "single-device: then another device is offered the op", kind::number,
              false, true},
          {"--online", "true: accept and deliver", kind::boolean, false, true}},
      {}, "", {}};
  set.run = [set](const given& values, session& s) {
    auto path = s.of_app("/biz/" + url_encoded(values.text("biz")));
    auto body = body_of(set, values);
    auto exists = s.server.call("GET", path, "").status == 200;
    s.emit(s.ask(exists && !body.empty() ? "PATCH"
                 : exists                ? "GET"
                                         : "PUT",
        path, exists && body.empty() ? json(nullptr) : body));
    return 0;
  };
  auto brief = [](command x) {
    x.line = {"name", "scope", "target", "persistent", "retention_s", "online"};
    return x;
  };
  return {
      brief(set),
      {"biz show", "One biz", {biz_name}, {}, "", simple("GET", "/biz/{biz}")},
      {"biz list", "All bizs", {},
          {"name", "scope", "target", "multi_device", "persistent", "online", "retention_s",
              "payload_max"},
          "bizs", simple("GET", "/biz")},
      brief({"biz online", "Accept and deliver from now on", {biz_name}, {}, "",
          simple("POST", "/biz/{biz}/online")}),
      brief({"biz offline", "Neither accept nor deliver", {biz_name}, {}, "",
          simple("POST", "/biz/{biz}/offline")}),
  };
}

} // namespace

std::vector<command> tenant_commands() {
  auto out = app_commands();
  for (auto more : {key_commands(), biz_commands()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

} // namespace shoal::ctl
