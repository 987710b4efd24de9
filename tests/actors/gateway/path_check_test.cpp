#include <gtest/gtest.h>

#include "actors/gateway/path_check.hpp"

namespace shoal::gateway {
namespace {

TEST(path_check, lets_names_pass_that_only_look_strange) {
  for (auto good : {"/", "", "/a/b", "/a//b/", "/...", "/.well-known/x", "/a..b", "/..a", "/a.",
           "/a%2Fb", "/%E4%B8%AD", "/a;b=..", "/%252e%252e", "/a:b@c!$&'()*+,=~", "/;.."})
    EXPECT_EQ(path_flaw(good), "") << good;
}

TEST(path_check, refuses_dots_however_they_are_written) {
  for (auto bad : {"/a/..", "/a/../b", "/./a", ".", "..", "/%2e%2E/admin", "/.%2e", "/%2e",
           "/a%2f..", "/a%2F%2e%2e%2fb", "/..;/a", "/..;x=1/a", "/..%3b/a", "../a"})
    EXPECT_NE(path_flaw(bad), "") << bad;
}

TEST(path_check, refuses_what_readers_take_for_different_things) {
  for (auto bad : {"/a\\b", "/%5c", "/%5C..%5C", "/%00", "/a%0d%0ab", "/%1f", "/%7F", "/%zz", "/%",
           "/a%4", "/%g0", "/%0g"})
    EXPECT_NE(path_flaw(bad), "") << bad;
}

} // namespace
} // namespace shoal::gateway
