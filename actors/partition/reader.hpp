// The reader: the only kind of actor that reads the disk.
//
// Spawned by: the node, detached (a thread of its own), a few of them.  Monitors: nobody.  Dies:
// never but at shutdown. Each message is bounded work: one point read, one page, one bounded scan.
// In tests it runs on the scheduler over the in-memory database.
#pragma once

#include "actors/services.hpp"

namespace shoal {

/// The options of a reader: the services it reads through.
reader_actor::behavior_type reader(reader_actor::pointer self, services_ptr services);

} // namespace shoal
