// Which ops of a frame are new: the table in protocol/README.md, "Ops".

import type { Wire } from "../wire/messages.js";
import type { Position } from "./positions.js";

export type WireOps = Wire<"Ops">;

export interface Accepted {
  ops: WireOps["ops"];
  /** Where the device stands when they are handled. */
  then: Position;
}

/** Nothing if ids are missing before the frame, which a correct server never lets happen. */
export function accept(at: Position, frame: WireOps): Accepted | undefined {
  if (frame.epoch !== at.epoch || frame.after > at.id) return undefined;
  return {
    ops: frame.ops.filter((op) => op.id > at.id),
    then: { epoch: at.epoch, id: frame.upto > at.id ? frame.upto : at.id },
  };
}
