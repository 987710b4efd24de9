#include "actors/node/lost_store.hpp"

#include <stdexcept>

#include "actors/log.hpp"
#include "storage/lost_records.hpp"

namespace shoal {

void face_lost_records(storage::database& db, const lost_store_options& options) {
  auto lost = storage::lost_records(db);
  if (lost.empty())
    return;
  if (options.go_on) {
    log::error("the store lost records that were durable, and the node goes on without them",
        {{"folder", options.folder}, {"lost", lost}});
    if (storage::forget_lost_records(db) != ec::none)
      throw std::runtime_error{"cannot write to " + options.folder};
  } else if (!options.others_have_copies) {
    throw std::runtime_error{
        "the store in " + options.folder + " lost records that were acknowledged: " + lost +
        ". Put a backup back, or start once with --new-epoch to go on with what is left"};
  }
}

} // namespace shoal
