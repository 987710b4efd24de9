// Key pairs for tests only, and what another implementation made with them.
#pragma once

namespace shoal::mgw::test {

inline constexpr auto rsa_private = R"(-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDGNJfsrf2vUrn+
vDzFG6qSyOJfsy/lsrmzT9feQ5SToksnE+oyxyttVMNFW5u9JnisEN5qtyEDUonU
lKcbWTZRebUNN4hQks/QQqX3ED9oy+HbA10Cv/swtMpQrCZzCVwzW40QgYaLYwHX
pIb/0EDN4XicGrU+OGQyvnRMn6xzPS/j7jRRis87zvbP3d52Fxlz8iwhuNcWtleb
UA8PLWdSnYcbLhreUC9sXFIUktT3x7oi3eTAcGXrLpfCaPsraoWCYsfafepxETlD
6GtNdKpplnCSeN47cixFtSqLbxRvDxa2iWzt6bZaecit93KxZ6MRSYsBp028B6zr
+GbCS0VxAgMBAAECggEADnR8+lBOeU1vo6M/oldsHKQ6auTS/YNH6vV2e+79Tw64
a5CWqrPfAqxPyRyPJ9++UBGIiwtb2hXDAruBpsCznFm43s556k2+tVn6/SD/TYmw
U9bztFTjK/rva1aWv5qDPHqfjSszxbFyNl4j0KnJOXVJZMcc3egNGgH3p4lDRtci
wOzzRatSjwKLOmQ4Os78gLq+GavnQ1M2WJfqcqJtv2UTc/8DrjHHTLNkzTqpfQzP
i7nwoBiPVp6ugslPHNZtUtA8OSRGv2cp5jyODvTJ/cb0EZ3EY47GGi2vM+a8c7cO
x5EKlSrFmZdFlMGmh8hHlv7uJPws8c63isBMNnfS/QKBgQDnICq/zKFGel52z2b9
84sivt4assx99jTF4kZNp0X5zwMuwk9sy7bpuG85B4NhGohUjlCTb9512vXcjGnk
FGpTL9sANHbQ3RgLyGtbmLg4PPxc1byIYnpcq6d1LKbqHFhf2+RPbUSUu65s4+GT
lxG2yAVELKFHknOxzFIx1A8IzQKBgQDbiW3PJ/cWG6c8VdEd2EqBFHdyUQ7oVA47
5aGwPKD2BQixlci0utYlFKto0JnGqI8GEeCAaA0Zxf5jI+cFFd+1IxgpMuzCGmGB
7UgZsKoqphBMnY75JaL1AN8DlA0+qBk+qSDcPGuefx2HrmZXN6TNmCOOg87EIHta
9/N/WBQ/NQKBgB4MCIK2z6Ch9/XqMLGDH+t8dNNzuzIE+Adhy1H9FRPM3dUOXdT/
BuCLoaoAWAwfrumPNtp0CK+5r4zklD+ah9gYuJfmOiwdEis1+v8Fc62cABLxlnkE
lHPHvRV2oJx+4t5Tb/MDeY78d0igt4rAcQUaK9UZGD59w5yxu13O+8VhAoGAJvtX
IUKScD2Gy4Ldd/Qw/oyYzRaxk/Vg9afHtxh86FJqgcX79oN6hOkPqrPnqkvB4a0I
9SQEt3/dtNLqMY/5whsyLhaZzbmLeNueQtmIzbvhBwmvGnRhZCm8b9E5LNgCa4ry
h8i+v00I/E+uYmxB+jO6lJK5A0BVRwjiFsmYBsUCgYEAyT00UmLiz4I3JU1zCznq
amIZL+qhpPjbG8oNIbuyv54jC0cSHAzXuIU3ejCvE9zziSUXTkVoo4Z4HVkEhSGP
NsXsenfjlkIrsWa5r+Xv42F+WAYxZoGOPAuOoPJZOSy26VARrHxBp+bTSXAQkeLV
KmBBITxTZMlxVIpEoHiI+ko=
-----END PRIVATE KEY-----
)";

inline constexpr auto rsa_public = R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxjSX7K39r1K5/rw8xRuq
ksjiX7Mv5bK5s0/X3kOUk6JLJxPqMscrbVTDRVubvSZ4rBDearchA1KJ1JSnG1k2
UXm1DTeIUJLP0EKl9xA/aMvh2wNdAr/7MLTKUKwmcwlcM1uNEIGGi2MB16SG/9BA
zeF4nBq1PjhkMr50TJ+scz0v4+40UYrPO872z93edhcZc/IsIbjXFrZXm1APDy1n
Up2HGy4a3lAvbFxSFJLU98e6It3kwHBl6y6Xwmj7K2qFgmLH2n3qcRE5Q+hrTXSq
aZZwknjeO3IsRbUqi28Ubw8Wtols7em2WnnIrfdysWejEUmLAadNvAes6/hmwktF
cQIDAQAB
-----END PUBLIC KEY-----
)";

inline constexpr auto ecc_private = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgebcbXhFt6jBBr0i4
xnb1gh0WQgeiwD2TAiKLrHh2h8ChRANCAASJkXh300RWUfIJiqeFPUxwEGUL/cls
oz9yeNwMnboKMvSU/hQVpBQLdsxlxLWUUTXB6LTMxpGFTjBMeYsYhE5U
-----END PRIVATE KEY-----
)";

inline constexpr auto ecc_public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiZF4d9NEVlHyCYqnhT1McBBlC/3J
bKM/cnjcDJ26CjL0lP4UFaQUC3bMZcS1lFE1wei0zMaRhU4wTHmLGIROVA==
-----END PUBLIC KEY-----
)";

inline constexpr auto sm2_private = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQg715Fd7jrDrgjY12Z
0Te7s1p0VOZwxtJIf67W7YQJDg2hRANCAAT9XAl3Ad481SITVHGYsjyTyLlCg31K
DW+v1uki3MOmxSlXc1zhoaRStmxMmK+y6HypcGNYHtsTnrUVsqeZutuk
-----END PRIVATE KEY-----
)";

inline constexpr auto sm2_public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE/VwJdwHePNUiE1RxmLI8k8i5QoN9
Sg1vr9bpItzDpsUpV3Nc4aGkUrZsTJivsuh8qXBjWB7bE561FbKnmbrbpA==
-----END PUBLIC KEY-----
)";

/// "[\"secret\"]" for com.example.get of A1 in default, to key 7, made by Node.js.
inline constexpr auto rsa_envelope =
    "010101070100bbd59bcffc64c26371c62c03545ace258976711826d4858e3b7080bd30f70165c17ebc4c851877"
    "ac7a08333ab688b3d61e4541935f25bd0d2fb9d5009ec290362183da34737a0f54bfadb36c309d33141dc16427"
    "5d3172b25f16e53f51c01f058db26fb97a17052146ccaef4dc5839d75d506da4f161f1399844d2bc32b05d40a9"
    "9d194a607e63607d6824d3514c783b60c26475a8466d26304620a7a8d80325f7bf3c1b8d4db3737bc76a890168"
    "c7364e0b791779cddc78adb0ff097c29e0b9f21e4aef6cb8b81d882c13244fade4b4fc556e64bf7074242404be"
    "8b188bb234243c11ea2e30dddb36a264577e5ba41f3bcb246e4bf884126f6f0266755bee87bca869c28a795510"
    "9bfbdf7c28b9023ada63adb1125126ace8d85a01d33eee034344c4c8e3ce";

inline constexpr auto ecc_envelope =
    "0102010700410432d987ce8ee98c6f0856f9fd510c67f974b6e5e409fcfd4e14cbfb193c85461dc6fd9f085d00"
    "f87500ec155c2a1631ec68da17dddbda3e19b01b428aa978cf5a5338a7a891734e51b4931aabef826bb2610bed"
    "eb7366eaa7e179e71fb0bec88175a5f82f7f87";

inline constexpr auto sm2_envelope =
    "01030207008c308189022100cba2e574453bc852e7c2c1c18c16a21254a57bf290caf5a4a462fda87b2caccd02"
    "2071cca15070dcff9c5503a117d227ff7b7285a1fafedb035a24d995227a68f55e042091fcdc575f948744db03"
    "9212b2b0532a78093b8b75ed46e0fe5fc4a913c70e090420a357f505473341e8c6bdff77c47b9446c6bd405bf5"
    "9bf891fec09640bf36aa9b4f40f0027f72483fa6fdad5b3aefa1e5986bfc11aea4322d5b0afc5d126f55baba4f"
    "dc1223a33d85899ad138c9604d830e60439be1bb3582f44d";

/// RSASHA256 of the call in signature_test.cpp.
inline constexpr auto rsa_signature =
    "RYCYekIZbeC/eRSlt6VQvWFSd3APuey+qiexcp+FD6bZ1fRW4cjXf2Yp2e8njUqWxvIYTu+JpWvlYdNeEO6jwuwYkY"
    "FMGEYTorIJDfVpcxj4xK08z407vIaOICZB3rzGXHWALYXV/zclTth3RMMhEgNkTM4QXFP3n8EP8wmiuuIZWVwOx4fJ"
    "vEGcOL2DrQ9aVd48lCMBpZuSRH9DX7rcUHRxdKA6LkYWb72sNnYnzDC7/PZn5K/a3DA5WY8DRdavS6LOAc6rPUoMeQ"
    "yLbW7Loz0kLuucie5pEtuE8A/94c2vD6zWLpKsXuqUyoLPrAcVdmkR3AI6Tiis+r9jhG/y1A==";

} // namespace shoal::mgw::test
