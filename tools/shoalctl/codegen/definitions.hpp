// The calls of an app as its developers see them: what client code is generated from. Read from a
// JSON document (README.md has its form) and checked whole, so that the generators need not doubt:
// every name is one in all languages, every type is defined, nothing is called like something else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace shoal::codegen {

/// "Item[]?": what it is, in what it lies (inside out), and whether it may be absent.
struct type {
  enum class base : std::uint8_t { text, integer, long_integer, real, boolean, bytes, any, model };
  enum class container : std::uint8_t { list, map };

  base what = base::any;
  std::string model; ///< its name, for `base::model`
  std::vector<container> in;
  bool optional = false;
};

struct field {
  std::string name;
  type what;
  std::string description;
};

struct model {
  std::string name;
  std::string description;
  std::vector<field> fields;
  std::vector<std::string> values; ///< an enumeration, if there are some
};

struct api {
  std::string operation; ///< "com.shop.order.create"
  std::string function;  ///< "orderCreate"
  std::string description;
  std::optional<type> body; ///< sent as _requestBody
  std::vector<field>
      parameters; ///< sent by name: for path and query; those that may be absent last
  std::optional<type> response;
  std::string rest_method, rest_path; ///< "POST", "/orders/{id}"; empty: only by /mgw.htm
};

struct definitions {
  std::string name; ///< "Shop"
  std::vector<api> apis;
  std::vector<model> models;
};

struct bad_definitions {
  std::string why; ///< names the place: "models.Order.items: …"
};

/// Throws `bad_definitions`.
definitions read_definitions(std::string_view text);

} // namespace shoal::codegen
