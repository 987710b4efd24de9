// The only writer of the catalog: plans a change, makes it durable through partition 0's log, then
// publishes it.
//
// Spawned by the node after partition 0. Changes are handled one at a time, in order of arrival; at
// most `max_waiting_changes` wait, more are refused with `overloaded`. An asker hears
// `outcome_unknown` when the log has not answered within `limits.call_timeout`; the change is then
// submitted again (its rows are absolute, so twice is once) until its fate is known, because the
// next change has to build on it.
#pragma once

#include "actors/services.hpp"

namespace shoal {

class actor_registry;

constexpr std::size_t max_waiting_changes = 64;

using catalog_writer_actor = catalog_actor::extend<
    // From partition 0: the rows of the change are durable, or not.
    caf::reacts_to<atom::committed, commit_result>,
    // INTERNAL: the attempt with this token has had its time.
    caf::reacts_to<atom::tick, std::uint64_t>>;

/// `actors` is where it has its seat; may be null.
catalog_actor spawn_catalog_writer(
    caf::actor_system& sys, services_ptr services, actor_registry* actors = nullptr);

} // namespace shoal
