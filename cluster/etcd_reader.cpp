#include "cluster/etcd_reader.hpp"

#include "cluster/etcd/http.hpp"
#include "cluster/etcd/wire.hpp"

namespace shoal::cluster {

struct etcd_reader::impl {
  explicit impl(etcd_options x) : options{std::move(x)}, members{options} {}

  const etcd_options options;
  etcd::http members;
};

etcd_reader::etcd_reader(etcd_options options)
    : impl_{std::make_unique<impl>(std::move(options))} {}

etcd_reader::~etcd_reader() = default;

void etcd_reader::interrupt() { impl_->members.interrupt(); }

etcd_page etcd_reader::read(std::string_view prefix, std::size_t most) {
  auto out = etcd_page{};
  const auto begin = impl_->options.prefix + std::string{prefix};
  auto request = etcd::range_request(begin, etcd::end_of(begin), most);
  auto answer = impl_->members.post("/v3/kv/range", request, etcd::kind::read);
  if (!answer.arrived) {
    out.problem = std::move(answer.problem);
    return out;
  }
  auto page = etcd::range_answer{};
  if (!etcd::parse(answer.body, page) || page.values.size() > most) {
    out.problem = "an answer that makes no sense";
    return out;
  }
  for (auto& value : page.values) {
    if (!value.name.starts_with(begin)) {
      out.problem = "an answer with keys that nobody asked for";
      return out;
    }
    value.name.erase(0, begin.size());
  }
  out.values = std::move(page.values);
  out.more = page.more;
  return out;
}

} // namespace shoal::cluster
