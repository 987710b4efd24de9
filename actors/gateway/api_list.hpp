// Finding APIs of a world: filters, order and pages [QueryMgsApipage]. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

/// All that are set must fit.
struct api_filter {
  std::optional<api_status> status;  ///< [apiStatus]
  std::optional<api_kind> kind;      ///< [apiType]
  std::optional<std::string> group;  ///< [sysName]
  std::optional<std::string> host;   ///< [host] of the group's address, or its Host header
  std::optional<std::string> method; ///< of the REST entry
  std::optional<bool> protobuf;      ///< [format] has a message as body
  std::optional<bool> need_sign, need_encrypt, need_etag;
  std::string operation; ///< [operationType] exactly
  std::string fuzzy;     ///< [optFuzzy] part of operation, name, description or path; any case
};

struct api_page {
  std::vector<api_ptr> apis; ///< by operation, ascending
  std::size_t total = 0;     ///< that fit, on all pages
  std::string next;          ///< start of the next page; empty: there is none
};

bool fits(const world& in, const api_definition& x, const api_filter& filter);

/// At most `limit` that come after the operation `after`. Looks at every API once.
api_page list_apis(
    const world& in, const api_filter& filter, std::string_view after, std::size_t limit);

} // namespace shoal::gateway
