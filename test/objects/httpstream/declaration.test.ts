import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import httpstream from '#objects/httpstream/index';
import { kindOf } from '#objects/httpstream/kind';

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0));

describe('what a URL turned out to be', () => {
  const packet = new Uint8Array(376);
  packet[0] = packet[188] = 0x47;
  // Content-Type, first bytes, path
  const cases: [type: string, begin: Uint8Array, path: string, expected: string | undefined][] = [
    ['multipart/x-mixed-replace;boundary=b', latin1('--b'), '/', 'multipart'],
    ['application/vnd.apple.mpegurl', latin1(''), '/', 'hls'],
    ['audio/x-mpegurl', latin1(''), '/', 'hls'],
    ['image/jpeg', latin1(''), '/', 'jpeg'],
    ['video/MP2T', latin1(''), '/', 'ts'],
    ['video/mp4', latin1(''), '/', 'mp4'],
    ['text/plain', latin1('#EXTM3U\n'), '/', 'hls'],
    ['', packet, '/', 'ts'],
    ['application/octet-stream', latin1('\0\0\0\x18ftypiso5'), '/', 'mp4'],
    ['', Uint8Array.of(0xff, 0xd8, 0xff), '/', 'jpeg'],
    ['text/plain', latin1('\0'), '/x/live.M3U8', 'hls'],
    ['application/octet-stream', latin1('\0'), '/x/a.ts', 'ts'],
    ['text/html', latin1('<html>'), '/', undefined],
  ];
  for (const [type, begin, path, expected] of cases)
    test(`${type} ${path} ${begin.length}: ${expected}`, () => assert.equal(kindOf(type, begin, path), expected));
});

describe('configurations', () => {
  const whole = { kind: 'auto', enable: ['video'], headers: {}, dynamic: false } as const;
  // what is changed in it, and where an error is
  const cases: [name: string, change: Record<string, unknown>, expected: string[]][] = [
    ['http', { url: 'http://h/x' }, []],
    ['https with a login and a port', { url: 'https://u:p@h:444/x?y=1' }, []],
    ['rtsp', { url: 'rtsp://h/x' }, ['/url']],
    ['no URL', { url: 'cam1' }, ['/url']],
    ['no media', { url: 'http://h/', enable: [] }, ['/enable']],
    ['pictures without video', { url: 'http://h/', kind: 'mjpeg', enable: ['audio'] }, ['/enable']],
    ['headers', { url: 'http://h/', headers: { 'X-A': 'b c', Cookie: 'a=b' } }, []],
    ['a header of two lines', { url: 'http://h/', headers: { 'X-A': 'b\r\nX: y' } }, ['/headers/X-A']],
    ['a header whose name is none', { url: 'http://h/', headers: { 'a b/c': 'd' } }, ['/headers/a b~1c']],
    [
      'headers of the connection',
      { url: 'http://h/', headers: { host: 'x', Range: 'y' } },
      ['/headers/host', '/headers/Range'],
    ],
  ];
  for (const [name, change, expected] of cases)
    test(name, () => {
      const found = httpstream.check?.({ ...whole, ...change } as never) ?? [];
      assert.deepEqual(
        found.map(f => f.pointer),
        expected,
      );
    });
});
