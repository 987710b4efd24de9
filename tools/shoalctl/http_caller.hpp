// Signed HTTPS calls with libcurl.
#pragma once

#include <memory>

#include "tools/shoalctl/command.hpp"
#include "tools/shoalctl/settings.hpp"

namespace shoal::ctl {

/// One connection, kept between calls. Corrects its clock when the server says `clock_skew`, then
/// repeats the call once.
std::unique_ptr<caller> make_http_caller(const settings& to);

/// Why a call did not come to an answer, and what to do about it: of libcurl's code, and of what it
/// says beside (may be empty).
std::string why_unreachable(int code, const std::string& detail, const settings& to);

} // namespace shoal::ctl
