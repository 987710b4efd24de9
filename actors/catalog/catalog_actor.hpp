// The only writer of the catalog (single_writer.hpp). Spawned by the node after partition 0.
#pragma once

#include "actors/catalog/single_writer.hpp"

namespace shoal {

class actor_registry;

/// `actors` is where it has its seat; may be null.
catalog_actor spawn_catalog_writer(
    caf::actor_system& sys, services_ptr services, actor_registry* actors = nullptr);

} // namespace shoal
