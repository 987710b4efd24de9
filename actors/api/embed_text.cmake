# cmake -DIN=text -DOUT=x.cpp -P embed_text.cmake: makes `shoal::api::openapi_yaml` out of a text file.
file(READ ${IN} text)
string(REPLACE "\r\n" "\n" text "${text}")
file(WRITE ${OUT} "#include \"actors/api/openapi.hpp\"\nnamespace shoal::api {\nconst std::string_view openapi_yaml = R\"~~~~(${text})~~~~\";\n}\n")
