/** Bodies of HLS segments: a byte range of a whole answer, AES-128 undone (RFC 8216 4.3.2.4, 5.2), first bytes looked at. */
import { createDecipheriv } from 'node:crypto';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import { withFirst } from './fetcher.ts';

/** From `skip` on `length` bytes: of servers that answer a range with everything. */
export function sliced(body: ByteStream, skip: number, length: number): ByteStream {
  let [before, left] = [skip, length];
  return {
    next: async () => {
      while (left > 0) {
        const piece = await body.next();
        if (piece === undefined) return undefined;
        const begin = Math.min(before, piece.length);
        before -= begin;
        const part = piece.subarray(begin, begin + left);
        left -= part.length;
        if (part.length > 0) return part;
      }
      body.close();
      return undefined;
    },
    close: () => body.close(),
  };
}

/** CBC with PKCS7 padding. Fault `hls-encrypted` when key or padding is wrong. */
export function deciphered(body: ByteStream, key: Uint8Array, iv: Uint8Array): ByteStream {
  const decipher = createDecipheriv('aes-128-cbc', key, iv);
  let ended = false;
  return {
    next: async () => {
      while (!ended) {
        const piece = await body.next();
        ended = piece === undefined;
        try {
          const plain = piece === undefined ? decipher.final() : decipher.update(piece);
          if (plain.length > 0) return plain;
        } catch (e) {
          throw new Fault('protocol', 'hls-encrypted', 'expected a segment that its key opens, got another', {}, e);
        }
      }
      return undefined;
    },
    close: () => body.close(),
  };
}

/** Initialization vector of a segment that names none: its number (RFC 8216 5.2). */
export function ivOf(sequence: number): Uint8Array {
  const iv = new Uint8Array(16);
  new DataView(iv.buffer).setBigUint64(8, BigInt(sequence));
  return iv;
}

/** The first bytes, at least `count` if there are so many, and the body as it was. */
export async function peeked(body: ByteStream, count: number): Promise<{ begin: Uint8Array; body: ByteStream }> {
  let begin = new Uint8Array(0);
  while (begin.length < count) {
    const piece = await body.next();
    if (piece === undefined) break;
    const longer = new Uint8Array(begin.length + piece.length);
    longer.set(begin);
    longer.set(piece, begin.length);
    begin = longer;
  }
  return { begin, body: withFirst(begin.length > 0 ? begin : undefined, body) };
}
