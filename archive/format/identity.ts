/**
 * The `uuid` box by which a file says what it is (archive/DESIGN.md, "On disk"), so that the
 * index can be made anew from files alone, renamed ones included.
 */

export const schemaVersion = 1;

const userType = Uint8Array.from([
  0x6f, 0x63, 0x65, 0x6c, 0x6c, 0x75, 0x73, 0x00, 0xa1, 0xc7, 0x5e, 0x6d, 0x65, 0x6e, 0x74, 0x01,
]);

/** The 16 bytes of user type in front of the payload. */
const fixed = 16 + 20;

export interface Identity {
  readonly track: string;
  /** Wall clock of the file's first sample, UTC milliseconds. */
  readonly beginMs: number;
  /** Wall clock of the run's first recorded sample, UTC microseconds: files with the same value share one media time line. */
  readonly run: number;
  /** Per MP4 track: media time of the run at which this file's time is 0. */
  readonly origins: readonly number[];
}

/** The content of the box: user type and payload, without size and `uuid`. */
export function writeIdentity(identity: Identity): Uint8Array {
  const name = new TextEncoder().encode(identity.track);
  const n = identity.origins.length;
  const bytes = new Uint8Array(fixed + 8 * n + name.length);
  const view = new DataView(bytes.buffer);
  bytes.set(userType);
  view.setUint8(16, schemaVersion);
  view.setUint8(17, n);
  view.setUint16(18, name.length);
  view.setBigUint64(20, BigInt(Math.round(identity.beginMs * 1000)));
  view.setBigUint64(28, BigInt(identity.run));
  for (let i = 0; i < n; i++) view.setBigInt64(fixed + 8 * i, BigInt(identity.origins[i] ?? 0));
  bytes.set(name, fixed + 8 * n);
  return bytes;
}

/** Undefined when the box is somebody else's, of a later version, or does not fit together. */
export function parseIdentity(content: Uint8Array): Identity | undefined {
  if (content.length < fixed || userType.some((b, i) => content[i] !== b)) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const n = view.getUint8(17);
  if (view.getUint8(16) !== schemaVersion || content.length !== fixed + 8 * n + view.getUint16(18)) return undefined;
  return {
    track: new TextDecoder().decode(content.subarray(fixed + 8 * n)),
    beginMs: Number(view.getBigUint64(20)) / 1000,
    run: Number(view.getBigUint64(28)),
    origins: Array.from({ length: n }, (_, i) => Number(view.getBigInt64(fixed + 8 * i))),
  };
}
