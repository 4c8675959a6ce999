import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { epochMs } from '#fake/media';
import { settle } from '#fake/world';
import { bodyText } from '#rtsp/message';
import { parseSdp } from '#sdp/sdp';
import { headerOf, isRow, numbersIn, Source, seqOf, seqsAreRow, serve, timeOf, until } from './rig.ts';

describe('rtspsrv over TCP', () => {
  test('a viewer starts with the kept group and misses no picture; the second gets the same packets', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(30); // the second group begins with picture 25
    const a = await rig.client();
    const play = await a.play('cam');
    await until('the kept group', () => a.pictures().length === 5);
    cam.give(10);
    const b = await rig.client();
    await b.play('cam');
    cam.give(40);
    await until('the rest', () => a.pictures().at(-1) === 79 && b.pictures().at(-1) === 79);
    assert.deepEqual([a.pictures()[0], isRow(a.pictures())], [25, true]);
    assert.deepEqual([b.pictures()[0], isRow(b.pictures())], [25, true]);
    assert.ok(seqsAreRow(a.rtp(0)) && seqsAreRow(a.rtp(2)) && a.rtp(2).length > 20);
    assert.deepEqual(Buffer.concat(a.rtp(0)), Buffer.concat(b.rtp(0)));
    assert.deepEqual(cam.attached, ['rtspsrv']);
    const info = headerOf(play, 'RTP-Info') ?? '';
    assert.equal(
      info.split(',')[0],
      `url=${a.url('cam')}/trackID=0;seq=${seqOf(a.rtp(0)[0]!)};rtptime=${timeOf(a.rtp(0)[0]!)}`,
    );
  });

  test('a sender report stands before the first packet and ties it to UTC; sound is tied to the same moment', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(30);
    const c = await rig.client();
    await c.play('cam');
    await until('reports', () => c.rtcp(1).length > 0 && c.rtcp(3).length > 0 && c.rtp(2).length > 1);
    assert.equal(c.got[0]?.channel, 1);
    const [video, audio] = [c.rtcp(1)[0]!, c.rtcp(3)[0]!];
    assert.ok(video.type === 'sender-report' && audio.type === 'sender-report');
    assert.deepEqual([Math.round(video.wallMs), Math.round(audio.wallMs)], [epochMs + 1000, epochMs + 1000]);
    assert.equal(video.rtpTime, timeOf(c.rtp(0)[0]!));
    // The sound that came first began at 1024 ms: 24 ms after the report, at 16 kHz.
    assert.equal((timeOf(c.rtp(2)[0]!) - audio.rtpTime) | 0, 24 * 16);
  });

  test('other channels, and one track alone: only what was set up, where it was set up', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(5);
    const [odd, sound] = [await rig.client(), await rig.client()];
    await odd.play('cam', [0, 1], 6);
    await sound.play('cam', [1]);
    cam.give(20);
    await until('all', () => odd.pictures(6).at(-1) === 24 && sound.rtp(0).length > 10);
    assert.ok(isRow(odd.pictures(6)) && seqsAreRow(odd.rtp(8)));
    assert.deepEqual([...new Set(odd.got.map(g => g.channel))].sort(), [6, 7, 8, 9]);
    assert.deepEqual([...new Set(sound.got.map(g => g.channel))].sort(), [0, 1]);
  });

  test('new parameter sets go in band before the first picture of the new run; time and numbers go on', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(10);
    const c = await rig.client();
    await c.play('cam');
    cam.hub.gap({ reason: 'network-loss', atMs: epochMs });
    cam.again(2, { video: 'second.h264', firstMs: epochMs + 5000 });
    cam.give(10);
    await until('the new run', () => c.pictures().at(-1) === 19);
    assert.ok(isRow(c.pictures()) && seqsAreRow(c.rtp(0)) && seqsAreRow(c.rtp(2)));
    const sets = c.rtp(0).filter(p => (p[12]! & 31) === 24);
    assert.equal(sets.length, 2);
    assert.notDeepEqual(sets[0]!.slice(12), sets[1]!.slice(12));
    assert.equal((timeOf(sets[1]!) - timeOf(sets[0]!)) >>> 0, 5 * 90_000);
    const again = await rig.client();
    const sdp = bodyText(await again.ask('DESCRIBE', 'cam'));
    assert.ok(
      sdp.includes('sprop-parameter-sets=') &&
        !sdp.includes(Buffer.from(sets[0]!.slice(15, 30)).toString('base64').slice(0, 16)),
    );
  });

  test('a wall clock that is set back does not take the timestamps with it', async t => {
    const cam = new Source({ audio: false });
    const rig = await serve(t, { cam });
    cam.give(50);
    const c = await rig.client();
    await c.play('cam', [0]);
    cam.again(2, { audio: false, firstMs: epochMs - 3_600_000 });
    cam.give(50);
    await until('all', () => c.pictures().at(-1) === 99);
    const times = c.rtp(0).map(timeOf);
    assert.ok(times.every((x, i) => i === 0 || ((x - times[i - 1]!) | 0) >= 0));
    const reports = c.rtcp(1).flatMap(p => (p.type === 'sender-report' ? [p] : []));
    assert.equal(Math.round(reports.at(-1)!.wallMs), epochMs - 3_600_000 + 1000);
  });

  test('sound of another kind cannot go on: the viewer is sent away, and what it asks next is answered anew', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(10);
    const c = await rig.client();
    await c.play('cam');
    const { units } = await import('#fake/clip').then(m => m.clipRun(2, { firstMs: epochMs + 9000 }));
    const run = { id: 2, tracks: units[0]!.run.tracks.map(x => (x.kind === 'audio' ? { ...x, channels: 2 } : x)) };
    for (const u of units.slice(0, 20)) cam.hub.publish({ ...u, run });
    await until('away', () => c.closed);
    const next = await rig.client();
    assert.ok(bodyText(await next.ask('DESCRIBE', 'cam')).includes('MPEG4-GENERIC/16000/2'));
  });

  test('PAUSE stops and PLAY goes on with the latest group', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(5);
    const c = await rig.client();
    await c.play('cam');
    await until('five', () => c.pictures().length === 5);
    assert.equal((await c.ask('PAUSE', 'cam')).status, 200);
    cam.give(30);
    assert.equal((await c.ask('PLAY', 'cam')).status, 200);
    await until('on', () => c.pictures().at(-1) === 34);
    assert.deepEqual(c.pictures(), [0, 1, 2, 3, 4, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]);
  });
});

describe('rtspsrv over UDP', () => {
  test('packets come to the ports that were named, paced, in order; RTCP keeps the session alive', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam }, { config: { timeout: 60 } });
    cam.give(30, 20_000);
    const sockets = [createSocket('udp4'), createSocket('udp4')];
    const got: Uint8Array[][] = [[], []];
    for (const [i, s] of sockets.entries()) {
      s.bind(0, '127.0.0.1');
      await once(s, 'listening');
      s.on('message', m => got[i]!.push(new Uint8Array(m)));
      t.after(() => void s.close());
    }
    const [rtp, rtcp] = sockets.map(s => s.address().port);
    const c = await rig.client();
    await c.ask('DESCRIBE', 'cam');
    const setup = await c.ask('SETUP', 'cam/trackID=0', { Transport: `RTP/AVP;unicast;client_port=${rtp}-${rtcp}` });
    const [, port = '', next = ''] = /server_port=(\d+)-(\d+)/.exec(headerOf(setup, 'Transport') ?? '') ?? [];
    assert.deepEqual([setup.status, Number(port) % 2, Number(next)], [200, 0, Number(port) + 1]);
    assert.equal((await c.ask('PLAY', 'cam')).status, 200);
    // The kept group has 5 pictures of 20 kB: more than leaves at once.
    await until('some', () => got[0]!.flatMap(numbersIn).length > 0);
    assert.ok(got[0]!.flatMap(numbersIn).length < 5);
    for (let i = 0; i < 10; i++) await rig.clock.pass(10);
    cam.give(3);
    await until('all', () => got[0]!.flatMap(numbersIn).at(-1) === 32);
    assert.ok(isRow(got[0]!.flatMap(numbersIn)) && seqsAreRow(got[0]!));
    assert.ok(got[0]!.every(p => p.length <= 1472) && got[1]!.length > 0);
    for (let s = 0; s < 150; s += 50) {
      await rig.clock.pass(50_000);
      sockets[1]!.send(Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 1), Number(next), '127.0.0.1');
      await new Promise(r => setTimeout(r, 20));
    }
    assert.equal((await c.ask('GET_PARAMETER', 'cam')).status, 200);
    assert.equal((await c.ask('TEARDOWN', 'cam')).status, 200);
  });

  test('one session does not mix transports, and none is had that is not configured', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam }, { config: { transport: ['tcp'] } });
    cam.give(1);
    const c = await rig.client();
    const udp = { Transport: 'RTP/AVP;unicast;client_port=4000-4001' };
    assert.equal((await c.ask('SETUP', 'cam/trackID=0', udp)).status, 461);
    const other = new Source();
    const both = await serve(t, { cam: other });
    other.give(1);
    const d = await both.client();
    assert.equal((await d.ask('SETUP', 'cam/trackID=0', udp)).status, 200);
    const tcp = { Transport: 'RTP/AVP/TCP;interleaved=0-1' };
    assert.equal((await d.ask('SETUP', 'cam/trackID=1', tcp)).status, 461);
  });
});

describe('rtspsrv and what there is', () => {
  test('a name that is not linked is not there; a session that is not set up is not found; order matters', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(1);
    const c = await rig.client();
    const status = async (...args: Parameters<typeof c.ask>): Promise<number> => (await c.ask(...args)).status;
    const tcp = { Transport: 'RTP/AVP/TCP;interleaved=0-1' };
    assert.deepEqual(
      [
        await status('DESCRIBE', 'nobody'),
        await status('SETUP', 'nobody/trackID=0', tcp),
        await status('SETUP', 'cam/trackID=7', tcp),
        await status('SETUP', 'cam', tcp), // two tracks: which?
        await status('PLAY', 'cam'),
        await status('PLAY', 'cam', { Session: 'other' }),
        await status('DESCRIBE', 'cam', { Require: 'onvif-replay' }),
        await status('ANNOUNCE', 'cam'),
        await status('OPTIONS', '*'),
      ],
      [404, 404, 404, 404, 454, 454, 551, 405, 200],
    );
    assert.equal(cam.hub.size, 0);
  });

  test('a source that sleeps is woken by DESCRIBE, answers when it has something, and is let go', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    const c = await rig.client();
    c.send('DESCRIBE', 'cam');
    await until('woken', () => cam.hub.size === 1);
    await settle();
    assert.equal(c.answered(), undefined);
    cam.give(1);
    let answer = c.answered();
    await until('answered', () => (answer ??= c.answered()) !== undefined);
    assert.equal(answer?.status, 200);
    assert.equal(parseSdp(bodyText(answer!)).media.length, 2);
    await rig.clock.pass(12_000);
    assert.equal(cam.hub.size, 0);
  });

  test('a source that stays silent: unavailable after ten seconds', async t => {
    const rig = await serve(t, { cam: new Source() });
    const c = await rig.client();
    c.send('DESCRIBE', 'cam');
    await new Promise(r => setTimeout(r, 50));
    await rig.clock.pass(10_001);
    let answer = c.answered();
    await until('answered', () => (answer ??= c.answered()) !== undefined);
    assert.equal(answer?.status, 503);
  });

  test('a source that is removed takes its viewers along, and nobody else', async t => {
    const [one, two] = [new Source(), new Source()];
    const rig = await serve(t, { one, two });
    one.give(1);
    two.give(1);
    const [a, b] = [await rig.client(), await rig.client()];
    await a.play('one');
    await b.play('two');
    rig.link({ two });
    await until('away', () => a.closed);
    two.give(10);
    await until('on', () => b.pictures().at(-1) === 10);
    assert.equal((await b.ask('DESCRIBE', 'one')).status, 404);
  });

  test('a client that says nothing for longer than the timeout is disconnected; OPTIONS keeps it', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam }, { config: { timeout: 10 } });
    cam.give(1);
    const [mute, lively] = [await rig.client(), await rig.client()];
    await mute.play('cam');
    assert.equal(headerOf(await lively.play('cam'), 'Session'), `${lively.session};timeout=10`);
    await rig.clock.pass(6_000);
    assert.equal((await lively.ask('OPTIONS', 'cam')).status, 200);
    await rig.clock.pass(6_000);
    await until('away', () => mute.closed);
    cam.give(3);
    await until('on', () => lively.pictures().at(-1) === 3);
    assert.equal(lively.closed, false);
  });
});

describe('rtspsrv and slow viewers', () => {
  test('who stops reading holds 4 MB at most, is cut to keyframes, then off; another loses nothing', async t => {
    const cam = new Source({ audio: false });
    const rig = await serve(t, { cam });
    cam.give(1);
    const [slow, fast] = [await rig.client(), await rig.client()];
    await slow.play('cam', [0]);
    await fast.play('cam', [0]);
    slow.socket.pause();
    // 200 pictures of 200 kB: eight groups of 5 MB, far more than the system buffers.
    for (let i = 0; i < 200; i++) {
      cam.give(1, 200_000);
      await until('the fast one has it', () => fast.pictures().at(-1) === i + 1);
    }
    assert.ok(isRow(fast.pictures()) && seqsAreRow(fast.rtp(0)));
    slow.socket.resume();
    for (let i = 200; i < 260; i++) {
      cam.give(1, 20_000);
      await new Promise(r => setTimeout(r, 5));
    }
    await until('it is up to date again', () => slow.pictures().at(-1) === 260);
    const gaps = slow.pictures().filter((n, i, all) => i > 0 && n !== all[i - 1]! + 1);
    assert.ok(gaps.length > 0 && gaps.every(n => n % 25 === 0), `cut at ${gaps}`);

    slow.socket.pause();
    for (let i = 0; i < 60; i++) {
      cam.give(1, 200_000);
      await new Promise(r => setTimeout(r, 1));
    }
    for (let s = 0; s < 13; s++) await rig.clock.pass(1000);
    await until('off', () => slow.closed || rig.world.log.lines.some(l => l.event === 'viewer-ends'));
    const ends = rig.world.log.lines.filter(l => l.event === 'viewer-ends').map(l => String(l.facts['why']));
    assert.deepEqual(
      ends.map(why => why.replace(/\d+/g, 'N')),
      ['too slow: took N bytes in N s, N wait'],
    );
    const waiting = Number(/(\d+) wait/.exec(ends[0]!)?.[1]);
    assert.ok(waiting > 0 && waiting <= 4 << 20, `${waiting} bytes`);
    cam.give(1);
    await until('the fast one goes on', () => fast.pictures().at(-1) === 321);
    assert.ok(isRow(fast.pictures()));
  });

  test('who asks faster than is answered is cut off', async t => {
    const cam = new Source();
    const rig = await serve(t, { cam });
    cam.give(1);
    const c = await rig.client();
    await c.play('cam');
    for (let i = 0; i < 100; i++) c.send('DESCRIBE', 'cam');
    await until('cut off', () => rig.world.log.lines.some(l => l.event === 'viewer-ends'));
    assert.match(String(rig.world.log.lines.at(-1)?.facts['why']), /more than 8 requests wait/);
  });
});
