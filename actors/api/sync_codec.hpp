// JSON of a sync call <-> items to append. Field by field in README.md of this folder.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "actors/interfaces.hpp"
#include "actors/limits.hpp"

namespace shoal::api {

struct sync_rules {
  const catalog& known;
  app_no app{};
  std::int64_t now_ms = 0;
  std::uint32_t payload_max = 1u << 20;
};

/// Reads one op and checks all that can be known without its stream; strings are moved out of
/// `item`. Throws `refusal`.
append_item read_item(nlohmann::json& item, const sync_rules& rules, std::string_view where = "");

/// Who knows how many devices listen.
enum class listeners : std::uint8_t {
  counted,
  unknown, ///< global: the stream hands the op to one relay per node
};

/// Appends {"id":…,"epoch":…,"repeated":…,"online":…}, without `online` if that is not known.
void append_result_json(std::string& out, const append_result& x, listeners known);

/// What the API shows of a stored op.
nlohmann::json to_json(const storage::op_record& op);

} // namespace shoal::api
