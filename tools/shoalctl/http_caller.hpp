// Signed HTTPS calls with libcurl.
#pragma once

#include <memory>

#include "tools/shoalctl/command.hpp"
#include "tools/shoalctl/settings.hpp"

namespace shoal::ctl {

/// One connection, kept between calls. Corrects its clock when the server says `clock_skew`, then
/// repeats the call once.
std::unique_ptr<caller> make_http_caller(const settings& to);

} // namespace shoal::ctl
