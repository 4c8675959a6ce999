import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { scratchFolder } from '#fake/peers';
import { SeededRandom } from '#fake/world';
import { parseRtcp } from '#rtp/rtcp';
import { header } from '#rtsp/message';
import { loadClip, shippedClips } from '../../../tools/fake-camera/clip.ts';
import { type FakeCamera, type FakeCameraOptions, startFakeCamera } from '../../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../../tools/fake-camera/mark.ts';
import { naluOf } from '../../rtp/nalu-reader.ts';
import { payloadOf, seqOf, ssrcOf, timestampOf, Viewer } from './viewer.ts';

/** Runs a camera and a viewer that plays from it; both are closed whatever happens, and nothing stays open. */
async function watched(
  options: FakeCameraOptions & { readonly over?: 'tcp' | 'udp' },
  look: (viewer: Viewer, camera: FakeCamera) => Promise<void>,
): Promise<void> {
  const { over = 'tcp', ...rest } = options;
  const camera = await startFakeCamera(rest);
  const viewer = await Viewer.open(camera.url());
  try {
    await viewer.play(over);
    await look(viewer, camera);
  } finally {
    await viewer.close();
    await camera.stop();
  }
}

const folder = scratchFolder();
const consecutive = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n === ((numbers[i - 1] ?? 0) + 1) % 0x10000);
const sleep = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));
const login = { user: 'us er', password: 'p:"w', schemes: ['MD5'] } as const;

describe('a viewer', { concurrency: 8 }, () => {
  for (const over of ['tcp', 'udp'] as const)
    test(`over ${over.toUpperCase()} gets every picture of the clip, whole and in order`, () =>
      watched({ over, login }, async viewer => {
        await viewer.until(() => viewer.numbers.length >= 60);
        assert.ok(
          consecutive(viewer.numbers) && consecutive(viewer.rtp(0).map(seqOf)) && consecutive(viewer.rtp(1).map(seqOf)),
        );
        const packets = viewer.rtp(0);
        const whole = packets.slice(0, packets.findLastIndex(p => (p.bytes[1]! & 0x80) !== 0) + 1);
        const nalus = naluOf(whole.map(payloadOf));
        const [clip] = await shippedClips();
        const expected = clip.tracks[0]!.units.map(u => Buffer.from(u.data.subarray(4)).toString('hex'));
        const slices = nalus.filter(n => [1, 5].includes(n[0]! & 31)).map(n => Buffer.from(n).toString('hex'));
        assert.deepEqual(slices, expected.slice(0, slices.length));
        assert.deepEqual(
          nalus.slice(0, 4).map(n => n[0]! & 31),
          [7, 8, 6, 5],
          'parameter sets, mark, IDR',
        );
        const times = [...new Set(packets.map(timestampOf))];
        assert.ok(times.every((t, i) => i === 0 || (t - times[i - 1]!) >>> 0 === 3600));
      }));

  test('that looks again gets numbers that go on, beginning with a keyframe', async () => {
    const camera = await startFakeCamera();
    let last = -1;
    for (let round = 0; round < 3; round++) {
      const viewer = await (await Viewer.open(camera.url())).play();
      await viewer.until(() => viewer.numbers.length >= 3);
      assert.ok(viewer.numbers[0]! > last);
      last = viewer.numbers.at(-1)!;
      await viewer.close();
    }
    await camera.stop();
  });

  test('of several cameras gets the one it named; unknown ones are 404', async () => {
    const camera = await startFakeCamera({ cameras: ['front', 'back yard'] });
    const viewer = await (await Viewer.open(camera.url('back yard'))).play();
    await viewer.until(() => viewer.numbers.length >= 1);
    assert.equal(marksIn(payloadOf(viewer.rtp(0)[1]!))[0]?.camera, 1);
    const other = await Viewer.open(camera.url('front').replace('front', 'nowhere'));
    assert.equal((await other.request('DESCRIBE', other.url)).status, 404);
    await Promise.all([viewer.close(), other.close()]);
    await camera.stop();
  });

  test('is told first sequence number and timestamp in RTP-Info', () =>
    watched({}, async viewer => {
      const info = header(viewer.playAnswer!, 'rtp-info') ?? '';
      await viewer.until(() => viewer.rtp(1).length > 0);
      for (const track of [0, 1]) {
        const first = viewer.rtp(track)[0]!;
        assert.ok(info.includes(`trackID=${track};seq=${seqOf(first)};rtptime=${timestampOf(first)}`), info);
      }
    }));

  test('can place every picture on the wall clock by the sender reports', () =>
    watched({ reportSeconds: 1, ntpOffsetSeconds: 3600 }, async viewer => {
      await viewer.until(
        () => viewer.packets.filter(p => p.rtcp && p.track === 0).length >= 2 && viewer.numbers.length > 20,
      );
      const reports = viewer.packets
        .filter(p => p.rtcp && p.track === 0)
        .flatMap(p => parseRtcp(p.bytes, 0, p.bytes.length));
      const report = reports.find(r => r.type === 'sender-report') ?? assert.fail('no report');
      assert.equal(report.type === 'sender-report' && report.ssrc, ssrcOf(viewer.rtp(0)[0]!));
      if (report.type !== 'sender-report') return;
      for (const p of viewer.rtp(0))
        for (const mark of marksIn(payloadOf(p))) {
          const placed = report.wallMs + ((timestampOf(p) - report.rtpTime) | 0) / 90;
          const late = Number(mark.atNs / 1000n) / 1000 - (placed - 3_600_000);
          assert.ok(late > -5 && late < 500, `picture ${mark.unit} is ${late} ms after its time`);
        }
    }));

  test('may pause; what passes meanwhile is missing, time goes on', () =>
    watched({}, async viewer => {
      await viewer.until(() => viewer.numbers.length >= 5);
      await viewer.request('PAUSE', `${viewer.url}/`);
      await sleep(100);
      const before = viewer.packets.length;
      await sleep(300);
      assert.equal(viewer.packets.length, before);
      const paused = viewer.rtp(0).at(-1)!;
      await viewer.request('PLAY', `${viewer.url}/`);
      await viewer.until(() => viewer.rtp(0).at(-1) !== paused);
      const next = viewer.rtp(0).find(p => p.atMs > paused.atMs)!;
      const [ticks, ms] = [(timestampOf(next) - timestampOf(paused)) >>> 0, next.atMs - paused.atMs];
      assert.ok(Math.abs(ticks / 90 - ms) < 150, `${ticks / 90} ms of media in ${ms} ms`);
      assert.equal(naluOf([payloadOf(next)])[0]![0]! & 31, 7);
    }));

  for (const schemes of [['Basic'], ['MD5'], ['SHA-256'], ['SHA-256', 'MD5', 'Basic']] as const)
    test(`with the password gets in by ${schemes.join(', ')}, without it not`, async () => {
      const camera = await startFakeCamera({ login: { ...login, schemes } });
      const right = await Viewer.open(camera.url());
      await right.play();
      const wrong = await Viewer.open(camera.url().replace(/:[^:@]*@/, ':wrong@'));
      assert.equal((await wrong.request('DESCRIBE', wrong.url)).status, 401);
      const none = await Viewer.open(right.url);
      const answer = await none.request('DESCRIBE', none.url);
      assert.equal(answer.headers.filter(([n]) => n === 'WWW-Authenticate').length, schemes.length);
      await Promise.all([right.close(), wrong.close(), none.close()]);
      await camera.stop();
    });

  test('whose nonce has become stale is challenged again and told so', () =>
    watched({ login: { ...login, nonceSeconds: 0.2 } }, async viewer => {
      await sleep(300);
      const answer = await viewer.request('GET_PARAMETER', viewer.url);
      assert.equal(answer.status, 200);
      assert.match(viewer.lastChallenge, /stale=true/);
    }));

  test('that is silent longer than the session may last is sent away, media or not', () =>
    watched({ timeoutSeconds: 1 }, async viewer => {
      const begin = performance.now();
      assert.equal(await viewer.closed, 'end');
      assert.ok(performance.now() - begin > 900);
      assert.ok(viewer.numbers.length > 20);
    }));

  test('that keeps alive stays', () =>
    watched({ timeoutSeconds: 1 }, async viewer => {
      for (let i = 0; i < 4; i++) {
        await sleep(500);
        assert.equal((await viewer.request('GET_PARAMETER', viewer.url)).status, 200);
      }
    }));

  test('that does not read loses whole pictures, and costs no more than the limit', async () => {
    const media = join(folder, 'fat.h264');
    // Pictures of 200 kB, 5 MB a second: more than the system's buffers take.
    const start = [0, 0, 0, 1];
    const [clip] = await shippedClips();
    const sets = clip.tracks[0]!.track.kind === 'video' ? clip.tracks[0]!.track.parameterSets : [];
    const slice = new Uint8Array(200_000).fill(0x91);
    slice[0] = 0x65;
    writeFileSync(media, Buffer.concat([...sets.flatMap(s => [Buffer.from(start), s]), Buffer.from(start), slice]));
    assert.equal((await loadClip(`h264=${media}`)).tracks[0]!.units.length, 1);
    const camera = await startFakeCamera({ media: [`h264=${media}`], queueBytes: 500_000 });
    const viewer = await Viewer.open(camera.url());
    await viewer.play('tcp', [0]);
    viewer.socket.pause();
    await viewer.until(() => camera.counts.dropped >= 5, 20);
    viewer.socket.resume();
    const dropped = camera.counts.dropped;
    await viewer.until(
      () => viewer.numbers.length > 0 && viewer.numbers.at(-1)! - viewer.numbers[0]! >= viewer.numbers.length + 4,
      20,
    );
    assert.ok(dropped >= 5);
    const lost = viewer.rtp(0).some((p, i, all) => i > 0 && ((seqOf(p) - seqOf(all[i - 1]!)) & 0xffff) !== 1);
    assert.ok(lost, 'sequence numbers show the hole');
    await viewer.close();
    await camera.stop();
  });
});

describe('a fault', { concurrency: 8 }, () => {
  const rows: [
    name: string,
    options: FakeCameraOptions & { over?: 'tcp' | 'udp' },
    look: (v: Viewer, c: FakeCamera) => Promise<void>,
  ][] = [
    [
      'drop ends the connection in order',
      { faults: ['type=drop,at=0.3'] },
      async (v, c) => {
        assert.equal(await v.closed, 'end');
        assert.ok(v.numbers.length > 3 && c.counts.drops === 1);
      },
    ],
    ['rst resets it', { faults: ['type=rst,at=0.3'] }, async v => assert.equal(await v.closed, 'ECONNRESET')],
    [
      'stall sends nothing, then all that was due',
      { faults: ['type=stall,at=0.3,dur=0.8'] },
      async v => {
        await v.until(() => v.numbers.length >= 40);
        const gaps = v.rtp(0).map((p, i, all) => (i === 0 ? 0 : p.atMs - all[i - 1]!.atMs));
        assert.ok(Math.max(...gaps) > 700 && consecutive(v.numbers));
      },
    ],
    [
      'mute answers no request, media flow on',
      { faults: ['type=mute'] },
      async v => {
        const before = v.numbers.length;
        const answer = v.request('GET_PARAMETER', v.url).then(
          () => 'answered',
          () => 'closed',
        );
        assert.equal(await Promise.race([answer, sleep(500).then(() => 'nothing')]), 'nothing');
        assert.ok(v.numbers.length > before + 5);
      },
    ],
    ...(['tcp', 'udp'] as const).map((over): (typeof rows)[number] => [
      `loss leaves holes, over ${over.toUpperCase()}`,
      { over, faults: ['type=loss,p=0.2'] },
      async (v, c) => {
        await v.until(() => v.numbers.length >= 20);
        const got = v.rtp(0).length + v.rtp(1).length;
        const seen = [0, 1].reduce(
          (n, t) =>
            n +
            v.rtp(t).reduce((m, p, i, all) => m + (i === 0 ? 0 : ((seqOf(p) - seqOf(all[i - 1]!)) & 0xffff) - 1), 0),
          0,
        );
        assert.ok(seen > 0 && c.counts.lost > 0 && got < c.counts.packets);
      },
    ]),
    [
      'reorder and dup on UDP: all packets come, not in order, some twice',
      { over: 'udp', faults: ['type=reorder,p=0.1', 'type=dup,p=0.1'] },
      async v => {
        await v.until(() => v.numbers.length >= 40);
        const seqs = v.rtp(0).map(seqOf);
        assert.ok(
          seqs.some((s, i) => i > 0 && s !== ((seqs[i - 1]! + 1) & 0xffff)) && new Set(seqs).size < seqs.length,
        );
      },
    ],
    [
      'garbage between packets is debris, and the packets survive it',
      { faults: ['type=garbage,p=0.2'] },
      async v => {
        await v.until(() => v.numbers.length >= 30);
        assert.ok(v.skipped > 20);
      },
    ],
    [
      'corrupt and trunc spoil packets',
      { faults: ['type=corrupt,p=0.2', 'type=trunc,p=0.2'] },
      async (v, c) => {
        await v.until(() => v.numbers.length >= 15);
        assert.ok(c.counts.corrupt > 5 && consecutive(v.rtp(0).map(seqOf)));
      },
    ],
    [
      'tsjump jumps',
      { faults: ['type=tsjump,at=0.4,v=900000'] },
      async v => {
        await v.until(() => v.numbers.length >= 20);
        const steps = v.rtp(0).map((p, i, all) => (i === 0 ? 0 : (timestampOf(p) - timestampOf(all[i - 1]!)) >>> 0));
        assert.deepEqual(
          [...new Set(steps)].sort((a, b) => a - b),
          [0, 3600, 903600],
        );
      },
    ],
    [
      'ssrc changes the source in mid-stream',
      { faults: ['type=ssrc,at=0.4'] },
      async v => {
        await v.until(() => v.numbers.length >= 20);
        assert.equal(new Set(v.rtp(0).map(ssrcOf)).size, 2);
        assert.ok(consecutive(v.numbers));
      },
    ],
    [
      'switch goes on with another resolution',
      { faults: ['type=switch,at=0.4'] },
      async v => {
        await v.until(() => v.numbers.length >= 20);
        const sets = v
          .rtp(0)
          .map(payloadOf)
          .filter(p => (p[0]! & 31) === 24)
          .map(p => Buffer.from(naluOf([p])[0]!).toString('hex'));
        assert.ok(new Set(sets).size === 2 && consecutive(v.numbers) && consecutive(v.rtp(0).map(seqOf)));
        assert.equal(new Set(v.rtp(0).map(ssrcOf)).size, 1);
      },
    ],
    [
      'split cuts everything into pieces, and nothing is lost by it',
      { faults: ['type=split'] },
      async v => {
        await v.until(() => v.numbers.length >= 25);
        assert.ok(v.chunks.length > 1.5 * v.packets.length, `${v.chunks.length} reads of ${v.packets.length} packets`);
        assert.ok(consecutive(v.numbers) && v.skipped === 0);
      },
    ],
    [
      'delay answers late',
      { faults: ['type=delay,v=200'] },
      async v => {
        const begin = performance.now();
        await v.request('OPTIONS', v.url);
        assert.ok(performance.now() - begin > 190);
      },
    ],
  ];
  for (const [name, options, look] of rows) test(name, () => watched(options, look));

  test('rtsperr answers a method with a status, so many times', async () => {
    const camera = await startFakeCamera({ faults: ['type=rtsperr,method=DESCRIBE,v=503,count=2'] });
    const viewer = await Viewer.open(camera.url());
    const answers: number[] = [];
    for (let i = 0; i < 3; i++) answers.push((await viewer.request('DESCRIBE', viewer.url)).status);
    assert.deepEqual(answers, [503, 503, 200]);
    await viewer.close();
    await camera.stop();
  });

  const variants: [variant: string, has: RegExp, hasNot?: RegExp][] = [
    ['noctl', /a=control:trackID=0/, /a=control:\*/],
    ['absctl', /a=control:rtsp:\/\/127\.0\.0\.1:\d+\/cam0\/trackID=1\r\n/],
    ['nosprop', /a=fmtp:96 packetization-mode=1\r\n/, /sprop/],
    ['lf', /^v=0\no=/, /\r/],
    ['meta', /m=application 0 RTP\/AVP 107\r\n[\s\S]*trackID=9\r\n[\s\S]*m=video/],
    ['badfmtp', /a=fmtp:96 .*; ;=;bogus/],
    ['audiofirst', /m=audio[\s\S]*m=video/],
    ['unknown', /X-SNOWFLAKE\/90000/],
    ['longhdr', /a=control:\*/],
  ];
  for (const [variant, has, hasNot] of variants)
    test(`sdp ${variant} is an odd SDP that can be played all the same`, () =>
      watched({ faults: [`type=sdp,variant=${variant}`] }, async viewer => {
        assert.match(viewer.sdp, has);
        if (hasNot) assert.doesNotMatch(viewer.sdp, hasNot);
        await viewer.until(() => viewer.numbers.length > 0);
      }));

  test('may come and go while somebody watches', () =>
    watched({}, async (viewer, camera) => {
      await viewer.until(() => viewer.numbers.length >= 3);
      camera.fault('type=loss,p=1');
      await sleep(100);
      const before = viewer.rtp(0).length;
      await sleep(300);
      assert.equal(viewer.rtp(0).length, before);
      camera.clearFaults();
      await viewer.until(() => viewer.rtp(0).length > before);
      camera.stall(0.5);
      await sleep(100);
      const stalled = viewer.rtp(0).length;
      await sleep(300);
      assert.equal(viewer.rtp(0).length, stalled);
      camera.drop('cam0', 'rst');
      assert.equal(await viewer.closed, 'ECONNRESET');
    }));
});

/** Sockets and timers of the process; those of the test runner are there before too. */
const open = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter(r => /TCP|UDP|Timeout|Immediate/.test(r))
    .sort();

test('after stop nothing is open; after start it is there again, on the same port', async () => {
  await sleep(50);
  const before = open();
  const camera = await startFakeCamera({ cameras: 3 });
  const port = camera.port;
  const viewers: Viewer[] = [];
  for (const over of ['tcp', 'udp', 'tcp'] as const) viewers.push(await (await Viewer.open(camera.url())).play(over));
  await viewers[2]!.until(() => viewers.every(v => v.numbers.length > 3));
  assert.deepEqual(camera.clients, { open: 3, playing: 3 });
  await camera.stop();
  for (const v of viewers) await v.closed;
  await assert.rejects(Viewer.open(camera.url()), /ECONNREFUSED/);
  await Promise.all(viewers.map(v => v.close()));
  assert.deepEqual(camera.clients, { open: 0, playing: 0 });
  await sleep(50);
  assert.deepEqual(open(), before);
  await camera.start();
  assert.equal(camera.port, port);
  const again = await (await Viewer.open(camera.url())).play();
  await again.until(() => again.numbers.length > 0);
  await again.close();
  await camera.stop();
});

test('any bytes on the socket: nobody falls over, others are served', async () => {
  const seed = Number(process.env['SEED'] ?? 3);
  const random = new SeededRandom(seed);
  const camera = await startFakeCamera();
  const words = [
    'DESCRIBE ',
    'SETUP ',
    'PLAY ',
    camera.url(),
    '/trackID=0',
    ' RTSP/1.0\r\n',
    'CSeq: 1\r\n',
    'Transport: RTP/AVP;client_port=1-2',
    '\r\n\r\n',
    '$\x00\x00\x09',
    'Session: ',
    '%zz',
    'Content-Length: 7\r\n',
  ];
  for (let round = 0; round < 60; round++) {
    const socket = connect(camera.port, '127.0.0.1').on('error', () => {});
    for (let i = 0; i < 10; i++) {
      let text = '';
      for (let k = random.below(20); k > 0; k--)
        text +=
          random.below(5) === 0
            ? Buffer.from(random.bytes(random.below(60))).toString('latin1')
            : words[random.below(words.length)];
      socket.write(Buffer.from(text, 'latin1'));
    }
    if (random.below(2) === 0) socket.end();
    else setTimeout(() => socket.resetAndDestroy(), 20);
    await sleep(2);
  }
  const viewer = await (await Viewer.open(camera.url())).play();
  await viewer.until(() => viewer.numbers.length > 3);
  assert.ok(consecutive(viewer.numbers), `seed ${seed}`);
  await viewer.close();
  await camera.stop();
});
