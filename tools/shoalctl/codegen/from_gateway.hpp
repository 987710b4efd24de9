// What an app's gateway has, as the document that client code is generated from (README.md). Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace shoal::codegen {

/// `bundle` is what `gateway export` writes. Models are made of the APIs' JSON Schemas: an object
/// with properties is one, called by its `title` or by its API and place. Bodies of protobuf
/// messages are `any`: their fields are not in the bundle.
nlohmann::ordered_json document_of(std::string app, const nlohmann::ordered_json& bundle);

} // namespace shoal::codegen
