import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { rtpQuirks } from '#rtp/quirks';
import { quirks, rtspQuirks } from '#rtsp/quirks';

/** Learned when the session is over, and told by its owner. */
const lessons = ['get-parameter-ends-session', 'early-expiry'];

describe('quirks of RTSP servers', () => {
  // session.test.ts plays the dialogues.
  for (const name of Object.keys(rtspQuirks))
    test(`${name}: has its dialogue, in which it is seen`, () => {
      const text = readFileSync(`test/fixture/rtsp/quirk-${name}.txt`, 'utf8');
      const sign = lessons.includes(name) ? /^L: {".*}$/m : new RegExp(`^> quirk ${name}$`, 'm');
      assert.match(text, sign);
    });

  const tests = readdirSync('test/rtp', { recursive: true, encoding: 'utf8' })
    .filter(f => f.endsWith('.test.ts'))
    .map(f => readFileSync(`test/rtp/${f}`, 'utf8'))
    .join('\n');
  for (const name of Object.keys(rtpQuirks)) test(`${name}: has its test`, () => assert.ok(tests.includes(name)));

  test('each says who does what, how it is seen and what is done', () => {
    for (const [name, q] of Object.entries(quirks)) {
      assert.match(name, /^[a-z0-9]+(?:-[a-z0-9]+)+$/);
      for (const text of [q.does, q.sign, q.policy, q.vendor]) assert.ok(text.length > 2, name);
    }
    assert.equal(Object.keys(quirks).length, Object.keys(rtspQuirks).length + Object.keys(rtpQuirks).length);
  });
});
