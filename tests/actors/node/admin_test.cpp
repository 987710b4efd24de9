#include <gtest/gtest.h>

#include "actors/node/admin.hpp"

namespace shoal {
namespace {

http::response asked(const std::string& path, bool ready, const std::string& method = "GET") {
  auto count = metrics{};
  auto x = admin_figures{};
  x.ready = ready;
  x.count = &count;
  auto request = http::request{};
  request.method = method;
  request.path = path;
  return answer_admin(request, x);
}

TEST(admin, a_node_that_does_not_serve_is_alive_but_not_ready) {
  EXPECT_EQ(asked("/readyz", false).status, 503);
  EXPECT_EQ(asked("/healthz", false).status, 200) << "nobody should kill it for that";
  EXPECT_EQ(asked("/readyz", true).status, 200);
}

TEST(admin, changes_nothing_and_knows_what_it_knows) {
  EXPECT_EQ(asked("/readyz", true, "POST").status, 405);
  EXPECT_EQ(asked("/readyz", true, "HEAD").status, 200);
  EXPECT_EQ(asked("/readyz/", true).status, 404);
  EXPECT_EQ(asked("/metrics", false).status, 200);
}

} // namespace
} // namespace shoal
