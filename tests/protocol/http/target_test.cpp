#include <gtest/gtest.h>

#include "protocol/http/target.hpp"

namespace shoal::http {
namespace {

TEST(target, is_a_path_and_a_query) {
  auto x = read_target("/a%2Fb?x=1&y=?2");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->host, "");
  EXPECT_EQ(x->path, "/a%2Fb");
  EXPECT_EQ(x->query, "x=1&y=?2");
}

TEST(target, may_have_scheme_and_host_before_it) {
  auto x = read_target("HTTPS://shop.example:8443/a?b");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->host, "shop.example:8443");
  EXPECT_EQ(x->path, "/a");
  EXPECT_EQ(x->query, "b");
  EXPECT_EQ(read_target("http://h")->path, "/");
  EXPECT_EQ(read_target("http://h?q")->path, "/");
  EXPECT_EQ(read_target("http://h?q")->query, "q");
}

TEST(target, is_nothing_else) {
  for (auto bad : {"", "*", "a/b", "h:443", "ftp://h/", "http:///a", "http://u@h/", "http://h#a",
           "http://a b/", "/a b", "/a#b", "/a?b#c", "/a?b c", "/\x7f", "/\xc3\xa4", "http:/h/"})
    EXPECT_FALSE(read_target(bad)) << bad;
}

TEST(target, host_is_a_name_or_an_address_and_perhaps_a_port) {
  for (auto good : {"", "h", "shop.example", "shop.example:443", "10.0.0.1:80", "[::1]",
           "[fe80::1]:8443", "h:", "a%20b", "x_y"})
    EXPECT_TRUE(valid_host(good)) << good;
  for (auto bad : {"a b", "a/b", "u@h", "h:x", "h:123456", "h:1:2", ":80", "[", "[]", "[::1", "[g]",
           "[::1]x", "::1", "a\"b", "a%2", "a%zz", "h,i:1 ", "h\\i", "h?x", "h#x", "\xc3\xa4"})
    EXPECT_FALSE(valid_host(bad)) << bad;
}

} // namespace
} // namespace shoal::http
