/** Bytes as session descriptions write them, read as cameras write them: what is not understood is nothing. */

/** Signs that are none of base64 are passed over; of a length that cannot be nothing is left. */
export function bytesOfBase64(text: string): Uint8Array {
  const clean = text.replace(/[^A-Za-z0-9+/]/g, '');
  if (clean.length % 4 === 1) return new Uint8Array(0);
  return Uint8Array.from(atob(clean), c => c.charCodeAt(0));
}

/** At most 64 bytes; empty for anything but pairs of hexadecimal digits. */
export function bytesOfHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2}){1,64}$/.test(text)) return new Uint8Array(0);
  return Uint8Array.from(text.match(/../g) ?? [], h => Number.parseInt(h, 16));
}
