// What a command of shoalctl is: a row in a table, with its arguments and the call it makes.
//
// The command line, its help, shell completion and request bodies are all made from this table.
// `run` returns data by `emit`; how data looks is decided by render.hpp.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace shoal::ctl {

using json = nlohmann::ordered_json;

struct argument {
  enum class kind : std::uint8_t { positional, text, number, boolean, list, pairs, flag };
  std::string_view name; ///< "app" or "--min-app-version"
  std::string_view help;
  kind how = kind::text;
  bool required = false;
  bool in_body = false; ///< becomes the body's field of the same name, '-' as '_'
};

/// What was given on the command line.
class given {
public:
  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name, std::string_view otherwise = "") const;
  std::vector<std::string> list(std::string_view name) const;
  void set(std::string_view name, std::vector<std::string> values);

private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

using header_list = std::vector<std::pair<std::string, std::string>>;

struct reply {
  int status = 0;
  std::string body;
  header_list headers = {};
};

/// Makes calls. Throws `unreachable`.
class caller {
public:
  virtual ~caller() = default;
  /// Signed by the key of the settings.
  virtual reply call(std::string_view method, std::string_view target, std::string_view body) = 0;
  /// With these headers and nothing else.
  virtual reply plain(std::string_view method, std::string_view target, const header_list& headers,
      std::string_view body) = 0;
};

struct unreachable {
  std::string why;
};
struct bad_usage {
  std::string why;
};
/// The server said no; `problem` is its document.
struct refused {
  json problem;
};

/// What a run works with.
struct session {
  caller& server;
  std::string app; ///< from --app, $SHOAL_APP or the file
  std::function<void(json)> emit;

  /// Another address, without a key; for what needs none.
  std::function<std::unique_ptr<caller>(const std::string& url)> connect_to = nullptr;
  /// Of the environment; empty if it is not there.
  std::function<std::string(std::string_view)> variable = nullptr;
  /// False: the user has had enough.
  std::function<bool(std::chrono::milliseconds)> wait = nullptr;
  bool live = false; ///< a table on a terminal, which may be drawn again and again
  std::function<void(const std::string&)> warn = nullptr; ///< words for people, not data

  /// Calls and returns the answer's JSON (null for an empty one). Throws `refused`.
  json ask(std::string_view method, std::string_view target, const json& body = nullptr);
  /// "/v1/apps/<app>" + rest; throws `bad_usage` without an app.
  std::string of_app(std::string_view rest) const;
};

struct command {
  std::string_view words; ///< "key create"
  std::string_view help;
  std::vector<argument> args;
  std::vector<std::string_view> columns;          ///< of the table; empty: all fields
  std::string_view rows;                          ///< field of the answer that holds the rows
  std::function<int(const given&, session&)> run; ///< 0, or 1 if something was refused
  bool needs_server = true; ///< else a key is asked for only if `run` makes a call
  bool draws_again = false; ///< emits again and again; on a terminal each in the place of the last
  std::vector<std::string_view> line =
      {}; ///< what a table shows of an object: one line, these fields
};

/// What the commands of a group are about, for the help; of "gateway", or of "gateway api".
std::string_view help_of_group(std::string_view words);

/// All commands, in the order of the help.
const std::vector<command>& commands();

/// The request body made of the arguments that belong into it. Throws `bad_usage`.
json body_of(const command& which, const given& values);

/// A whole file, or standard input for "-". Throws `bad_usage`.
std::string read_file(const std::string& name);

/// What `gateway export` writes: all pages in one.
json export_gateway(session& s);

/// Characters that a URL's path or query cannot hold are percent-encoded.
std::string url_encoded(std::string_view text);

// The table, by subject.
std::vector<command> tenant_commands(); ///< app, key, biz, audit
std::vector<command> sync_commands();
std::vector<command> device_commands(); ///< device, user, online
std::vector<command> node_commands();   ///< node
std::vector<command> certificate_commands();
std::vector<command> gateway_commands();      ///< gateway settings, group, auth, proto
std::vector<command> gateway_api_commands();  ///< gateway api
std::vector<command> gateway_file_commands(); ///< gateway export, import
std::vector<command> gateway_copy_commands(); ///< gateway copy
std::vector<command> gateway_code_commands(); ///< gateway codegen
std::vector<command> gateway_top_commands();  ///< gateway top

} // namespace shoal::ctl
