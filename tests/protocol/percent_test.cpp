#include <gtest/gtest.h>

#include "protocol/percent.hpp"

namespace shoal {
namespace {

TEST(form_decoded, decodes_or_refuses) {
  EXPECT_EQ(form_decoded("a+b%2B%e4"), "a b+\xe4");
  EXPECT_EQ(form_decoded(""), "");
  for (auto bad : {"%", "%4", "%4g", "a%"})
    EXPECT_EQ(form_decoded(bad), std::nullopt) << bad;
}

TEST(percent_encoded, leaves_only_what_is_unreserved_and_what_it_is_told) {
  EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encoded("a b/@:\xe4"), "a%20b%2F%40%3A%E4");
  EXPECT_EQ(percent_encoded("a b/@:\xe4", "@:"), "a%20b%2F@:%E4");
  EXPECT_EQ(percent_encoded(""), "");
}

} // namespace
} // namespace shoal
