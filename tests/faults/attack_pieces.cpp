#include "tests/faults/attack_pieces.hpp"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace shoal::faults {

using namespace test;

void hold(std::uint16_t port, std::size_t count, const client_options& options,
    std::string_view bytes, std::string_view drip) {
  using clock = std::chrono::steady_clock;
  constexpr auto held_up = std::chrono::milliseconds{300};
  auto all = std::vector<std::unique_ptr<tls_client>>{};
  for (auto i = std::size_t{0}; i < count; ++i) {
    all.push_back(std::make_unique<tls_client>(port, options));
    all.back()->send(bytes);
  }
  for (auto end = clock::now() + held_up; clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    for (auto& x : all)
      x->send(drip);
  }
  for (auto& x : all)
    x->reset();
}

std::string repeated(std::string_view x, int n) {
  auto out = std::string{};
  for (auto i = 0; i < n; ++i)
    out += x;
  return out;
}

} // namespace shoal::faults
