#include "actors/gateway/api_list.hpp"

#include <algorithm>

namespace shoal::gateway {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_part(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
             [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool at_host(const world& in, const api_definition& x, const std::string& host) {
  auto& group = in.group(x.group);
  if (!group)
    return false;
  auto& set = group->set;
  return set.host == host || set.discovery.source == host ||
         std::any_of(set.upstreams.begin(), set.upstreams.end(), [&](auto& u) {
           return u.address == host || u.address.substr(0, u.address.rfind(':')) == host;
         });
}

template <class T>
bool is(const std::optional<T>& wanted, const T& x) {
  return !wanted || *wanted == x;
}

} // namespace

bool fits(const world& in, const api_definition& x, const api_filter& f) {
  return is(f.status, x.status) && is(f.kind, x.kind) && is(f.group, x.group) &&
         is(f.method, x.method) && is(f.need_sign, x.need_sign) &&
         is(f.need_encrypt, x.need_encrypt) && is(f.need_etag, x.need_etag) &&
         is(f.protobuf, !x.request.message.empty() || !x.response.message.empty()) &&
         (f.operation.empty() || f.operation == x.operation) &&
         (f.fuzzy.empty() || has_part(x.operation, f.fuzzy) || has_part(x.name, f.fuzzy) ||
             has_part(x.description, f.fuzzy) || has_part(x.path, f.fuzzy)) &&
         (!f.host || at_host(in, x, *f.host));
}

api_page list_apis(
    const world& in, const api_filter& filter, std::string_view after, std::size_t limit) {
  auto out = api_page{};
  auto found = std::vector<const api_ptr*>{};
  in.apis().each([&](const std::string& operation, const api_ptr& x) {
    if (!fits(in, *x, filter))
      return;
    ++out.total;
    if (operation > after)
      found.push_back(&x);
  });
  auto page = std::min(limit, found.size());
  auto middle = found.begin() + static_cast<std::ptrdiff_t>(page);
  std::partial_sort(found.begin(), middle, found.end(),
      [](auto* a, auto* b) { return (*a)->operation < (*b)->operation; });
  for (auto i = found.begin(); i != middle; ++i)
    out.apis.push_back(**i);
  if (page < found.size() && page > 0)
    out.next = out.apis.back()->operation;
  return out;
}

} // namespace shoal::gateway
