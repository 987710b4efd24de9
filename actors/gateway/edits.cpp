// Edits out of definitions. The declarations are in change.hpp.
#include "actors/gateway/change.hpp"

namespace shoal::gateway {

namespace {

template <class T>
edit put_as(entry_kind kind, std::string name, std::shared_ptr<const T> entry::*member, T x,
    edit::expect before) {
  auto out = edit{};
  out.what.kind = kind;
  out.what.name = std::move(name);
  out.what.*member = std::make_shared<const T>(std::move(x));
  out.before = before;
  return out;
}

} // namespace

edit put(api_definition x, edit::expect before) {
  auto name = x.operation;
  return put_as(entry_kind::api, std::move(name), &entry::api, std::move(x), before);
}

edit put(api_group x, edit::expect before) {
  auto name = x.name;
  return put_as(entry_kind::group, std::move(name), &entry::group, std::move(x), before);
}

edit put(authorizer_rule x, edit::expect before) {
  auto name = x.name;
  return put_as(entry_kind::authorizer, std::move(name), &entry::authorizer, std::move(x), before);
}

edit put(proto_definition x, edit::expect before) {
  auto name = x.name;
  return put_as(entry_kind::proto, std::move(name), &entry::proto, std::move(x), before);
}

edit put(app_settings x) {
  return put_as(entry_kind::settings, "", &entry::settings, std::move(x), edit::expect::any);
}

edit removal(entry_kind kind, std::string name) {
  auto out = edit{};
  out.what.kind = kind;
  out.what.name = std::move(name);
  return out;
}

} // namespace shoal::gateway
