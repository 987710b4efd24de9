// What another node says: read or refused, and what is read says the same when it is said again.
#include "actors/remote/wire_codec.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

catalog make_catalog() {
  auto app = std::make_shared<app_config>();
  app->no = app_no{1};
  app->id = "demo";
  auto biz = std::make_shared<biz_config>();
  biz->no = biz_no{1};
  biz->app = app->no;
  biz->name = "CHAT";
  return catalog{}.with(app_ptr{app}).with(biz_ptr{biz});
}

const catalog known = make_catalog();

void read_feeds(std::string_view in) {
  pb::Feeds frame;
  if (!frame.ParseFromArray(in.data(), static_cast<int>(in.size())))
    return;
  auto biz = known.biz(app_no{1}, biz_no{1});
  for (auto& e : frame.events()) {
    attach_request request;
    if (take(e.attach(), request)) {
      pb::Attach again;
      put(again, request);
      attach_request same;
      fuzz::require(take(again, same) && same.stream == request.stream && same.at == request.at,
          "an attach changed on its way");
    }
    op_batch_ptr batch;
    if (take(e.ops(), biz, batch) && batch) {
      auto last = batch->after;
      for (auto& op : batch->ops) {
        fuzz::require(op->id > last && op->id <= batch->upto, "a batch with a wrong id was taken");
        last = op->id;
      }
    }
    attached_note note;
    feed_moved moved;
    take(e.attached(), note);
    take(e.moved(), moved);
  }
}

void read_calls(std::string_view in) {
  pb::Calls frame;
  if (!frame.ParseFromArray(in.data(), static_cast<int>(in.size())))
    return;
  for (auto& c : frame.calls()) {
    append_call append;
    if (take(c.append(), known, append))
      for (auto& x : append.items)
        fuzz::require(x.who.kind == principal_kind::global || valid_external_id(x.who.id),
            "a principal without a valid id was taken");
    page_query page;
    cursor_query cursors;
    catalog_change change;
    take(c.page(), page);
    take(c.cursors(), cursors);
    take(c.change(), change);
    take(c.online());
    take(c.commit());
  }
  for (auto& a : frame.answers()) {
    stored_page page;
    change_result changed;
    take(a.page(), page);
    take(a.changed(), changed);
    take(a.report());
    take(a.online(), app_no{1});
    take(a.status(), app_no{1});
    for (auto& x : a.cursors().cursors())
      take(x);
    for (auto& x : a.appended().results())
      take(x);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  if (fuzz::take_byte(in) % 2 == 0)
    read_feeds(in);
  else
    read_calls(in);
  return 0;
}
