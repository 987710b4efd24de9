// What a Content-Type says of a body, as far as the gateway wants to know. Pure. Parameters do not
// matter, nor does case.
#pragma once

#include <string_view>

#include "protocol/mgw/request.hpp"

namespace shoal::gateway {

/// JSON or protobuf; `other` is neither.
mgw::data_format format_of(std::string_view content_type);

/// Its bytes are characters: text/…, JSON, XML, scripts, forms, and what is built of these.
bool is_text_type(std::string_view content_type);

} // namespace shoal::gateway
