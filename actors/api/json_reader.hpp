// Reads a JSON object strictly: wrong types, missing and unknown fields are refused with a sentence
// that names the field, and a near miss is pointed at ("did you mean"). Strings are moved out, not
// copied.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <nlohmann/json.hpp>

#include "actors/api/refusal.hpp"

namespace shoal::api {

/// Parses a body that must be one JSON object, nested at most `max_depth` deep. An empty body is an
/// empty object. Throws `refusal`.
nlohmann::json parse_body(std::string_view body, int max_depth = 8);

class json_reader {
public:
  /// `where` begins each sentence: "" or "items[3]: ". Refuses what is no object.
  explicit json_reader(nlohmann::json& object, std::string_view where = "");

  // Each returns false, leaving `out` alone, if the field is missing or null.
  bool text(const char* field, std::string& out, std::size_t max_bytes);
  bool boolean(const char* field, bool& out);
  bool number(const char* field, std::int64_t& out, std::int64_t min, std::int64_t max);
  bool number(const char* field, std::uint32_t& out, std::uint32_t min, std::uint32_t max);
  bool number(const char* field, std::uint64_t& out);
  bool texts(const char* field, std::vector<std::string>& out, std::size_t max_count,
      std::size_t max_bytes);
  bool text_map(const char* field, std::map<std::string, std::string>& out, std::size_t max_count,
      std::size_t max_bytes);
  nlohmann::json* array(const char* field, std::size_t max_count);

  /// A field whose text must be one of an enum's names.
  template <class T, class Read>
  bool name(const char* field, T& out, Read read, std::string_view choices) {
    std::string given;
    if (!text(field, given, 64))
      return false;
    if (!read(given, out))
      refuse(field, std::string{"must be "}.append(choices));
    return true;
  }

  void require(bool present, const char* field) const;
  [[noreturn]] void refuse(
      std::string_view field, std::string_view sentence, ec code = ec::invalid_argument) const;

  /// Refuses fields that nobody asked for.
  void finish();

private:
  nlohmann::json* take(const char* field);

  nlohmann::json& object_;
  std::string_view where_;
  boost::container::small_vector<const char*, 24> asked_; // as many fields as an op has
  std::size_t found_ = 0;
};

} // namespace shoal::api
