import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { Authenticator, Wish } from '#capability/authenticator';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import { epochMs } from '#fake/media';
import { settle } from '#fake/world';
import { payloadBegin } from '#rtp/packet';
import { replayHeaderAt, replayTimeMs } from '#rtp/replay-header';
import { bodyText } from '#rtsp/message';
import { writeClockRange } from '#rtsp/play-range';
import { Recording } from './recording.ts';
import {
  type Client,
  headerOf,
  isRow,
  numbersIn,
  type Rig,
  seqOf,
  seqsAreRow,
  serve,
  type T,
  timeOf,
  until,
} from './rig.ts';

const at = (ms: number): string => isoTime(epochMs + ms);
const clock = (fromMs: number, toMs?: number): string =>
  writeClockRange(epochMs + fromMs, toMs === undefined ? undefined : epochMs + toMs);

async function client(rig: Rig, path: string, tracks: readonly number[] = [0, 1]): Promise<Client> {
  const c = await rig.client();
  assert.equal((await c.ask('DESCRIBE', path)).status, 200);
  for (const [i, track] of tracks.entries()) {
    const Transport = `RTP/AVP/TCP;unicast;interleaved=${2 * i}-${2 * i + 1}`;
    assert.equal((await c.ask('SETUP', `${path}/trackID=${track}`, { Transport })).status, 200);
  }
  return c;
}

/** Lets the server's time go by until the goodbye has come; how much went by. */
async function toTheEnd(rig: Rig, c: Client, mostMs = 120_000): Promise<number> {
  const bye = (): boolean => c.rtcp(1).some(r => r.type === 'goodbye');
  let ms = 0;
  for (; !bye() && ms < mostMs; ms += 100) {
    await rig.clock.pass(100);
    await new Promise(r => setTimeout(r, 1));
  }
  assert.ok(bye(), `no goodbye within ${mostMs} ms`);
  return ms;
}

const served = (t: T, recording: Recording, more: Parameters<typeof serve>[2] = {}): Promise<Rig> =>
  serve(t, {}, { storages: { stor: recording }, ...more });

describe('a recording over RTSP', () => {
  test('is described with both times, played in real time, whole, and ends with goodbye on every track', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 4 }));
    const c = await rig.client();
    const described = bodyText(await c.ask('DESCRIBE', 'stor/cam'));
    assert.match(described, /a=range:npt=0\.000-4\.000\r\na=range:clock=20\d{6}T\d{6}\.000Z-20\d{6}T\d{6}\.000Z\r\n/);
    const viewer = await client(rig, 'stor/cam');
    const play = await viewer.ask('PLAY', 'stor/cam');
    assert.equal(headerOf(play, 'Range'), clock(0));
    await rig.clock.pass(1000);
    await until('a second of it', () => viewer.pictures().length >= 25);
    assert.ok(viewer.pictures().length <= 27, `${viewer.pictures().length} pictures in a second`);
    const ms = await toTheEnd(rig, viewer);
    assert.ok(ms > 2500 && ms < 14_500, `${ms}`);
    assert.deepEqual(
      viewer.pictures(),
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.ok(seqsAreRow(viewer.rtp(0)) && seqsAreRow(viewer.rtp(2)) && viewer.rtp(2).length > 50);
    assert.ok(viewer.rtcp(3).some(r => r.type === 'goodbye'));
    const [url0 = '', url1 = ''] = (headerOf(play, 'RTP-Info') ?? '').split(',');
    const first = viewer.rtp(0)[0]!;
    assert.equal(url0, `url=${viewer.url('stor/cam')}/trackID=0;seq=${seqOf(first)};rtptime=${timeOf(first)}`);
    assert.match(url1, new RegExp(`seq=${seqOf(viewer.rtp(2)[0]!)};`));
    const report = viewer.rtcp(1)[0];
    assert.ok(report?.type === 'sender-report');
    assert.deepEqual([Math.round(report.wallMs), report.rtpTime], [epochMs, timeOf(first)]);
  });

  const intervals: [
    name: string,
    query: string,
    range: string | undefined,
    first: number,
    last: number,
    says: string,
  ][] = [
    ['begin and end of the URL', `begin=${at(1000)}&end=${at(2000)}`, undefined, 25, 49, clock(1000, 2000)],
    [
      'a begin inside of a group of pictures',
      `begin=${at(1500)}&end=${at(2000)}`,
      undefined,
      25,
      49,
      clock(1000, 2000),
    ],
    [
      'milliseconds, and an end inside of a group',
      `begin=${epochMs}&end=${epochMs + 1200}`,
      undefined,
      0,
      29,
      clock(0, 1200),
    ],
    ['Range: clock within the URL', `begin=${at(0)}&end=${at(4000)}`, clock(2000, 3000), 50, 74, clock(2000, 3000)],
    ['Range: npt from the begin of the URL', `begin=${at(1000)}&end=${at(4000)}`, 'npt=1-2', 50, 74, 'npt=1.000-2.000'],
    [
      'a Range that reaches beyond the URL',
      `begin=${at(1000)}&end=${at(2000)}`,
      clock(0, 9000),
      25,
      49,
      clock(1000, 2000),
    ],
    [
      'an offset in the URL',
      `begin=${at(3000).replace('Z', '%2B00:00')}&end=${at(3080).replace('Z', '+00:00')}`,
      undefined,
      75,
      76,
      clock(3000, 3080),
    ],
  ];
  for (const [name, query, range, first, last, says] of intervals)
    test(`${name}: exact first and last picture`, async t => {
      const rig = await served(t, new Recording({ fromMs: 0, seconds: 4 }));
      const path = `stor/cam?${query}`;
      const c = await client(rig, path);
      const play = await c.ask('PLAY', path, range === undefined ? {} : { Range: range });
      assert.equal(headerOf(play, 'Range'), says);
      await toTheEnd(rig, c);
      const got = c.pictures();
      assert.deepEqual([got[0], got.at(-1), isRow(got)], [first, last, true]);
    });

  test('a hole is left out: pictures, sequence numbers and timestamps go on, the report tells the leap', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 2 }, { fromMs: 60_000, seconds: 2 }));
    const c = await client(rig, 'stor/cam');
    await c.ask('PLAY', 'stor/cam');
    const ms = await toTheEnd(rig, c);
    assert.ok(ms < 15_000, `${ms}`);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 100 }, (_, i) => i),
    );
    const times = [...new Set(c.rtp(0).map(timeOf))];
    assert.ok(
      times.every((x, i) => i === 0 || ((x - times[i - 1]!) | 0) === 3600),
      'every picture 40 ms after the other',
    );
    const walls = c.rtcp(1).flatMap(r => (r.type === 'sender-report' ? [Math.round(r.wallMs - epochMs)] : []));
    assert.ok(walls.includes(60_000), `${walls}`);
  });

  test('new parameter sets go in band; another kind of sound ends it', async t => {
    const recording = new Recording(
      { fromMs: 0, seconds: 1 },
      { fromMs: 1000, seconds: 1, video: 'second.h264' },
      { fromMs: 2000, seconds: 1 },
    );
    const last = recording.pieces[2]!;
    recording.pieces[2] = {
      ...last,
      format: 'other',
      tracks: last.tracks.map(x => (x.kind === 'audio' ? { ...x, channels: 2 } : x)),
    };
    const rig = await served(t, recording);
    const c = await client(rig, 'stor/cam');
    await c.ask('PLAY', 'stor/cam');
    await toTheEnd(rig, c);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 50 }, (_, i) => i),
    );
    const sets = c.rtp(0).filter(p => (p[12]! & 31) === 24);
    assert.equal(sets.length, 2);
    assert.notDeepEqual(sets[0]!.slice(12), sets[1]!.slice(12));
    assert.deepEqual(rig.context.said.faults, []);
    const there = await client(rig, 'stor/cam');
    assert.equal((await there.ask('PLAY', 'stor/cam', { Range: clock(2000) })).status, 415);
  });

  test('PAUSE and PLAY lose and repeat nothing; PLAY without Range while playing changes nothing', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 4 }));
    const c = await client(rig, 'stor/cam');
    await c.ask('PLAY', 'stor/cam');
    await rig.clock.pass(1500);
    await c.ask('PAUSE', 'stor/cam');
    const n = c.pictures().length;
    await rig.clock.pass(20_000);
    assert.equal(c.pictures().length, n);
    const again = await c.ask('PLAY', 'stor/cam');
    const next = /seq=(\d+);rtptime=(\d+)/.exec(headerOf(again, 'RTP-Info') ?? '');
    await rig.clock.pass(500);
    assert.equal((await c.ask('PLAY', 'stor/cam')).status, 200);
    await toTheEnd(rig, c);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 100 }, (_, i) => i),
    );
    assert.ok(seqsAreRow(c.rtp(0)));
    const found = c.rtp(0).find(p => seqOf(p) === Number(next?.[1]));
    assert.equal(found && timeOf(found), Number(next?.[2]));
  });

  test('a seek while playing goes there at once; one to where nothing is leaves it playing', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 30 }));
    const path = `stor/cam?end=${at(30_000)}`;
    const c = await client(rig, path);
    await c.ask('PLAY', path);
    await rig.clock.pass(1000);
    assert.equal((await c.ask('PLAY', path, { Range: clock(40_000) })).status, 457);
    await rig.clock.pass(1000);
    await until('two seconds', () => c.pictures().length >= 50);
    assert.ok(isRow(c.pictures()));
    const play = await c.ask('PLAY', path, { Range: clock(20_500) });
    assert.equal(headerOf(play, 'Range'), clock(20_000, 30_000));
    await rig.clock.pass(1000);
    await until('what comes there', () => (c.pictures().at(-1) ?? 0) >= 525);
    const seek = c.pictures().findIndex(n => n > 100);
    assert.equal(c.pictures()[seek], 500);
    assert.ok(isRow(c.pictures().slice(0, seek)) && isRow(c.pictures().slice(seek)));
    assert.ok(seqsAreRow(c.rtp(0)));
    const times = c.rtp(0).map(timeOf);
    assert.ok(
      times.every((x, i) => i === 0 || ((x - times[i - 1]!) | 0) >= 0),
      'timestamps never go back',
    );
  });

  const speeds: [
    headers: Record<string, string>,
    query: string,
    says: string[],
    most: number,
    pictures: number[] | 'all',
    sound: boolean,
  ][] = [
    [{ Scale: '2' }, '', ['2.0', ''], 5200, 'all', false],
    [{}, 'speed=2&', ['2.0', ''], 5200, 'all', false],
    [{ Scale: '0.5' }, '', ['0.5', ''], 20_200, 'all', false],
    [{ Scale: '8' }, '', ['8.0', ''], 1400, [0, 25, 50, 75, 100, 125, 150, 175, 200, 225], false],
    [{ Scale: '-1' }, '', ['-1.0', ''], 10_200, [225, 200, 175, 150, 125, 100, 75, 50, 25, 0], false],
    [{ Scale: '-4', Range: clock(5500, 2000) }, '', ['-4.0', ''], 1200, [125, 100, 75, 50], false],
    [{ Scale: '-2', Range: clock(2000, 5500) }, '', ['-2.0', ''], 2200, [125, 100, 75, 50], false],
    [{ Speed: '2' }, '', ['', '2.0'], 5200, 'all', true],
    [{ Scale: '100' }, '', ['16.0', ''], 1000, [0, 25, 50, 75, 100, 125, 150, 175, 200, 225], false],
    [
      { 'Rate-Control': 'no', Frames: 'intra' },
      '',
      ['', ''],
      500,
      [0, 25, 50, 75, 100, 125, 150, 175, 200, 225],
      false,
    ],
  ];
  for (const [headers, query, says, most, pictures, sound] of speeds)
    test(`${JSON.stringify(headers)} ${query}`, async t => {
      const rig = await served(t, new Recording({ fromMs: 0, seconds: 10 }));
      const path = `stor/cam?${query}begin=${at(0)}&end=${at(10_000)}`;
      const c = await client(rig, path);
      const play = await c.ask('PLAY', path, headers);
      assert.deepEqual([headerOf(play, 'Scale') ?? '', headerOf(play, 'Speed') ?? ''], says);
      const ms = await toTheEnd(rig, c);
      assert.ok(ms <= most + 300 && ms >= most * 0.7 - 500, `${ms} ms, expected nearly ${most}`);
      assert.deepEqual(c.pictures(), pictures === 'all' ? Array.from({ length: 250 }, (_, i) => i) : pictures);
      assert.equal(c.rtp(2).length > 0, sound);
      const times = c.rtp(0).map(timeOf);
      assert.ok(
        times.every((x, i) => i === 0 || ((x - times[i - 1]!) | 0) >= 0),
        'timestamps never go back',
      );
    });

  test('Rate-Control: no sends all at once, with the times of the recording', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 10 }, { fromMs: 90_000, seconds: 10 }));
    rig.clock.stepWall(epochMs + 200_000 - rig.clock.wallMs());
    const c = await client(rig, 'stor/cam');
    const play = await c.ask('PLAY', 'stor/cam', { 'Rate-Control': 'no' });
    assert.equal(headerOf(play, 'Rate-Control'), 'no');
    assert.ok((await toTheEnd(rig, c)) <= 800);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 500 }, (_, i) => i),
    );
    const times = [...new Set(c.rtp(0).map(timeOf))];
    assert.ok(times.every((x, i) => i === 0 || ((x - times[i - 1]!) | 0) === 3600));
  });

  test('a client that does not read holds a megabyte and a picture, and nothing more is read for it', async t => {
    const recording = new Recording({ fromMs: 0, seconds: 60, paddingBytes: 100_000 });
    const rig = await served(t, recording);
    rig.clock.stepWall(epochMs + 200_000 - rig.clock.wallMs());
    const c = await client(rig, 'stor/cam', [0]);
    c.socket.pause();
    c.send('PLAY', 'stor/cam', { 'Rate-Control': 'no' });
    for (let i = 0; i < 30; i++) {
      await rig.clock.pass(100);
      await new Promise(r => setTimeout(r, 10));
    }
    const asked = recording.asked.length;
    assert.ok(asked < 15, `${asked} pieces of 60 were read`);
    await rig.clock.pass(30_000);
    assert.equal(recording.asked.length, asked);
    c.socket.resume();
    await toTheEnd(rig, c);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 1500 }, (_, i) => i),
    );
  });

  test('ONVIF replay: the first packet of every unit says when it was, what it is, and which PLAY it answers', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 2 }, { fromMs: 60_000, seconds: 1 }));
    const path = `stor/cam?end=${at(61_000)}`;
    const c = await client(rig, path);
    const play = await c.ask('PLAY', path, { Require: 'onvif-replay', Range: clock(0), 'Rate-Control': 'no' });
    assert.equal(play.status, 200);
    const cseq = Number(headerOf(play, 'CSeq'));
    await toTheEnd(rig, c);
    const stamps = c.rtp(0).flatMap(p => {
      const h = replayHeaderAt(p, 0, p.length);
      return h < 0 ? [] : [{ ms: Math.round(replayTimeMs(p, h)) - epochMs, bits: p[h + 8]!, cseq: p[h + 9]! }];
    });
    assert.equal(stamps.length, 75);
    assert.ok(stamps.every(s => s.cseq === cseq));
    const of = (ms: number): number | undefined => stamps.find(s => s.ms === ms)?.bits;
    assert.deepEqual([of(0), of(40), of(1000), of(1960), of(60_000), of(60_960)], [0xa0, 0, 0x80, 0x40, 0xa0, 0x50]);
    assert.ok(c.rtp(0).every(p => p.length <= 1452 && payloadBegin(p, 0, p.length) > 0));
    assert.ok(isRow(c.rtp(0).flatMap(p => numbersIn(p))));
  });

  test('an open end follows the recording, and ends when nothing more comes', async t => {
    const recording = new Recording({ fromMs: 0, seconds: 6 });
    const later = recording.pieces.splice(2);
    const rig = await served(t, recording);
    const c = await client(rig, 'stor/cam');
    await c.ask('PLAY', 'stor/cam');
    for (const piece of later) {
      await rig.clock.pass(1000);
      recording.pieces.push(piece);
    }
    await toTheEnd(rig, c, 30_000);
    assert.deepEqual(
      c.pictures(),
      Array.from({ length: 150 }, (_, i) => i),
    );
  });

  test('over UDP the same, paced', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 2, paddingBytes: 20_000 }));
    rig.clock.stepWall(epochMs + 200_000 - rig.clock.wallMs());
    const [rtp, rtcp] = [createSocket('udp4'), createSocket('udp4')];
    t.after(() => [rtp, rtcp].forEach(s => void s.close()));
    rtp.bind(0, '127.0.0.1');
    rtcp.bind(0, '127.0.0.1');
    await Promise.all([once(rtp, 'listening'), once(rtcp, 'listening')]);
    const pictures: number[] = [];
    let bye = false;
    rtp.on('message', m => void pictures.push(...numbersIn(m)));
    rtcp.on('message', m => (bye ||= m.includes(Buffer.of(0x81, 203))));
    const c = await rig.client();
    const Transport = `RTP/AVP;unicast;client_port=${rtp.address().port}-${rtcp.address().port}`;
    assert.equal((await c.ask('SETUP', 'stor/cam/trackID=0', { Transport })).status, 200);
    assert.equal((await c.ask('PLAY', 'stor/cam', { 'Rate-Control': 'no' })).status, 200);
    for (let i = 0; i < 200 && !bye; i++) {
      await rig.clock.pass(10);
      await new Promise(r => setTimeout(r, 2));
    }
    await until('the goodbye', () => bye);
    assert.deepEqual(
      pictures,
      Array.from({ length: 50 }, (_, i) => i),
    );
  });
});

describe('a recording that cannot be', () => {
  test('one viewer more than there are places for has to wait for another to leave', async t => {
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 1 }));
    const all = await Promise.all(Array.from({ length: 200 }, () => client(rig, 'stor/cam', [0])));
    const late = await rig.client();
    const setup = async (): Promise<number> =>
      (await late.ask('SETUP', 'stor/cam/trackID=0', { Transport: 'RTP/AVP/TCP;interleaved=0-1' })).status;
    assert.equal(await setup(), 453);
    assert.equal((await all[7]!.ask('TEARDOWN', 'stor/cam')).status, 200);
    assert.equal(await setup(), 200);
  });

  test('names, times and formats that are wrong have their own status', async t => {
    const recording = new Recording({ fromMs: 0, seconds: 2 });
    const rig = await served(t, recording);
    const c = await rig.client();
    const status = async (...args: Parameters<typeof c.ask>): Promise<number> => (await c.ask(...args)).status;
    assert.equal(await status('DESCRIBE', 'stor/nobody'), 404);
    assert.equal(await status('DESCRIBE', 'nobody/cam'), 404);
    assert.equal(await status('DESCRIBE', 'stor'), 404);
    assert.equal(await status('DESCRIBE', `stor/cam?begin=${at(9000)}`), 404, 'nothing is recorded then');
    for (const query of ['begin=yesterday', `begin=${at(2)}&end=${at(1)}`, 'speed=fast', 'speed=0'])
      assert.equal(await status('DESCRIBE', `stor/cam?${query}`), 400, query);
    assert.equal(await status('DESCRIBE', 'stor/cam', { Require: 'onvif-replay' }), 200);
    assert.equal(await status('DESCRIBE', 'stor/cam', { Require: 'something-else' }), 551);
    assert.equal(await status('ANNOUNCE', 'stor/cam'), 404);
    const playing = await client(rig, 'stor/cam');
    assert.equal((await playing.ask('PLAY', 'stor/cam', { Range: 'smpte=0:00:10-' })).status, 457);
    assert.equal((await playing.ask('PLAY', 'stor/cam', { Scale: '0' })).status, 400);
    assert.equal((await playing.ask('PLAY', 'stor/cam', { Speed: '-1' })).status, 400);
    recording.fault = new Fault('storage', 'unavailable', 'the archive is not open yet');
    assert.equal(await status('DESCRIBE', 'stor/cam'), 503);
    assert.equal((await playing.ask('PLAY', 'stor/cam')).status, 503);
  });

  test('an archive that fails while it is played ends it; one that is gone disconnects its viewers', async t => {
    const recording = new Recording({ fromMs: 0, seconds: 9 });
    const rig = await served(t, recording);
    const [a, b] = [await client(rig, 'stor/cam'), await client(rig, 'stor/cam')];
    await a.ask('PLAY', 'stor/cam');
    recording.fault = new Fault('storage', 'unavailable', 'the disk is gone');
    await toTheEnd(rig, a);
    assert.equal(a.closed, false);
    rig.link({}, undefined, {});
    await until('both ends', () => a.closed && b.closed);
    await settle();
  });

  test('rights are those on the archive, or on its one track', async t => {
    const wishes: Wish[] = [];
    const authenticator: Authenticator = {
      digestTerms: async () => ({ realm: 'x', algorithms: ['MD5'] }),
      identify: async () => ({ login: 'a', roles: [] }) as never,
      allows: async (_, wish) => {
        wishes.push(wish);
        return wish.object === 'stor/cam';
      },
    };
    const rig = await served(t, new Recording({ fromMs: 0, seconds: 1 }), { authenticator });
    const c = await rig.client();
    const challenge = headerOf(await c.ask('DESCRIBE', 'stor/cam'), 'WWW-Authenticate') ?? '';
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1];
    const Authorization = `Digest username="a", realm="x", nonce="${nonce}", uri="x", response="y"`;
    assert.equal((await c.ask('DESCRIBE', 'stor/cam', { Authorization })).status, 200);
    assert.deepEqual(wishes, [
      { object: 'stor', interface: 'VideoStorage', right: 'read' },
      { object: 'stor/cam', interface: 'VideoStorage', right: 'read' },
    ]);
    assert.equal((await c.ask('DESCRIBE', 'stor/other')).status, 403);
    assert.equal((await c.ask('DESCRIBE', 'other/cam')).status, 404);
  });
});
