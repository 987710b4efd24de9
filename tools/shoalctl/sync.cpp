// Commands about ops: send them, follow them, and find out where they are.
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "protocol/signing.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

using kind = argument::kind;

constexpr std::size_t batch_items = 2'000;
constexpr std::size_t batch_bytes = 4u << 20;
constexpr auto tail_pause = std::chrono::milliseconds{500};

const argument stream_name{"stream", "user:ID, device:ID or global", kind::positional, true, false};
const argument biz_name{"biz", "name of the biz", kind::positional, true, false};

std::string stream_path(const given& values, const session& s, std::string_view rest) {
  auto path = s.of_app(
      "/streams/" + url_encoded(values.text("stream")) + "/" + url_encoded(values.text("biz")));
  return path.append(rest);
}

std::string read_all(const std::string& file) {
  std::ostringstream out;
  if (file == "-") {
    out << std::cin.rdbuf();
    return out.str();
  }
  auto in = std::ifstream{file, std::ios::binary};
  if (!in)
    throw bad_usage{"cannot read " + file};
  out << in.rdbuf();
  return out.str();
}

// Text is sent as it is, other bytes as base64.
void put_payload(json& body, std::string given) {
  auto bytes = given.starts_with('@') ? read_all(given.substr(1)) : std::move(given);
  try {
    (void)json(bytes).dump();
    body["payload"] = std::move(bytes);
  } catch (const json::type_error&) {
    body["payload_base64"] = base64(bytes);
  }
}

command send_command() {
  auto out = command{"sync send", "Append one op",
      {{"biz", "name of the biz", kind::positional, true, true},
          {"--user", "target user", kind::text, false, true},
          {"--device", "target device", kind::text, false, true},
          {"--payload", "text, @FILE or @- for standard input", kind::text, true, false},
          {"--key", "idempotency key: a repeat appends nothing", kind::text, false, true},
          {"--valid-from-ms", "Unix milliseconds", kind::number, false, true},
          {"--valid-until-ms", "Unix milliseconds", kind::number, false, true},
          {"--os", "only devices with this os", kind::text, false, true},
          {"--min-app-version", "inclusive", kind::text, false, true},
          {"--max-app-version", "inclusive", kind::text, false, true},
          {"--regions", "any of", kind::list, false, true},
          {"--models", "any of", kind::list, false, true},
          {"--networks", "any of", kind::list, false, true},
          {"--tags", "name=value, all of", kind::pairs, false, true},
          {"--users", "global: any of these users", kind::list, false, true},
          {"--min-uid", "global: numeric user ids from", kind::number, false, true},
          {"--max-uid", "global: up to", kind::number, false, true},
          {"--check-online", "refuse if no device listens", kind::flag, false, true}},
      {}, "", {}};
  out.run = [out](const given& values, session& s) {
    auto body = body_of(out, values);
    put_payload(body, values.text("--payload"));
    s.emit(s.ask("POST", s.of_app("/sync"), body));
    return 0;
  };
  return out;
}

// One line per item: its number and what became of it.
int send_batch(const std::vector<std::string>& lines, std::size_t first_line, session& s) {
  std::string body = "{\"items\":[";
  for (const auto& line : lines)
    body.append(body.ends_with('[') ? "" : ",").append(line);
  auto answer = s.ask("POST", s.of_app("/sync/batch"), json::parse(body + "]}"));
  auto rows = json::array();
  auto failed = 0;
  for (auto i = std::size_t{0}; i < answer["results"].size(); ++i) {
    const auto& x = answer["results"][i];
    auto row = json{{"line", first_line + i}};
    if (x.contains("error")) {
      failed = 1;
      row["error"] = x["error"]["code"];
      row["detail"] = x["error"]["detail"];
    } else {
      row.update(x);
    }
    rows.push_back(std::move(row));
  }
  s.emit(std::move(rows));
  return failed;
}

int batch(const given& values, session& s) {
  auto in = std::istringstream{read_all(values.text("file"))};
  std::vector<std::string> lines;
  auto bytes = std::size_t{0}, number = std::size_t{0}, first = std::size_t{1};
  auto failed = 0;
  auto flush = [&] {
    if (!lines.empty())
      failed |= send_batch(lines, first, s);
    lines.clear();
    bytes = 0;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!json::accept(line))
      throw bad_usage{"line " + std::to_string(number) + " is not JSON"};
    if (lines.size() >= batch_items || bytes + line.size() > batch_bytes)
      flush();
    if (lines.empty())
      first = number;
    bytes += line.size();
    lines.push_back(std::move(line));
  }
  flush();
  return failed;
}

std::uint64_t newest_of(const given& values, session& s) {
  return s.ask("GET", stream_path(values, s, ""))["latest"]["id"].get<std::uint64_t>();
}

// Follows a stream until interrupted, or shows what is there with --once.
int tail(const given& values, session& s) {
  auto once = values.has("--once");
  auto after = values.has("--after") ? std::stoull(values.text("--after"))
               : once                ? 0
                                     : newest_of(values, s);
  for (;;) {
    auto answer =
        s.ask("GET", stream_path(values, s, "/ops?limit=1000&after=" + std::to_string(after)));
    if (!answer["ops"].empty() || once)
      s.emit(answer["ops"]);
    after = answer.value("next_after", after);
    if (answer.value("more", false))
      continue;
    if (once)
      return 0;
    std::this_thread::sleep_for(tail_pause);
  }
}

} // namespace

std::vector<command> sync_commands() {
  auto get = [](std::string_view rest) {
    return [rest](const given& values, session& s) {
      s.emit(s.ask("GET", stream_path(values, s, rest)));
      return 0;
    };
  };
  return {
      send_command(),
      {"sync batch", "Append many ops: one JSON object per line, fields as in the API",
          {{"file", "file, or - for standard input", kind::positional, true, false}}, {}, "",
          batch},
      {"sync tail", "Follow the ops of a stream",
          {stream_name, biz_name, {"--after", "start behind this id", kind::number, false, false},
              {"--once", "show what is there, then end", kind::flag, false, false}},
          {"id", "time_ms", "key", "payload", "payload_base64"}, "ops", tail},
      {"sync position", "Newest id of a stream, and who listens", {stream_name, biz_name}, {}, "",
          get("")},
      {"sync why", "Why a device has, or has not, an op",
          {stream_name, biz_name, {"id", "id of the op", kind::positional, true, false},
              {"device", "id of the device", kind::positional, true, false}},
          {}, "",
          [](const given& values, session& s) {
            auto query = "/why?id=" + url_encoded(values.text("id")) +
                         "&device=" + url_encoded(values.text("device"));
            s.emit(s.ask("GET", stream_path(values, s, query)));
            return 0;
          }},
      {"sync cursors", "How far devices have acknowledged a stream",
          {stream_name, biz_name, {"--device", "for global streams", kind::text, false, false},
              {"--after", "next_after of an earlier answer", kind::text, false, false}},
          {}, "cursors",
          [](const given& values, session& s) {
            auto query = std::string{"/cursors?limit=1000"};
            for (auto name : {"device", "after"})
              if (auto flag = std::string{"--"}.append(name); values.has(flag))
                query.append("&").append(name).append("=").append(url_encoded(values.text(flag)));
            s.emit(s.ask("GET", stream_path(values, s, query)));
            return 0;
          }},
  };
}

} // namespace shoal::ctl
