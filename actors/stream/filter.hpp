// Who an op is for: compares an op's filter with the facts of a device. Pure.
#pragma once

#include <string>
#include <string_view>

#include "actors/messages.hpp"
#include "storage/records.hpp"

namespace shoal {

/// Compares dotted numbers, "1.10" > "1.9"; missing parts count as 0, "1.0" == "1". Negative, zero
/// or positive. False if one of them is not 1..16 numbers of at most 9 digits.
bool compare_versions(std::string_view a, std::string_view b, int& result);

/// "" if the op is for this device, else a sentence that names the first filter that does not
/// match.
std::string filter_mismatch(const storage::op_filter& filter, const device_info& device);

/// The same, as fast as possible: most ops have no filter at all.
bool filter_matches(const storage::op_filter& filter, const device_info& device);

enum class validity : std::uint8_t { not_yet, valid, expired };
validity validity_of(const storage::op_record& op, std::int64_t now_ms);

} // namespace shoal
