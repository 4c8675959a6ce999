/** Bytes as base64 text (RFC 4648 4), for faces that carry JSON only. */
export function base64(bytes: Uint8Array): string {
  let binary = '';
  // In pieces: arguments of a call are limited in number. 32 KiB at a time.
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(binary);
}
