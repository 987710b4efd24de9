// JSON into protobuf and back, by message types that somebody uploaded: a set of compiled
// descriptors, or .proto files as text. google/protobuf/*.proto are always there to import.
//
// A schema never changes after it is made; any thread may use it. What the bytes may cost is
// bounded before they are read (size, nesting) and while they are written (size).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/mgw/json_text.hpp"

namespace shoal::mgw {

struct transcode_options {
  std::size_t max_in = 1024 * 1024;
  std::size_t max_out = 4 * 1024 * 1024;
  unsigned max_depth = max_json_depth; ///< of JSON; protobuf itself ends at 64
  bool ignore_unknown = false;         ///< JSON members that the message does not have
  bool with_defaults = false;          ///< write fields that have their default value, too
  bool original_names = false;         ///< "user_id" in JSON instead of "userId"
};

/// What came out, or a sentence that names the field.
struct transcoded {
  bool good = false;
  std::string bytes;
  std::string problem;
};

class message_schema {
public:
  /// "file.proto:3:12: "X" is not defined." and the like, one per problem.
  using problems = std::vector<std::string>;
  using made = std::variant<std::shared_ptr<const message_schema>, problems>;

  /// A serialized FileDescriptorSet (`protoc --include_imports --descriptor_set_out`), at most
  /// 8 MiB.
  static made from_descriptors(std::string_view bytes);

  /// Texts by the path under which they import each other, together at most 8 MiB.
  static made from_files(const std::map<std::string, std::string>& texts);

  ~message_schema();

  /// Full names ("shop.Order"), ascending; without those of google/protobuf.
  std::vector<std::string> messages() const;
  bool has(std::string_view message) const;

  struct method {
    std::string input, output;
    bool unary = false;
    friend bool operator==(const method&, const method&) = default;
  };

  /// By "shop.Orders/Create", as in gRPC's paths.
  std::optional<method> find_method(std::string_view path) const;

  transcoded to_protobuf(
      std::string_view message, std::string_view json, const transcode_options& options = {}) const;
  transcoded to_json(std::string_view message, std::string_view protobuf,
      const transcode_options& options = {}) const;

private:
  struct parts;
  explicit message_schema(std::unique_ptr<parts> x);
  std::unique_ptr<parts> parts_;
};

} // namespace shoal::mgw
