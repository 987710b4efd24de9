// The vocabulary that CAF has to know: verbs (atoms) and nouns (messages). Nothing here crosses
// nodes yet, so all nouns are marked as staying in the process (see messages.hpp).
#pragma once

#include <caf/all.hpp>

#include "actors/messages.hpp"

namespace shoal {

/// Atoms are at most 10 characters of [0-9A-Za-z_ ].
namespace atom {
// devices
using frame = caf::atom_constant<caf::atom("frame")>;
using lost = caf::atom_constant<caf::atom("lost")>;
using kick = caf::atom_constant<caf::atom("kick")>;
using verdict = caf::atom_constant<caf::atom("verdict")>;
// feeds: between a source (stream, relay) and a sink (device, relay)
using attach = caf::atom_constant<caf::atom("attach")>;
using attached = caf::atom_constant<caf::atom("attached")>;
using detach = caf::atom_constant<caf::atom("detach")>;
using ops = caf::atom_constant<caf::atom("ops")>;
using pull = caf::atom_constant<caf::atom("pull")>;
using moved = caf::atom_constant<caf::atom("moved")>;
using ack = caf::atom_constant<caf::atom("ack")>;
// appends
using append = caf::atom_constant<caf::atom("append")>;
using appended = caf::atom_constant<caf::atom("appended")>;
using commit = caf::atom_constant<caf::atom("commit")>;
using committed = caf::atom_constant<caf::atom("committed")>;
// reads
using load = caf::atom_constant<caf::atom("load")>;
using page = caf::atom_constant<caf::atom("page")>;
using cursors = caf::atom_constant<caf::atom("cursors")>;
using trim = caf::atom_constant<caf::atom("trim")>;
using report = caf::atom_constant<caf::atom("report")>;
using status = caf::atom_constant<caf::atom("status")>;
// node
using online = caf::atom_constant<caf::atom("online")>;
using tick = caf::atom_constant<caf::atom("tick")>;
using stop = caf::atom_constant<caf::atom("stop")>;
using change = caf::atom_constant<caf::atom("change")>;
using call = caf::atom_constant<caf::atom("call")>;
// other nodes
using view = caf::atom_constant<caf::atom("view")>;
using answer = caf::atom_constant<caf::atom("answer")>;
using refused = caf::atom_constant<caf::atom("refused")>;
using up = caf::atom_constant<caf::atom("up")>;
using down = caf::atom_constant<caf::atom("down")>;
} // namespace atom

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::app_no)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::partition_no)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stream_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::principal_key)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::append_item)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::append_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::attach_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::attached_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::feed_ops)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::feed_moved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::feed_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::pull_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::ack_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::detach_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::commit_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::commit_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::stream_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::device_info_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::device_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::kick_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::storage::write_batch)
