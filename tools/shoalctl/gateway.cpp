// Commands about what an app's gateway is made of besides its APIs: settings, groups of backends,
// authorization rules, protobuf types.
#include "protocol/signing.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

const argument name_of{"name", "its name", kind::positional, true, false};
const argument file{"--file", "JSON with any of its fields; - is standard input", kind::text};

std::string path_of(const given& values, const session& s, std::string_view part) {
  return s.of_app("/gateway/" + std::string{part} + "/" + url_encoded(values.text("name")));
}

json document(const given& values) {
  if (!values.has("--file"))
    return json::object();
  auto out = json::parse(read_file(values.text("--file")), nullptr, false);
  if (!out.is_object())
    throw bad_usage{values.text("--file") + " holds no JSON object"};
  return out;
}

auto show(std::string_view part) {
  return [part](const given& values, session& s) {
    s.emit(s.ask("GET", path_of(values, s, part)));
    return 0;
  };
}

auto remove(std::string_view part) {
  return [part](const given& values, session& s) {
    s.emit(s.ask("DELETE", path_of(values, s, part)));
    return 0;
  };
}

auto list(std::string_view part) {
  return [part](const given&, session& s) {
    s.emit(s.ask("GET", s.of_app("/gateway/" + std::string{part})));
    return 0;
  };
}

std::vector<command> settings_commands() {
  auto set = command{"gateway settings set", "Change the settings that are given",
      {file, {"--enabled", "true: calls are taken at all", kind::boolean, false, true},
          {"--sign", "true: signatures are checked", kind::boolean, false, true},
          {"--encrypt", "true: encrypted calls are understood", kind::boolean, false, true},
          {"--limit", "true: limits hold", kind::boolean, false, true},
          {"--mock", "true: mocks answer", kind::boolean, false, true},
          {"--timestamp-window-ms", "how far a caller's clock may be off", kind::number, false,
              true},
          {"--need-nonce", "true: a call works once", kind::boolean, false, true},
          {"--sign-types", "any of MD5, HMACSHA256, RSASHA256, SM3", kind::list, false, true},
          {"--secret", "what clients sign with (others may see flags of processes)", kind::text,
              false, true},
          {"--hosts", "names whose REST calls belong to the app", kind::list, false, true}},
      {}, "", {}};
  set.run = [set](const given& values, session& s) {
    auto body = document(values);
    body.update(body_of(set, values));
    if (body.empty())
      throw bad_usage{"say what to change"};
    s.emit(s.ask("PATCH", s.of_app("/gateway/settings"), body));
    return 0;
  };
  set.line = {"enabled", "sign", "encrypt", "limit", "mock", "need_nonce"};
  return {{"gateway settings show", "Switches, limits, CORS, texts; without secrets", {}, {}, "",
              list("settings")},
      set};
}

std::vector<command> group_commands() {
  auto set = command{"gateway group set", "Create a group of backends, or change what is given",
      {name_of, file, {"--description", "for people", kind::text, false, true},
          {"--kind", "http, grpc or local", kind::text, false, true},
          {"--protocol", "http1 or h2", kind::text, false, true},
          {"--upstreams", "host:port of each instance; weights and tags by --file", kind::list},
          {"--service", "instances are those that register for this service", kind::text},
          {"--local", "the backend is this actor of the node, e.g. sync", kind::text},
          {"--etcd", "instances are those below this prefix in etcd", kind::text},
          {"--balancing", "round_robin, least_requests or user_hash", kind::text, false, true},
          {"--path-prefix", "before each API's path", kind::text, false, true},
          {"--timeout-ms", "of calls; 0: 3000", kind::number, false, true},
          {"--draining", "true: takes no new calls", kind::boolean, false, true}},
      {}, "", {}};
  set.run = [set](const given& values, session& s) {
    auto body = document(values);
    body.update(body_of(set, values));
    for (auto& address : values.list("--upstreams"))
      body["upstreams"].push_back({{"address", address}});
    if (values.has("--service"))
      body["discovery"] = {{"kind", "service"}, {"source", values.text("--service")}};
    if (values.has("--local"))
      body.update({{"kind", "local"}, {"discovery", {{"source", values.text("--local")}}}});
    if (values.has("--etcd"))
      body["discovery"] = {{"kind", "etcd"}, {"source", values.text("--etcd")}};
    auto path = path_of(values, s, "groups");
    auto exists = s.server.call("GET", path, "").status == 200;
    s.emit(s.ask(exists ? "PATCH" : "PUT", path, body));
    return 0;
  };
  set.line = {"name", "kind", "protocol", "balancing", "timeout_ms", "draining"};
  return {{"gateway group list", "All groups", {},
              {"name", "kind", "protocol", "balancing", "timeout_ms", "draining", "description"},
              "groups", list("groups")},
      {"gateway group show", "One group, without its signing key", {name_of}, {}, "",
          show("groups")},
      set,
      {"gateway group delete", "Remove a group that no API uses", {name_of}, {}, "",
          remove("groups")}};
}

std::vector<command> service_commands() {
  auto address = argument{"address", "host:port", kind::positional, true, false};
  auto path = [](const given& values, const session& s) {
    return path_of(values, s, "services") + "/instances/" + url_encoded(values.text("address"));
  };
  auto put = command{"gateway service register",
      "Say that an instance is there; again within its time to live",
      {name_of, address, {"--weight", "1 if not given", kind::number, false, true},
          {"--ttl-s", "silent for longer, it is gone; 15 if not given", kind::number, false, true}},
      {}, "", {}};
  put.run = [put, path](const given& values, session& s) {
    s.emit(s.ask("PUT", path(values, s), body_of(put, values)));
    return 0;
  };
  auto leave = command{
      "gateway service leave", "Say that an instance is gone", {name_of, address}, {}, "", {}};
  leave.run = [path](const given& values, session& s) {
    s.emit(s.ask("DELETE", path(values, s)));
    return 0;
  };
  return {{"gateway service list", "All instances that have registered", {},
              {"service", "address", "weight", "ttl_s", "silent_ms", "serves"}, "instances",
              list("services")},
      put, leave};
}

std::vector<command> auth_commands() {
  auto set = command{"gateway auth set", "Create or replace an authorization rule",
      {name_of, file, {"--description", "for people", kind::text, false, true},
          {"--operation", "the API that says who calls", kind::text, false, true},
          {"--headers", "names of headers that it needs", kind::list},
          {"--cookies", "names of cookies that it needs", kind::list},
          {"--cache", "true: its answers are remembered", kind::boolean, false, true},
          {"--cache-ttl-s", "for so long", kind::number, false, true}},
      {}, "", {}};
  set.run = [set](const given& values, session& s) {
    auto body = document(values);
    body.update(body_of(set, values));
    for (auto [flag, place] : {std::pair{"--headers", "header"}, {"--cookies", "cookie"}})
      for (auto& name : values.list(flag))
        body["sources"].push_back({{"location", place}, {"name", name}});
    s.emit(s.ask("PUT", path_of(values, s, "auth-rules"), body));
    return 0;
  };
  set.line = {"name", "operation", "cache"};
  return {{"gateway auth list", "All authorization rules", {},
              {"name", "operation", "cache", "cache_ttl_s", "description"}, "auth_rules",
              list("auth-rules")},
      {"gateway auth show", "One rule", {name_of}, {}, "", show("auth-rules")}, set,
      {"gateway auth delete", "Remove a rule that no API uses", {name_of}, {}, "",
          remove("auth-rules")}};
}

// Files import each other by the path that is given here.
int upload(const given& values, session& s) {
  auto body = json::object();
  if (values.has("--descriptors"))
    body["descriptors"] = base64(read_file(values.text("--descriptors")));
  for (auto& name : values.list("--files"))
    body["files"][name] = read_file(name);
  auto out = s.ask("PUT", path_of(values, s, "protos"), body);
  out.erase("files"), out.erase("descriptors");
  s.emit(std::move(out));
  return 0;
}

std::vector<command> proto_commands() {
  return {{"gateway proto list", "Uploaded protobuf types", {}, {"name", "messages", "updated_ms"},
              "protos", list("protos")},
      {"gateway proto show", "One set of types", {name_of}, {}, "", show("protos")},
      {"gateway proto upload", "Create or replace a set of protobuf types",
          {name_of,
              {"--files", ".proto files, by the paths under which they import each other",
                  kind::list},
              {"--descriptors", "or what protoc --include_imports --descriptor_set_out wrote",
                  kind::text}},
          {}, "", upload},
      {"gateway proto delete", "Remove types that no API uses", {name_of}, {}, "",
          remove("protos")}};
}

} // namespace

std::vector<command> gateway_commands() {
  auto out = settings_commands();
  for (auto more : {group_commands(), service_commands(), auth_commands(), proto_commands()})
    out.insert(out.end(), more.begin(), more.end());
  return out;
}

} // namespace shoal::ctl
