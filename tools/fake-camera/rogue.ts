/**
 * Answers that no RFC allows, and that a client has to survive: what a fault makes of the
 * text of a reply. Endless ones are generators: whoever sends them stops when nobody listens.
 */
import type { FaultSpec } from './faults.ts';

/** Faults that bend a reply; what they do is beside `rogueReply`. */
export const rogueTypes = ['silent', 'cseq', 'headers', 'bomb', 'body', 'debris'] as const;
export type RogueType = (typeof rogueTypes)[number];

/** Pieces small enough that a client which gives up early has taken little. */
const pieceBytes = 16 << 10;

/** Undefined: nothing is answered. */
export function rogueReply(text: string, fault: FaultSpec): string | Iterable<string> | undefined {
  const startLine = text.slice(0, text.indexOf('\r\n') + 2);
  const cseq = /^CSeq: .*\r\n/im.exec(text)?.[0] ?? '';
  switch (fault.type as RogueType) {
    case 'silent':
      return undefined;
    // The answer to another request.
    case 'cseq':
      return text.replace(
        /^(CSeq: )(\d+)/im,
        (_, name: string, n: string) => `${name}${Number(n) + (fault.v || 1000)}`,
      );
    // A head that never ends.
    case 'headers':
      return endless(`${startLine}${cseq}`, n => `X-Header-${n}: ${'h'.repeat(50)}\r\n`);
    // One header of `v` bytes, 16 MiB by default.
    case 'bomb':
      return bounded(`${startLine}${cseq}X-Bomb: `, fault.v || 16 << 20, `\r\n\r\n`);
    // A description that never ends, though it says that it will.
    case 'body':
      return endless(
        `${startLine}${cseq}Content-Type: application/sdp\r\nContent-Length: ${fault.v || 2 ** 31 - 1}\r\n\r\nv=0\r\n`,
        n => `a=line:${n}\r\n`,
      );
    // A web page instead.
    case 'debris':
      return `<html>\r\n<h1>${'not RTSP '.repeat(50)}</h1>\r\n</html>\r\n`;
  }
}

function* endless(head: string, line: (n: number) => string): Generator<string> {
  yield head;
  for (let n = 0; ; ) {
    let piece = '';
    while (piece.length < pieceBytes) piece += line(n++);
    yield piece;
  }
}

function* bounded(head: string, bytes: number, end: string): Generator<string> {
  yield head;
  for (let left = bytes; left > 0; left -= pieceBytes) yield 'b'.repeat(Math.min(pieceBytes, left));
  yield end;
}
