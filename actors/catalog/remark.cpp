#include "actors/catalog/remark.hpp"

namespace shoal {

using nlohmann::json;

catalog_change change_of(const remark& x, std::string by, app_ptr app) {
  auto out = catalog_change{};
  out.what = catalog_change::kind::remark;
  out.actor = std::move(by);
  out.app = std::move(app);
  out.note = json{{"what", x.what}, {"note", x.note}, {"about", x.about}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  return out;
}

bool read_remark(const catalog_change& change, remark& out) {
  if (change.what != catalog_change::kind::remark || change.note.size() > max_remark_bytes)
    return false;
  auto x = json::parse(change.note, nullptr, false);
  if (!x.is_object() || !x.contains("about"))
    return false;
  auto text = [&](const char* name, std::string& to) {
    auto i = x.find(name);
    auto fine = i != x.end() && i->is_string();
    if (fine)
      to = i->get<std::string>();
    return fine;
  };
  out.about = x["about"];
  return text("what", out.what) && text("note", out.note) && !out.what.empty();
}

} // namespace shoal
