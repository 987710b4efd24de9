#include <gtest/gtest.h>

#include "actors/gateway/passed_headers.hpp"

namespace shoal::gateway {
namespace {

TEST(passed_headers, keeps_back_what_belongs_to_a_connection) {
  for (auto hop : {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
           "Proxy-Authenticate", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"})
    EXPECT_TRUE(is_kept_back(hop)) << hop;
  for (auto passed : {"Authorization", "Accept", "X-App", "Upgrade-Insecure-Requests", "Via"})
    EXPECT_FALSE(is_kept_back(passed)) << passed;
}

TEST(passed_headers, keeps_back_what_says_who_or_where_the_client_is) {
  for (auto said : {"Forwarded", "X-Real-IP", "x-forwarded-for", "X-Forwarded-Host",
           "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Anything"})
    EXPECT_TRUE(is_kept_back(said)) << said;
  EXPECT_FALSE(is_kept_back("X-Forwarded"));
}

TEST(passed_headers, takes_an_underscore_for_a_dash) {
  for (auto same : {"X_Forwarded_For", "X_Real_IP", "Operation_Type", "Sign_Type"})
    EXPECT_TRUE(is_kept_back(same)) << same;
}

TEST(passed_headers, drops_what_connection_names) {
  auto fields = header_list{{"connection", "X-Evil ,close,\tx_other"}, {"X-Evil", "1"},
      {"X-Good", "2"}, {"Connection", ",,x-third"}, {"X-Other", "3"}, {"x-THIRD", "4"}};
  drop_nominated(fields);
  EXPECT_EQ(fields, (header_list{{"X-Good", "2"}}));
}

TEST(passed_headers, drops_nothing_else_where_connection_names_nothing) {
  auto fields = header_list{{"Keep-Alive", "5"}, {"X-Good", "2"}};
  auto same = fields;
  drop_nominated(fields);
  EXPECT_EQ(fields, same);
  fields.emplace_back("Connection", "close");
  drop_nominated(fields);
  EXPECT_EQ(fields, same);
}

} // namespace
} // namespace shoal::gateway
