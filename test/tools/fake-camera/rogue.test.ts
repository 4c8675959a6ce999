import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFault } from '../../../tools/fake-camera/faults.ts';
import { rogueReply } from '../../../tools/fake-camera/rogue.ts';

const good = 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nServer: x\r\n\r\n';

// what becomes of the good reply: the first bytes of it, and how many there are of the first 40 MB
const rows: [name: string, fault: string, begins: string | undefined, bytes: number][] = [
  ['nothing is said', 'type=silent', undefined, 0],
  ['the answer to another request', 'type=cseq,v=5', good.replace('7', '12'), good.length + 1],
  ['headers without end', 'type=headers', 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nX-Header-0: hh', 40e6],
  ['one long header', 'type=bomb,v=100000', 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nX-Bomb: bb', 100_038],
  ['a body without end', 'type=body', 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Type: application/sdp\r\n', 40e6],
  ['a web page', 'type=debris', '<html>\r\n', 478],
];
for (const [name, fault, begins, bytes] of rows)
  test(`a rogue reply: ${name}`, () => {
    const told = rogueReply(good, parseFault(fault));
    let text = '';
    let length = 0;
    for (const piece of typeof told === 'string' ? [told] : (told ?? [])) {
      if (text.length < 1000) text += piece;
      length = Math.min(40e6, length + piece.length);
      if (length === 40e6) break;
    }
    assert.deepEqual([told && text.slice(0, begins?.length), length], [begins, bytes]);
  });
