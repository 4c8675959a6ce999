/** MPEG-TS as the body of a request, into the object `push`: what it answers, and when it ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ByteStream, MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { fakeContext } from '#fake/context';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { makeMedia, needPeer } from '#fake/peers';
import { fakeWorld, settle } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import push from '../../objects/push/index.ts';

type T = { after(f: () => Promise<void> | void): void };

const defaults = {
  protocols: ['rtsp', 'ts'],
  takeover: false,
  timeout: 10,
  enable: ['video', 'audio'],
  time: 'server',
};

async function bench(t: T, config: Record<string, unknown> = {}) {
  const world = fakeWorld();
  const context = fakeContext(push, 'live', { ...defaults, ...config }, world);
  const object = await push.create(context as never);
  void object.start();
  const units: AccessUnit[] = [];
  const gaps: string[] = [];
  object.provides.media.attach(
    { unit: u => void units.push(u), gap: g => void gaps.push(g.reason) },
    { who: 'test', from: 'next' },
  );
  t.after(async () => {
    await context.scope.close();
    assert.deepEqual([context.scope.open, world.clock.waiting], [[], 0]);
  });
  const call = async (body: ByteStream): Promise<unknown> => {
    const caller = { login: null, address: '10.0.0.1' };
    try {
      const answer = (await object.published.PushSource.publish({}, { caller, body })) as MediaAnswer;
      return JSON.parse(String(answer.body));
    } catch (e) {
      return e instanceof Fault ? e.code : e;
    }
  };
  return { world, context, object, units, gaps, call };
}

/** A body that a test feeds. */
class Feed implements ByteStream {
  readonly #pieces: (Uint8Array | Fault | undefined)[] = [];
  #wake: () => void = () => {};
  closed = false;

  /** Bytes; undefined is the end, a Fault the way it fails. */
  push(...pieces: (Uint8Array | Fault | undefined)[]): void {
    this.#pieces.push(...pieces);
    this.#wake();
  }
  async next(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0 && !this.closed) await new Promise<void>(done => (this.#wake = done));
    if (this.closed) return undefined;
    const piece = this.#pieces.shift();
    if (piece instanceof Fault) throw piece;
    return piece;
  }
  close(): void {
    this.closed = true;
    this.#wake();
  }
}

const feed = (...pieces: (Uint8Array | Fault | undefined)[]): Feed => {
  const made = new Feed();
  made.push(...pieces);
  return made;
};
const inPieces = (bytes: Uint8Array, size = 1316): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

describe('MPEG-TS into push', { skip: needPeer('ffmpeg') }, () => {
  const media = (): Uint8Array => makeMedia('ts', { video: 'h264', audio: 'aac' });

  test('a body that ends in order: all units, and what they were', async t => {
    const b = await bench(t);
    const bytes = media();
    const answer = (await b.call(feed(...inPieces(bytes), undefined))) as Record<string, unknown>;
    assert.deepEqual(answer, { bytes: bytes.length, units: b.units.length, lost: 0, codecs: ['h264', 'aac'] });
    assert.equal(b.units.filter(u => u.track === 0).length, 50);
    assert.deepEqual([b.gaps, b.context.state()], [['no-media', 'no-media'], 'idle']);
  });

  test('what is not enabled is left out', async t => {
    const b = await bench(t, { enable: ['video'] });
    await b.call(feed(...inPieces(media()), undefined));
    assert.deepEqual([b.units.length, b.units.every(u => u.run.tracks.length === 1)], [50, true]);
  });

  test('a client that goes is network loss; the next one begins another run', async t => {
    const b = await bench(t);
    const gone = new Fault('cancelled', 'stopped', 'gone');
    assert.equal(await b.call(feed(...inPieces(media()).slice(0, 40), gone)), 'stopped');
    assert.deepEqual([b.gaps, b.context.state()], [['no-media', 'network-loss'], 'idle']);
    await b.call(feed(...inPieces(media()), undefined));
    assert.deepEqual([...new Set(b.units.map(u => u.run.id))], [1, 2]);
  });

  test('a second one is refused at once; a command, silence and the end of the object end the first', async t => {
    const b = await bench(t, { timeout: 3 });
    const ends: readonly (readonly [name: string, end: () => unknown])[] = [
      ['a command', () => b.object.published.PushSource.unpublish({}, {} as never)],
      ['silence', () => b.world.clock.pass(4000)],
      ['the end of the object', () => b.context.scope.close()],
    ];
    for (const [name, end] of ends) {
      const body = feed(...inPieces(media()).slice(0, 40));
      const first = b.call(body);
      await settle();
      assert.equal(await b.call(feed(...inPieces(media()), undefined)), 'busy-publisher');
      await end();
      assert.deepEqual([await first, body.closed], ['conflict', true], name);
    }
  });

  test('a file, sent as fast as it goes, is read at the pace at which it plays, ten seconds ahead', async t => {
    const b = await bench(t);
    const answer = b.call(feed(...inPieces(makeMedia('ts', { video: 'h264', seconds: 30 })), undefined));
    const aheadMs = (): number => (b.units.at(-1)?.wallMs ?? 0) - b.world.clock.wallMs();
    const passes = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 50) await b.world.clock.pass(50);
    };
    await settle();
    for (let second = 0; second < 4; second++) {
      assert.ok(aheadMs() > 8_000 && aheadMs() < 12_000, `${aheadMs()} ms ahead after ${second} s`);
      await passes(1000);
    }
    await passes(20_000);
    assert.equal(((await answer) as { units: number }).units, 750);
    assert.equal(b.context.said.states.includes('failed'), false);
  });

  test('one that is ended while it is ahead ends at once', async t => {
    const b = await bench(t);
    const answer = b.call(feed(...inPieces(makeMedia('ts', { video: 'h264', seconds: 30 })), undefined));
    await settle();
    b.object.published.PushSource.unpublish({}, {} as never);
    assert.equal(await answer, 'conflict');
  });

  test('what is no transport stream is refused, soon', async t => {
    const b = await bench(t);
    const noise = feed();
    noise.push(...inPieces(new Uint8Array(80_000).fill(7)));
    assert.equal(await b.call(noise), 'bad-argument');
    assert.equal(await b.call(feed(undefined)), 'bad-argument');
    assert.equal(await b.call(feed(new TextEncoder().encode('hello'), undefined)), 'bad-argument');
    const closed = await bench(t, { protocols: ['rtsp'] });
    assert.equal(await closed.call(feed(...inPieces(media()), undefined)), 'forbidden');
  });

  test('the wall clock is set while it comes: a gap with that reason, and on with another run', async t => {
    const b = await bench(t);
    const body = feed(...inPieces(media()).slice(0, 60));
    const answer = b.call(body);
    await settle();
    for (let i = 0; i < 20; i++) await settle();
    b.world.clock.stepWall(3_600_000);
    body.push(...inPieces(media()), undefined);
    await answer;
    assert.ok(b.gaps.includes('clock-step'));
    assert.equal(new Set(b.units.map(u => u.run.id)).size, 2);
    const [last] = b.units.slice(-1);
    assert.ok((last?.wallMs ?? 0) > Date.UTC(2026, 0, 1, 0, 59));
  });

  test('damaged streams: an answer, and the place is free', async t => {
    const random = fuzzSeed('push body');
    const bytes = media();
    const b = await bench(t);
    for (let round = 0; round < fuzzRounds(10); round++) {
      const pieces = inPieces(bytes, 100 + random.below(3000)).map(p =>
        random.below(10) === 0 ? mutate(random, p) : p,
      );
      const answer = await b.call(feed(...pieces, undefined));
      assert.ok(typeof answer === 'object' || answer === 'bad-argument', `round ${round}: ${String(answer)}`);
      const now = await b.object.published.PushSource.publication({}, {} as never);
      assert.equal(now.publishing, false);
    }
  });
});
