#include "protocol/duration_histogram.hpp"

#include <algorithm>
#include <cstdio>

namespace shoal {

namespace {

/// Threads take turns, so that few share a part.
std::size_t number_of_this_thread() {
  static std::atomic<std::size_t> next{0};
  thread_local const auto number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

/// Microseconds as seconds, without trailing zeros.
std::string seconds(std::uint64_t us) {
  auto text = std::to_string(us / 1'000'000);
  auto rest = us % 1'000'000;
  if (rest == 0)
    return text;
  char digits[8];
  std::snprintf(digits, sizeof(digits), ".%06u", static_cast<unsigned>(rest));
  text += digits;
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

void add_line(std::string& out, std::string_view name, std::string_view what,
    std::string_view labels, std::string_view more, std::string_view value) {
  out.append(name).append(what);
  if (!labels.empty() || !more.empty()) {
    out.append("{").append(labels);
    out.append(labels.empty() || more.empty() ? "" : ",").append(more).append("}");
  }
  out.append(" ").append(value).append("\n");
}

} // namespace

void duration_histogram::add(std::chrono::microseconds took) {
  took = std::max(took, std::chrono::microseconds{0});
  auto bucket = std::lower_bound(bounds.begin(), bounds.end(), took) - bounds.begin();
  auto& mine = parts_[number_of_this_thread() % parts_.size()];
  mine.buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  mine.sum_us.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
}

duration_histogram::snapshot duration_histogram::read() const {
  snapshot out;
  for (auto& x : parts_) {
    for (std::size_t i = 0; i < out.buckets.size(); ++i)
      out.buckets[i] += x.buckets[i].load(std::memory_order_relaxed);
    out.sum_us += x.sum_us.load(std::memory_order_relaxed);
  }
  for (auto n : out.buckets)
    out.count += n;
  return out;
}

void render_series(std::string& out, std::string_view name, std::string_view labels,
    const duration_histogram::snapshot& x) {
  auto upto = std::uint64_t{0};
  for (std::size_t i = 0; i < duration_histogram::bounds.size(); ++i) {
    upto += x.buckets[i];
    auto bound = seconds(static_cast<std::uint64_t>(duration_histogram::bounds[i].count()));
    add_line(out, name, "_bucket", labels, "le=\"" + bound + "\"", std::to_string(upto));
  }
  add_line(out, name, "_bucket", labels, "le=\"+Inf\"", std::to_string(x.count));
  add_line(out, name, "_sum", labels, "", seconds(x.sum_us));
  add_line(out, name, "_count", labels, "", std::to_string(x.count));
}

void render_histogram(std::string& out, std::string_view name, std::string_view help,
    const duration_histogram::snapshot& x) {
  out.append("# HELP ").append(name).append(" ").append(help);
  out.append("\n# TYPE ").append(name).append(" histogram\n");
  render_series(out, name, "", x);
}

} // namespace shoal
