// What operators tell the gateway: groups of backends, APIs, authorizers, message types, and the
// settings of an app. Plain data with defaults; `problem_of` says what cannot work. The registry
// (registry.hpp) holds them ready for use; nothing here knows how a call is carried out.
//
// Names follow mPaaS where it has one (its spelling in brackets). An app in a workspace is one
// world, "shop@test", with its own definitions: nothing refers from one world to another.
// Percentages are 0 to 100, durations say their unit, a 0 that means "none" says so.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/mgw/signature.hpp"

namespace shoal::gateway {

/// A value of JSON as its text: templates, answers, schemas. Empty: not given.
struct json_text {
  std::string text;
  bool empty() const { return text.empty(); }
  friend bool operator==(const json_text&, const json_text&) = default;
};

/// Language tag ("zh-CN", "en") -> text.
using texts_by_language = std::map<std::string, std::string>;

// -- groups of backends --------------------------------------------------------------------------

enum class backend_kind : std::uint8_t {
  http, ///< HTTP/1.1 or HTTP/2 by `backend_protocol`
  grpc, ///< unary calls over HTTP/2
  local ///< an actor of this node, by the name in `discovery.source`, else that of the group
};

enum class backend_protocol : std::uint8_t { http1, h2 };

/// Where a group's addresses come from.
enum class discovery_kind : std::uint8_t {
  fixed,  ///< `upstreams`
  dns,    ///< A and AAAA of `source` ("orders.svc:8080"), asked again each `refresh_s`
  etcd,   ///< keys below the prefix `source`
  service ///< instances that registered for `source` and send heartbeats
};

enum class balancing_kind : std::uint8_t {
  round_robin,
  least_requests, ///< the better of two taken at random
  user_hash       ///< consistent hash of the user, else of the device, else of the address
};

struct upstream {
  std::string address; ///< "10.0.0.7:8080", "[::1]:80", "orders.internal:443"
  std::uint32_t weight = 1;
  std::map<std::string, std::string> tags; ///< for `migrate_rule::tags`: "version" = "2"
  friend bool operator==(const upstream&, const upstream&) = default;
};

struct discovery_rule {
  discovery_kind kind = discovery_kind::fixed;
  std::string source;
  std::uint32_t refresh_s = 10;
  friend bool operator==(const discovery_rule&, const discovery_rule&) = default;
};

/// Active: the gateway asks. Passive: it counts what happens to calls.
struct health_rule {
  std::string path; ///< GET; empty: no active checks
  std::uint32_t interval_ms = 5'000;
  std::uint32_t timeout_ms = 1'000;
  std::uint32_t healthy_after = 2;      ///< good answers in a row
  std::uint32_t unhealthy_after = 3;    ///< bad ones in a row
  std::uint32_t eject_after = 5;        ///< failed calls in a row; 0: no passive checks
  std::uint32_t eject_ms = 10'000;      ///< doubles with each ejection, up to 5 minutes
  std::uint32_t eject_max_percent = 50; ///< of the instances; more are never out at once
  friend bool operator==(const health_rule&, const health_rule&) = default;
};

struct retry_rule {
  std::uint32_t attempts = 1;        ///< besides the first; only what is safe to repeat
  std::uint32_t budget_percent = 20; ///< retries per calls of the group
  friend bool operator==(const retry_rule&, const retry_rule&) = default;
};

struct tls_rule {
  bool enabled = false;
  bool verify = true;          ///< the backend's certificate and name
  std::string ca_pem;          ///< empty: the system's
  std::string server_name;     ///< empty: the address' host
  std::string certificate_pem; ///< ours, with its chain, for backends that ask for one
  std::string key_pem;         ///< SECRET: of it
  friend bool operator==(const tls_rule&, const tls_rule&) = default;
};

enum class signing_kind : std::uint8_t { none, md5, rsa, sm3, sm2 };

/// Proves to backends that a call came through the gateway (protocol/mgw/README.md).
struct signing_rule {
  signing_kind kind = signing_kind::none;
  std::string key_id;
  std::string key; ///< SECRET: the salt for md5 and sm3, a private PEM for rsa and sm2
  friend bool operator==(const signing_rule&, const signing_rule&) = default;
};

/// A system behind the gateway [sysName]: where its instances are and how to talk to them.
struct api_group {
  std::string name; ///< 1..64 of letters, digits, '-', '_', '.'
  std::string description;
  backend_kind kind = backend_kind::http;
  backend_protocol protocol = backend_protocol::http1;
  discovery_rule discovery;
  std::vector<upstream> upstreams;
  balancing_kind balancing = balancing_kind::round_robin;
  std::string host;                   ///< the Host header; empty: the address
  std::string path_prefix;            ///< before every API's path: "/v2"
  std::uint32_t timeout_ms = 0;       ///< 0: 3000
  std::uint32_t max_connections = 64; ///< per instance and I/O loop
  std::uint32_t max_waiting = 1024;   ///< calls that wait for a connection, per I/O loop
  tls_rule tls;
  signing_rule signing;
  health_rule health;
  retry_rule retry;
  bool draining = false; ///< takes no new calls
  std::uint32_t id = 0;  ///< given at creation, never reused
  std::uint64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  friend bool operator==(const api_group&, const api_group&) = default;
};

// -- rules of an API -----------------------------------------------------------------------------

enum class limit_mode : std::uint8_t { off, block, observe }; ///< observe: count, let pass
enum class limit_by : std::uint8_t { all, user, device, ip };

/// [limitRule] Calls over the whole cluster.
struct limit_rule {
  limit_mode mode = limit_mode::block; ///< [mode] Disable, Block
  limit_by by = limit_by::all;
  std::uint64_t limit = 0;                         ///< per interval
  std::uint32_t interval_ms = 1'000;               ///< [interval]
  std::uint64_t burst = 0;                         ///< that may come at once; 0: `limit`
  json_text default_response;                      ///< [defaultResponse] resultStatus, tips, result
  std::map<std::string, json_text> i18n_responses; ///< [i18nResponse] by language
  friend bool operator==(const limit_rule&, const limit_rule&) = default;
};

/// [cacheRule]
struct cache_rule {
  bool enabled = false; ///< [needCache]
  std::vector<std::string>
      key; ///< what tells answers apart: "body", "user", "query.page", "header.X"
  std::uint32_t ttl_ms = 1'000;     ///< [ttl]
  std::uint32_t stale_ms = 0;       ///< served for that much longer while one call refreshes it
  std::uint32_t max_bytes = 65'536; ///< of one answer; larger ones are not kept
  friend bool operator==(const cache_rule&, const cache_rule&) = default;
};

/// [mockRule]
struct mock_rule {
  bool enabled = false;           ///< [needMock]
  std::uint32_t percentage = 100; ///< of the calls
  json_text data;                 ///< [mockData] resultStatus, tips, result
  friend bool operator==(const mock_rule&, const mock_rule&) = default;
};

enum class breaker_model : std::uint8_t { errors, slow_ratio };

/// [circuitBreakerRule]
struct breaker_rule {
  bool enabled = false;                        ///< [switchStatus]
  breaker_model model = breaker_model::errors; ///< [model]
  std::uint32_t error_threshold = 50;          ///< [errorThreshold] percent of the window's calls
  std::uint32_t slow_ms = 1'000;               ///< a call that takes longer is slow
  std::uint32_t slow_ratio_threshold = 50;     ///< [slowRatioThreshold] percent
  std::uint32_t min_calls = 20;                ///< in the window before anything is decided
  std::uint32_t window_s = 10;                 ///< [windowsInSeconds]
  std::uint32_t open_s = 5;                    ///< [openTimeoutSeconds] then one call tries
  json_text default_response;                  ///< [defaultResponse]
  friend bool operator==(const breaker_rule&, const breaker_rule&) = default;
};

enum class header_place : std::uint8_t { request, response };
enum class header_action : std::uint8_t { set, add, remove };

/// [headerRules] [headerKey, location, type, value]
struct header_rule {
  std::string name;
  header_place location = header_place::request;
  header_action action = header_action::set;
  std::string value; ///< "${user}", "${device}", "${trace_id}", "${ip}" are filled in
  friend bool operator==(const header_rule&, const header_rule&) = default;
};

/// [migrateRule] Part of the traffic goes to another group, or to tagged instances of its own.
struct migrate_rule {
  bool enabled = false;           ///< [needMigrate]
  bool complete = false;          ///< [needSwitchCompletely] all calls, whatever the rest says
  std::string group;              ///< [sysName]; empty: the API's own
  std::uint32_t flow_percent = 0; ///< [flowPercent] of the users: the same ones each time
  std::vector<std::string> users, devices, regions; ///< these as well
  std::string min_version, max_version;             ///< of the client, both inclusive; empty: any
  std::map<std::string, std::string> tags;          ///< only instances that have all of these
  friend bool operator==(const migrate_rule&, const migrate_rule&) = default;
};

// -- APIs ----------------------------------------------------------------------------------------

enum class api_kind : std::uint8_t {
  proxy,    ///< one call of the group
  aggregate ///< `steps` call other APIs of this world, `answer` is made of what they say
};
enum class api_status : std::uint8_t { offline, online };
enum class param_place : std::uint8_t { path, query, header, cookie, body };

/// [requestParams]
struct api_param {
  std::string name;
  std::string type = "string"; ///< types of tools/shoalctl/codegen/README.md
  param_place location = param_place::query;
  bool required = false;
  json_text default_value;
  std::string description;
  friend bool operator==(const api_param&, const api_param&) = default;
};

/// [requestBodyModel, responseBodyModel] One of both, or none.
struct body_model {
  json_text schema;    ///< JSON Schema: type, properties, items, required, enum, example
  std::string message; ///< "shop.Order" of the protobuf types in `proto`
  std::string proto;   ///< name of a proto_definition
  bool empty() const { return schema.empty() && message.empty(); }
  friend bool operator==(const body_model&, const body_model&) = default;
};

/// [apiInvoker] How the backend is called.
struct backend_call {
  std::string
      method;       ///< [method] empty: the API's, else POST. gRPC: "/shop.Orders/Create" in `path`
  std::string path; ///< [path] "/orders/{id}"; empty: the API's
  std::string content_type; ///< [contentType] empty: as the call came
  std::string charset;      ///< [charset] empty: UTF-8
  friend bool operator==(const backend_call&, const backend_call&) = default;
};

/// One call of an aggregate. `request` and the API's `answer` are JSON in which a text
/// "${name.path}" alone is replaced by that value: of "request", or of a step before.
struct aggregate_step {
  std::string name;
  std::string operation;          ///< of this world; not an aggregate itself
  json_text request;              ///< its _requestBody
  std::vector<std::string> after; ///< steps that must be done; the others run side by side
  bool optional = false;          ///< failing, it is `otherwise`, and the whole goes on
  json_text otherwise;            ///< empty: null
  friend bool operator==(const aggregate_step&, const aggregate_step&) = default;
};

/// One operation that clients may call [QueryMgsApirest].
struct api_definition {
  std::string operation; ///< [operationType] "com.shop.order.create": 1..255
  std::string name;      ///< [apiName]
  std::string description;
  api_kind kind = api_kind::proxy;         ///< [apiType]
  api_status status = api_status::offline; ///< [apiStatus]
  std::string group;                       ///< [sysName]
  std::string method;                      ///< [method] of the REST entry; empty: only by operation
  std::string path;                        ///< [path] "/orders/{id}", "/files/{rest*}"
  backend_call backend;
  body_model request, response;
  std::vector<api_param> params;
  bool need_sign = true;          ///< [needSign]
  bool need_encrypt = false;      ///< [needEncrypt] plain calls are refused
  bool need_etag = false;         ///< [needETag]
  bool need_jsonp = false;        ///< [needJsonp] may be called so
  std::uint32_t timeout_ms = 0;   ///< 0: the group's
  std::uint32_t slow_ms = 0;      ///< a call that takes longer is logged; 0: the app's
  std::vector<limit_rule> limits; ///< every one holds; none: the app's `default_limit`
  cache_rule cache;
  mock_rule mock;
  breaker_rule breaker;
  std::vector<header_rule> headers; ///< in this order
  migrate_rule migrate;
  std::string auth_rule; ///< [authRuleName] name of an authorizer; empty: none
  std::vector<aggregate_step> steps;
  json_text answer;
  std::uint32_t id = 0;                        ///< given at creation, never reused: for counters
  std::uint32_t version = 0;                   ///< 1 at creation, one more with each change
  std::uint64_t revision = 0;                  ///< of the registry that has this version first
  std::int64_t created_ms = 0, updated_ms = 0; ///< [gmtCreate, gmtModified]
  friend bool operator==(const api_definition&, const api_definition&) = default;
};

// -- what belongs to a whole app -----------------------------------------------------------------

/// Where an authorizer finds who is calling.
struct identity_source {
  param_place location = param_place::header; ///< header or cookie
  std::string name;
  friend bool operator==(const identity_source&, const identity_source&) = default;
};

/// Calls an API that says who the caller is, before the business API is called.
struct authorizer_rule {
  std::string name;
  std::string description;
  std::string operation; ///< the authorizing API: POST, answers {"authorized": …, "principal": {…}}
  std::vector<identity_source> sources; ///< one that is missing: 1005
  bool cache = false;
  std::uint32_t cache_ttl_s = 60;
  std::uint64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  friend bool operator==(const authorizer_rule&, const authorizer_rule&) = default;
};

/// Uploaded protobuf types: texts by path, or a compiled set.
struct proto_definition {
  std::string name;
  std::map<std::string, std::string> files;
  std::string descriptors; ///< base64 of a FileDescriptorSet; empty if there are `files`
  std::uint64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  friend bool operator==(const proto_definition&, const proto_definition&) = default;
};

/// A private key that requests are encrypted for, with the number that clients send.
struct decryption_key {
  std::uint32_t number = 0; ///< 0..255
  std::string private_pem;  ///< SECRET; RSA, P-256 or SM2
  friend bool operator==(const decryption_key&, const decryption_key&) = default;
};

struct cors_rule {
  std::vector<std::string> origins; ///< "https://m.shop.example", "*"; none: CORS is off
  std::vector<std::string> methods{"GET", "POST"};
  std::vector<std::string> headers; ///< none: those of protocol/mgw/README.md
  bool credentials = false;
  std::uint32_t max_age_s = 600;
  friend bool operator==(const cors_rule&, const cors_rule&) = default;
};

/// The gateway of one app in one workspace.
struct app_settings {
  bool enabled = false;                        ///< without it every call is 3000
  bool sign = true;                            ///< signatures of APIs that need them are checked
  bool encrypt = true;                         ///< encrypted calls are understood
  bool limit = true;                           ///< limits hold ["API traffic limit"]
  bool mock = true;                            ///< mocks answer
  std::uint64_t timestamp_window_ms = 300'000; ///< at most 10 years
  std::uint32_t slow_ms = 1'000;               ///< calls that take longer are logged; 0: none
  bool need_nonce = false;                     ///< a nonce must come, and works once
  std::vector<mgw::sign_type> sign_types{mgw::sign_type::hmac_sha256, mgw::sign_type::rsa_sha256,
      mgw::sign_type::sm3}; ///< MD5 only where old clients need it
  std::string secret;       ///< SECRET: what clients sign with
  std::string rsa_public_pem;
  std::vector<decryption_key> decryption_keys;
  std::optional<limit_rule> default_limit; ///< of APIs without limits of their own, each
  std::optional<limit_rule> total_limit;   ///< of all calls together
  cors_rule cors;
  std::vector<std::string> hosts;                ///< REST calls for these names belong to this app
  std::map<std::string, texts_by_language> tips; ///< result code ("1002") -> text for people
  std::uint64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  friend bool operator==(const app_settings&, const app_settings&) = default;
};

/// "shop" in workspace "test" is the app "shop@test"; no workspace and "default" are "shop".
std::string world_of(std::string_view app, std::string_view workspace);

// "" if the parts make sense together, else a sentence that names the field. What refers to others
// (an API's group) is checked where a change is planned.
std::string problem_of(const api_group& x);
std::string problem_of(const api_definition& x);
std::string problem_of(const authorizer_rule& x);
std::string problem_of(const proto_definition& x);
std::string problem_of(const app_settings& x);

} // namespace shoal::gateway
