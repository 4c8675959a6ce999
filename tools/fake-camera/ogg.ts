/** Opus in Ogg (RFC 3533, RFC 7845) to packets. Reading ends at the first page that is none. */

export interface OggOpus {
  readonly channels: number;
  readonly packets: readonly Uint8Array[];
}

/** Undefined when the file does not begin with an Opus stream. */
export function readOggOpus(bytes: Uint8Array): OggOpus | undefined {
  const packets = packetsOf(bytes);
  const [head] = packets;
  if (head === undefined || text(head.subarray(0, 8)) !== 'OpusHead') return undefined;
  return { channels: head[9] ?? 1, packets: packets.slice(2) }; // behind it OpusTags
}

function packetsOf(bytes: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  for (let at = 0; at + 27 <= bytes.length && text(bytes.subarray(at, at + 4)) === 'OggS'; ) {
    const segments = bytes[at + 26] ?? 0;
    let body = at + 27 + segments;
    for (const size of bytes.subarray(at + 27, at + 27 + segments)) {
      open.push(bytes.subarray(body, body + size));
      body += size;
      if (size === 255) continue;
      packets.push(Uint8Array.from(Buffer.concat(open)));
      open = [];
    }
    at = body;
  }
  return packets;
}

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
