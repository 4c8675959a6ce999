/** Bytes as session descriptions write them, read as cameras write them: what is not understood is nothing. */

export function bytesOfBase64(text: string): Uint8Array {
  const clean = text.replace(/[^A-Za-z0-9+/]/g, '');
  if (clean.length % 4 === 1) return new Uint8Array(0);
  return Uint8Array.from(atob(clean), c => c.charCodeAt(0));
}

export function bytesOfHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2}){1,64}$/.test(text)) return new Uint8Array(0);
  return Uint8Array.from(text.match(/../g) ?? [], h => Number.parseInt(h, 16));
}
