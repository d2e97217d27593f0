/** Ids 0 to size-1 inside are host to host+size-1 outside. */
export interface IdRange {
  host: number;
  size: number;
}

/** What a user namespace makes of ids (user_namespaces(7), uid_map). */
export interface IdMap {
  uid: IdRange;
  gid: IdRange;
}

/** What the kernel shows for an id that has no counterpart: /proc/sys/kernel/overflowuid. */
export const OVERFLOW_ID = 65_534;

/** An id of the host as the container sees it. Without a range both are the same. */
export function toContainer(range: IdRange | undefined, id: number): number {
  if (!range) return id;
  const inside = id - range.host;
  return inside >= 0 && inside < range.size ? inside : OVERFLOW_ID;
}

/** An id of the container on the host; undefined when the container has no such id. */
export function toHost(range: IdRange | undefined, id: number): number | undefined {
  if (!range) return id;
  return id >= 0 && id < range.size ? range.host + id : undefined;
}

/** True when both containers may share namespaces that belong to a user namespace. */
export const sameMap = (a: IdMap | undefined, b: IdMap | undefined): boolean =>
  a === undefined || b === undefined
    ? a === b
    : a.uid.host === b.uid.host && a.uid.size === b.uid.size && a.gid.host === b.gid.host && a.gid.size === b.gid.size;

/** The line of uid_map or gid_map. */
export const mapLine = ({ host, size }: IdRange): string => `0 ${host} ${size}\n`;

/** <linux/capability.h>, the attribute security.capability: version 2 (20 bytes) has no owner, version 3 ends with one's uid. */
const VERSION_2 = 0x02000000;
const VERSION_3 = 0x03000000;
const VERSION_MASK = 0xff000000;
const SIZE_2 = 20;
const SIZE_3 = 24;

/** File capabilities as the container would read them: those of its own root carry no owner. Undefined: they are another's. */
export function capabilityToContainer(range: IdRange | undefined, value: Buffer): Buffer | undefined {
  if (!range || value.length !== SIZE_3 || (value.readUInt32LE(0) & VERSION_MASK) >>> 0 !== VERSION_3) return value;
  if (value.readUInt32LE(SIZE_2) !== range.host) return undefined;
  const inside = Buffer.from(value.subarray(0, SIZE_2));
  inside.writeUInt32LE((inside.readUInt32LE(0) & ~VERSION_MASK) + VERSION_2, 0);
  return inside;
}

/** File capabilities from the container's view as they have to be written on the host: they hold below the container's root only. */
export function capabilityToHost(range: IdRange | undefined, value: Buffer): Buffer {
  if (!range || value.length !== SIZE_2 || (value.readUInt32LE(0) & VERSION_MASK) >>> 0 !== VERSION_2) return value;
  const outside = Buffer.alloc(SIZE_3);
  value.copy(outside);
  outside.writeUInt32LE((value.readUInt32LE(0) & ~VERSION_MASK) + VERSION_3, 0);
  outside.writeUInt32LE(range.host, SIZE_2);
  return outside;
}
