import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { aacTrack } from '#media/aac';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { parseSps } from '#media/h264';
import { plainTrack } from '#media/sound';
import type { AudioTrack, VideoTrack } from '#media/track';
import { writeRtpHeader } from '#rtp/packet';
import { type AudioDescription, type MediaDescription, Receiver, type VideoDescription } from '#rtp/receiver';
import { writeRtcp } from '#rtp/rtcp';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
/** 1280x720, 50 pictures a second, reordered two deep; 640x360 Baseline, 30. */
const spsB = '674d4020eca02802dd80880000030008000003032078c18cb0';
const sps = '6742c01ed900a02ff970110000030001000003003c0f162e48';
const pps = '68ce3c80';
/** x265: 176x144 with B pictures two deep; 1920x1080. */
const h265Sets = [
  '40010c01ffff01600000030090000003000003003c959409',
  '42010101600000030090000003000003003ca0162024596565924caf016808000003000800000300c840',
  '4401c172b46240',
];
const otherSets = [
  '40010c01ffff016000000300900000030000030078959409',
  '420101016000000300900000030000030078a003c08010e596565924caf01680800001f480003a9804',
  '4401c172b46241',
];

const video: VideoDescription = {
  kind: 'video',
  codec: 'h264',
  payloadType: 96,
  clockRate: 90000,
  parameterSets: [hex(sps), hex(pps)],
};
const audio: AudioDescription = {
  kind: 'audio',
  codec: 'aac',
  payloadType: 97,
  clockRate: 48000,
  packing: { sizeLength: 13, indexLength: 3, indexDeltaLength: 3, ticksPerUnit: 1024 },
  track: aacTrack(hex('1188'))!,
};
const beganMs = Date.UTC(2026, 0, 1);

/** A camera and what comes out of the receiver. Times are milliseconds since the beginning. */
class Bench {
  readonly units: AccessUnit[] = [];
  readonly gaps: Gap[] = [];
  readonly quirks: string[] = [];
  readonly documents: { text: string; wallMs: number }[] = [];
  readonly receiver: Receiver;
  readonly seq = [100, 65530];
  readonly ssrc = [0xaaaa, 0xbbbb];
  #runs = 0;
  constructor(media: MediaDescription[] = [video, audio], time: 'server' | 'device' = 'server', ordered = false) {
    this.receiver = new Receiver(
      media,
      {
        unit: u => void this.units.push(u),
        gap: g => void this.gaps.push(g),
        quirk: name => void this.quirks.push(name),
        document: (text, wallMs) => void this.documents.push({ text: Buffer.from(text).toString(), wallMs }),
      },
      { time, ordered, nextRunId: () => ++this.#runs },
    );
  }
  packet(track: number, payload: string, timestamp: number, atMs: number, marker = true): void {
    const body = hex(payload);
    const bytes = new Uint8Array(12 + body.length);
    const seq = this.seq[track]!;
    this.seq[track] = (seq + 1) & 0xffff;
    writeRtpHeader(bytes, 0, marker, 96 + track, seq, timestamp >>> 0, this.ssrc[track]!);
    bytes.set(body, 12);
    this.receiver.rtp(track, bytes, 0, bytes.length, beganMs + atMs);
  }
  picture(keyframe: boolean, timestamp: number, atMs: number): void {
    this.packet(0, keyframe ? '6588aa' : '4188aa', timestamp, atMs);
  }
  sound(timestamp: number, atMs: number): void {
    this.packet(1, '0010 0018 aabbcc', timestamp, atMs);
  }
  report(track: number, timestamp: number, wallMs: number, atMs: number): void {
    const bytes = writeRtcp([
      {
        type: 'sender-report',
        ssrc: this.ssrc[track]!,
        wallMs: beganMs + wallMs,
        ntpMiddle: 0,
        rtpTime: timestamp >>> 0,
        packets: 1,
        octets: 1,
        reports: [],
      },
    ]);
    this.receiver.rtcp(track, bytes, 0, bytes.length, beganMs + atMs);
  }
  /** Lines: run, track, pts/dts in ms, K for keyframes. */
  get lines(): string[] {
    return this.units.map(u => {
      const rate = u.run.tracks[u.track]!.timescale;
      const times = [...new Set([u.pts, u.dts])].map(t => Math.round((t * 1000) / rate)).join('/');
      return `${u.run.id} ${u.track === 0 ? 'v' : 'a'}${times}${u.keyframe && u.track === 0 ? 'K' : ''}`;
    });
  }
}

describe('Receiver: senders that break the rules', () => {
  test('rtcp-beside-rtp: reports on the channel of media, and media on that of reports', () => {
    const b = new Bench([video]);
    const report = writeRtcp([{ type: 'goodbye', ssrcs: [0xaaaa] }]);
    b.picture(true, 0, 0);
    b.receiver.rtp(0, Uint8Array.of(...report, 0, 0, 0, 0), 0, report.length, beganMs);
    assert.equal(b.receiver.allGone, true);
    const bytes = new Uint8Array(15);
    writeRtpHeader(bytes, 0, true, 96, b.seq[0]!, 3000, 0xaaaa);
    bytes.set(hex('4188aa'), 12);
    b.receiver.rtcp(0, bytes, 0, bytes.length, beganMs + 33);
    assert.deepEqual([b.lines, b.receiver.allGone], [['1 v0K', '1 v33'], false]);
    assert.deepEqual([b.quirks, b.receiver.stats.faults], [['rtcp-beside-rtp'], 0]);
  });

  test('a payload type from 64 on looks like RTCP when it has the marker, and is none', () => {
    const b = new Bench([{ ...video, payloadType: 72 }]);
    const bytes = new Uint8Array(15);
    writeRtpHeader(bytes, 0, true, 72, 1, 3000, 0xaaaa);
    bytes.set(hex('6588aa'), 12);
    b.receiver.rtp(0, bytes, 0, bytes.length, beganMs);
    assert.deepEqual([b.lines, b.quirks], [['1 v0K'], []]);
  });

  test('padding-overruns: the payload is whole', () => {
    const b = new Bench([video]);
    const bytes = new Uint8Array(15);
    writeRtpHeader(bytes, 0, true, 96, 1, 0, 0xaaaa);
    bytes[0] = 0xa0;
    bytes.set(hex('6588aa'), 12);
    b.receiver.rtp(0, bytes, 0, bytes.length, beganMs);
    assert.deepEqual([text(b.units[0]!.data), b.quirks], ['000000036588aa', ['padding-overruns']]);
  });

  test('undescribed-payload-type', () => {
    const b = new Bench([{ ...video, payloadType: 99 }]);
    b.picture(true, 0, 0);
    assert.deepEqual([b.lines, b.quirks], [['1 v0K'], ['undescribed-payload-type']]);
  });

  for (const ordered of [true, false])
    test(`frozen-sequence: ${ordered ? 'where order is kept, numbers that never grow are not looked at' : 'by UDP they are doubles'}`, () => {
      const b = new Bench([video], 'server', ordered);
      for (let i = 0; i < 100; i++) {
        b.seq[0] = 7;
        b.picture(i % 10 === 0, i * 3000, i * 33);
      }
      assert.equal(b.lines.length, ordered ? 36 : 1);
      assert.deepEqual(b.quirks, ordered ? ['frozen-sequence'] : []);
    });
});

describe('Receiver: clocks that are not what they are said to be', () => {
  const sound = (codec: 'pcmu' | 'opus', clockRate: number): AudioDescription => ({
    kind: 'audio',
    codec,
    payloadType: 97,
    clockRate,
    track: plainTrack(codec, codec === 'opus' ? 48000 : 8000, 1),
  });
  /** 20 ms of sound in each packet, beside 25 pictures a second. */
  const play = (b: Bench, payload: string, ticks: number, seconds: number): void => {
    for (let i = 0; i < seconds * 50; i++) {
      if (i % 2 === 0) b.picture(i % 50 === 0, i * 1800, i * 20);
      b.packet(1, payload, 5000 + i * ticks, i * 20);
    }
  };
  const pcm20 = '7f'.repeat(160);
  // Opus: config 19, code 0: 20 ms.
  const cases: [name: string, media: AudioDescription, payload: string, ticks: number, quirks: string[]][] = [
    ['PCMU at 90000 that counts samples', sound('pcmu', 90000), pcm20, 160, ['audio-clock']],
    ['PCMU at 90000 that means it', sound('pcmu', 90000), pcm20, 1800, []],
    ['PCMU as it should be', sound('pcmu', 8000), pcm20, 160, []],
    ['Opus that says 16000 and counts 48000 (RFC 7587 4.1)', sound('opus', 16000), '98aabb', 960, ['audio-clock']],
    ['Opus as it should be', sound('opus', 48000), '98aabb', 960, []],
    [
      'AAC that says 90000 and counts samples',
      { ...audio, clockRate: 90000, packing: { ...audio.packing, ticksPerUnit: 1920 } } as AudioDescription,
      // Its frames are of 21.3 ms and come every 20 ms: after six seconds it is 0.4 s ahead.
      '0010 0018 aabbcc',
      1024,
      ['audio-clock'],
    ],
  ];
  for (const [name, media, payload, ticks, quirks] of cases)
    test(`audio-clock: ${name}`, () => {
      const b = new Bench([video, media]);
      play(b, payload, ticks, 10);
      assert.deepEqual(b.quirks, quirks);
      const last = [0, 1].map(t => b.units.findLast(u => u.track === t)!);
      const seconds = last.map(u => u.pts / u.run.tracks[u.track]!.timescale);
      assert.ok(Math.abs(seconds[0]! - seconds[1]!) < (media.codec === 'aac' ? 0.5 : 0.2), `${seconds}`);
      assert.ok(b.lines.length > 500 && last[0]!.run === last[1]!.run);
    });

  test('audio-clock: sound alone begins a run anew', () => {
    const b = new Bench([{ ...sound('pcmu', 90000), payloadType: 96 }]);
    for (let i = 0; i < 500; i++) b.packet(0, pcm20, i * 160, i * 20);
    assert.deepEqual([b.quirks, new Set(b.units.map(u => u.run.id)).size], [['audio-clock'], 2]);
    const [first, last] = [b.units.find(u => u.run.id === 2)!, b.units.at(-1)!];
    assert.ok(Math.abs((last.pts - first.pts) / 8000 - (last.wallMs - first.wallMs) / 1000) < 0.1);
  });

  test('jumping-timestamps: a clock set anew at each keyframe; from the fifth time on arrival counts, in one run', () => {
    const b = new Bench([video]);
    for (let i = 0; i < 1000; i++)
      b.picture(i % 25 === 0, i * 3600 + Math.floor(i / 25) * 900_000, i * 40 + (i % 3) * 5);
    assert.deepEqual(b.quirks, ['jumping-timestamps']);
    const runs = new Set(b.units.map(u => u.run.id)).size;
    assert.ok(runs <= 8, `${runs} runs of 40 jumps`);
    const steady = b.units.slice(-500);
    assert.equal(new Set(steady.map(u => u.run.id)).size, 1);
    for (const [i, u] of steady.entries())
      if (i > 0) assert.ok(Math.abs((u.pts - steady[i - 1]!.pts) / 90 - 40) < 5, 'pictures follow each other evenly');
    assert.ok(Math.abs(steady.at(-1)!.wallMs - beganMs - 999 * 40) < 50);
  });
});

describe('Receiver: goodbyes and the clock of the device', () => {
  const goodbye = (b: Bench, track: number, ssrc: number): void => {
    const bytes = writeRtcp([{ type: 'goodbye', ssrcs: [ssrc] }]);
    b.receiver.rtcp(track, bytes, 0, bytes.length, beganMs);
  };
  test('all have gone when each sender has said so; one that sends again has not', () => {
    const b = new Bench();
    b.picture(true, 0, 0);
    b.sound(0, 0);
    goodbye(b, 0, 0x1234);
    assert.equal(b.receiver.allGone, false, 'that was somebody else');
    goodbye(b, 0, 0xaaaa);
    assert.equal(b.receiver.allGone, false, 'there is sound');
    goodbye(b, 1, 0xbbbb);
    assert.equal(b.receiver.allGone, true);
    b.picture(false, 3000, 33);
    assert.equal(b.receiver.allGone, false);
  });

  test('a report before the first picture of a run counts for it', () => {
    const b = new Bench([video], 'device');
    b.picture(true, 0, 0);
    b.report(0, 0, 1500, 10);
    for (let i = 1; i <= 200; i++) b.picture(false, i * 3000, i * 33.333);
    assert.ok(Math.abs(b.units.at(-1)!.wallMs - beganMs - 6667 - 1500) < 20, 'the run follows the report');
    b.receiver.clockStep();
    for (let i = 201; i <= 400; i++) b.picture(i === 201, i * 3000, i * 33.333);
    assert.ok(Math.abs(b.units.at(-1)!.wallMs - beganMs - 13_333 - 1500) < 20, 'so does the next run');
    assert.equal(b.receiver.stats.deviceClockMs, 1490);
  });

  test('every hole is counted', () => {
    const b = new Bench([video]);
    b.picture(true, 0, 0);
    b.seq[0]! += 3;
    b.picture(false, 3000, 33);
    b.picture(false, 6000, 67);
    const { lostPackets, lostUnits } = b.receiver.stats;
    assert.deepEqual([lostPackets, lostUnits], [3, 1]);
  });
});

describe('Receiver', () => {
  test('a run begins with a keyframe; what is before it is left out', () => {
    const b = new Bench([video]);
    b.picture(false, 0, 0);
    b.picture(true, 3000, 33);
    b.picture(false, 6000, 67);
    assert.deepEqual(b.lines, ['1 v0K', '1 v33']);
    assert.equal(b.receiver.stats.droppedUnits, 1);
    assert.deepEqual(
      b.units[0]!.run.tracks.map(t => [t.codecText, t.kind === 'video' && t.width]),
      [['avc1.42c01e', 640]],
    );
  });

  test('pts are exact over the wrap of the RTP clock', () => {
    const b = new Bench([video]);
    for (let i = 0; i < 5; i++) b.picture(i === 0, 0xffffffff - 6000 + i * 3000, i * 33);
    assert.deepEqual(
      b.units.map(u => u.pts),
      [0, 3000, 6000, 9000, 12000],
    );
  });

  test('parameter sets in band: none described, none yet, no run', () => {
    const b = new Bench([{ ...video, parameterSets: [] }]);
    b.picture(true, 0, 0);
    b.packet(0, sps, 3000, 33, false);
    b.packet(0, pps, 3000, 33, false);
    b.picture(true, 3000, 33);
    assert.deepEqual(b.lines, ['1 v0K']);
  });

  test('the keyframe of another format was lost: what follows it waits for the next one', () => {
    const b = new Bench([video]);
    b.picture(true, 0, 0);
    b.packet(0, spsB, 3000, 33, false);
    b.packet(0, pps, 3000, 33, false);
    b.packet(0, '6588aa', 3000, 33, false);
    b.seq[0]!++;
    b.picture(false, 6000, 67);
    b.picture(false, 9000, 100);
    b.picture(true, 12000, 133);
    assert.deepEqual(b.lines, ['1 v0K', '2 v40/0K']);
    assert.equal(b.receiver.stats.droppedUnits, 3);
  });

  test('other parameter sets begin another run, at their keyframe, without a gap', () => {
    const b = new Bench([video]);
    b.picture(true, 0, 0);
    b.packet(0, spsB.replace('674d', '6742'), 3000, 33, false);
    b.packet(0, pps, 3000, 33, false);
    b.picture(true, 3000, 33);
    b.picture(false, 6000, 67);
    assert.deepEqual(b.lines, ['1 v0K', '2 v0K', '2 v33']);
    assert.deepEqual(
      [b.gaps.length, b.units[1]!.run.tracks[0]!.kind === 'video' && b.units[1]!.run.tracks[0]!.width],
      [0, 1280],
    );
    assert.ok(b.units[1]!.wallMs > b.units[0]!.wallMs);
  });

  for (const [name, change] of [
    ['a jump of the RTP clock forward', (b: Bench) => [b, 900_000] as const],
    ['a jump of the RTP clock back', (b: Bench) => [b, -900_000] as const],
    ['another SSRC', (b: Bench) => [Object.assign(b, { ssrc: [0xcccc, 0xbbbb] }), 0] as const],
  ] as const)
    test(`${name} ends the run; the next keyframe begins another`, () => {
      const b = new Bench([video]);
      b.picture(true, 5_000_000, 0);
      b.picture(false, 5_003_000, 33);
      const [, jump] = change(b);
      b.picture(false, 5_006_000 + jump, 67);
      b.picture(true, 5_009_000 + jump, 100);
      assert.deepEqual(b.lines, ['1 v0K', '1 v33', '2 v0K']);
      assert.deepEqual(
        b.gaps.map(g => g.reason),
        ['no-media'],
      );
      assert.ok(Math.abs(b.gaps[0]!.atMs - beganMs - 33) < 1);
      assert.ok(Math.abs(b.units[2]!.wallMs - beganMs - 100) < 1);
    });

  test('reordered pictures: dts grow from 0 and are not after pts, audio lies beside pts', () => {
    const b = new Bench([{ ...video, parameterSets: [hex(spsB), hex(pps)] }, audio]);
    const frame = 1800; // 50 a second
    for (const [i, n] of [0, 4, 2, 1, 3, 8, 6, 5, 7].entries()) b.picture(i === 0, n * frame, i * 20);
    b.sound(0, 1);
    b.sound(1024, 22);
    assert.deepEqual(
      b.units.filter(u => u.track === 0).map(u => u.dts / frame),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.ok(b.units.every(u => u.dts <= u.pts && u.dts >= 0));
    assert.equal(b.units[0]!.pts, 2 * frame);
  });

  test('reordering that was not announced is learned: exact from the next keyframe on', () => {
    const b = new Bench([video]);
    const order = [0, 3, 1, 2, 6, 4, 5];
    for (let gop = 0; gop < 2; gop++)
      for (const [i, n] of order.entries()) b.picture(i === 0, (gop * 7 + n) * 3000, (gop * 7 + i) * 33);
    const second = b.units.filter(u => u.run.id === 2);
    assert.deepEqual(
      second.map(u => u.pts / 3000),
      [1, 4, 2, 3, 7, 5, 6],
    );
    assert.deepEqual(
      second.map(u => u.dts / 3000),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.ok(
      b.units.every(
        (u, i) => u.dts <= u.pts && (i === 0 || u.run !== b.units[i - 1]!.run || u.dts > b.units[i - 1]!.dts),
      ),
    );
  });

  describe('audio beside video', () => {
    /** The pts, in ms, of a sound made 100 ms after the first picture, which came 70 ms late. */
    const first = (prepare: (b: Bench, v: number, a: number) => void): number => {
      const b = new Bench();
      const [v, a] = [4_000_000_000, 77_777];
      prepare(b, v, a);
      b.picture(true, v, 0);
      b.sound(a + 48 * 100, 170);
      return b.units[1]!.pts / 48;
    };
    test('by arrival, if nothing else is said', () => assert.ok(Math.abs(first(() => {}) - 170) < 1));
    test('by RTP-Info', () =>
      assert.equal(
        first((b, v, a) => {
          b.receiver.playInfo(0, v, beganMs);
          b.receiver.playInfo(1, a, beganMs);
        }),
        100,
      ));
    test('RTP-Info that is nonsense is not believed', () =>
      assert.ok(
        Math.abs(
          first((b, v) => {
            b.receiver.playInfo(0, v, beganMs);
            b.receiver.playInfo(1, 3_000_000_000, beganMs);
          }) - 170,
        ) < 1,
      ));
    test('by sender reports, which go before RTP-Info', () =>
      assert.equal(
        Math.round(
          first((b, v, a) => {
            b.receiver.playInfo(0, v, beganMs);
            b.receiver.playInfo(1, a + 480, beganMs);
            b.report(0, v, 500_000, 0);
            b.report(1, a, 500_000, 0);
          }),
        ),
        100,
      ));
    test('sender reports that come later move the audio slowly to its place, in order', () => {
      const b = new Bench();
      const [v, a] = [4_000_000_000, 77_777];
      for (let ms = 0; ms < 20_000; ms += 20) {
        if (ms === 2000)
          for (const [t, r] of [
            [0, v + ms * 90],
            [1, a + ms * 48],
          ] as const)
            b.report(t, r, 900_000, ms);
        if (ms % 40 === 0) b.picture(ms % 1000 === 0, v + ms * 90, ms);
        b.sound(a + ms * 48, ms + 70);
      }
      const sound = b.units.filter(u => u.track === 1);
      assert.ok(sound.every((u, i) => i === 0 || u.pts > sound[i - 1]!.pts));
      const steps = sound.slice(1).map((u, i) => u.pts - sound[i]!.pts);
      assert.ok(Math.max(...steps) <= 970 && Math.min(...steps) >= 949, `${Math.min(...steps)} ${Math.max(...steps)}`);
      assert.equal(sound.at(-1)!.pts / 48, 19_980);
    });
  });

  test('audio before the first picture is left out, and its times are never negative', () => {
    const b = new Bench();
    b.sound(0, 0);
    b.sound(960, 20);
    b.picture(true, 0, 40);
    b.sound(1920, 40);
    assert.deepEqual(
      b.lines.map(l => l[2]),
      ['v', 'a'],
    );
    assert.ok(b.units.every(u => u.pts >= 0));
  });

  test('audio alone makes a run too', () => {
    const b = new Bench([audio]);
    b.seq[0] = 1;
    const send = (ts: number, at: number): void => {
      const body = hex('0010 0018 aabbcc');
      const bytes = new Uint8Array(12 + body.length);
      writeRtpHeader(bytes, 0, true, 97, b.seq[0]!++, ts, 1);
      bytes.set(body, 12);
      b.receiver.rtp(0, bytes, 0, bytes.length, beganMs + at);
    };
    send(5000, 0);
    send(6024, 21);
    assert.deepEqual(
      b.units.map(u => [u.track, u.pts, u.keyframe, u.run.tracks.length]),
      [
        [0, 0, true, 1],
        [0, 1024, true, 1],
      ],
    );
  });

  test('loss is told with the unit it hit', () => {
    const b = new Bench([video]);
    b.picture(true, 0, 0);
    b.seq[0]! += 3;
    b.picture(false, 3000, 33);
    b.picture(false, 6000, 67);
    assert.deepEqual(
      b.units.map(u => u.lost),
      [0, 3, 0],
    );
    assert.equal(b.receiver.stats.lostPackets, 3);
  });

  test('another payload type than described is believed until the described one comes', () => {
    const b = new Bench([{ ...video, payloadType: 33 }]);
    b.picture(true, 0, 0);
    assert.equal(b.units.length, 1);
    const c = new Bench([{ ...video, payloadType: 96 }]);
    c.picture(true, 0, 0);
    const bytes = new Uint8Array(15);
    writeRtpHeader(bytes, 0, true, 100, c.seq[0]!, 3000, c.ssrc[0]!);
    bytes.set(hex('4188aa'), 12);
    c.receiver.rtp(0, bytes, 0, bytes.length, beganMs);
    assert.deepEqual([c.units.length, c.receiver.stats.lastFault], [1, 'a packet of another payload type']);
  });

  test('a step of the wall clock begins another run on the new clock', () => {
    const b = new Bench([video]);
    b.picture(true, 0, 0);
    b.receiver.clockStep();
    b.picture(true, 3000, 3_600_033);
    assert.deepEqual(b.lines, ['1 v0K', '2 v0K']);
    assert.equal(b.units[1]!.wallMs, beganMs + 3_600_033);
  });

  test('time of the device: within 2 s of ours it is followed', () => {
    const b = new Bench([video], 'device');
    for (let i = 0; i < 300; i++) {
      b.picture(i % 25 === 0, i * 3600, i * 40);
      if (i % 50 === 0) b.report(0, i * 3600, i * 40 - 700, i * 40);
    }
    assert.ok(Math.abs(b.units.at(-1)!.wallMs - beganMs - (299 * 40 - 700)) < 2);
    assert.ok(b.units.every((u, i) => i === 0 || u.wallMs > b.units[i - 1]!.wallMs));
  });

  const h265: VideoDescription = { ...video, codec: 'h265', parameterSets: h265Sets.map(hex) };
  /** Two B pictures between, one of them a reference; not told by any VUI. */
  const pyramid = [0, 40, 20, 10, 30];

  test('H.265: the SPS tells how deep pictures are reordered', () => {
    const b = new Bench([h265]);
    for (const [i, n] of [0, 2, 1, 4, 3].entries()) b.packet(0, i === 0 ? '260180' : '020180', n * 3600, i * 40);
    assert.deepEqual(b.lines, ['1 v80/0K', '1 v160/40', '1 v120/80', '1 v240/120', '1 v200/160']);
    assert.equal((b.units[0]!.run.tracks[0] as VideoTrack).codecText, 'hvc1.1.6.L60.90');
  });

  test('H.265: other parameter sets in mid-stream begin a run with the next keyframe', () => {
    const b = new Bench([h265]);
    b.packet(0, '260180', 0, 0);
    for (const set of otherSets) b.packet(0, set, 3600, 40, false);
    b.packet(0, '020180', 3600, 40);
    b.packet(0, '260180', 7200, 80);
    const sizes = b.units.map(u => `${u.run.id} ${(u.run.tracks[0] as VideoTrack).width}`);
    assert.deepEqual(sizes, ['1 176', '2 1920']);
  });

  test('H.264 that does not tell its reordering: after one keyframe it is known, however deep', () => {
    const high = hex('6764000aacd942c4e4');
    const b = new Bench([{ ...video, parameterSets: [high, hex(pps)] }]);
    assert.equal(parseSps(high)?.reorder, undefined, 'this SPS does not tell');
    for (let gop = 0; gop < 3; gop++)
      for (const [i, at] of pyramid.entries())
        b.packet(0, i === 0 ? '6588aa' : '4188aa', (gop * 50 + at) * 360, gop * 200 + i * 40);
    assert.equal(new Set(b.units.map(u => u.run.id)).size, 2);
    const last = b.units.slice(-5);
    const from = last[0]!.pts;
    assert.deepEqual(
      last.map(u => (u.pts - from) / 360),
      pyramid,
    );
    assert.ok(
      b.units.every((u, i) => u.dts <= u.pts && (b.units[i - 1]?.run !== u.run || b.units[i - 1]!.dts < u.dts)),
    );
  });

  test('MJPEG of another size begins a run at once', () => {
    const b = new Bench([{ ...video, codec: 'mjpeg', parameterSets: [] }]);
    b.packet(0, '00000000 01 32 14 0f 11ffd9', 0, 0);
    b.packet(0, '00000000 01 32 28 1e 11ffd9', 3600, 40);
    assert.deepEqual(
      b.units.map(u => `${u.run.id} ${(u.run.tracks[0] as VideoTrack).width} ${u.keyframe}`),
      ['1 160 true', '2 320 true'],
    );
  });

  test('audio that is another than described begins a run with the next keyframe, and is left out until then', () => {
    const mux = hex('400023103fc0'); // 48 kHz, mono; what the description says is stereo
    const latm: AudioDescription = {
      ...{ kind: 'audio', codec: 'aac-latm', payloadType: 97, clockRate: 48000, track: aacTrack(hex('1190'))! },
      packing: { inBand: true, mux: undefined, clockRate: 48000 },
    };
    const b = new Bench([video, latm]);
    // The first bit 0: a configuration follows; its 46 bits, then a frame of no bytes, and one of a byte.
    const bits = `0${[...mux].map(v => v.toString(2).padStart(8, '0')).join('')}`.slice(0, 45);
    const element = `${bits}00000001${'10101010'}`.padEnd(64, '0').match(/.{8}/g)!;
    const payload = element.map(v => Number.parseInt(v, 2).toString(16).padStart(2, '0')).join('');
    b.picture(true, 0, 0);
    b.packet(1, payload, 0, 10);
    b.picture(false, 3000, 33);
    b.picture(true, 6000, 67);
    b.packet(1, payload, 3200, 70);
    assert.deepEqual(
      b.units.map(u => `${u.run.id} ${u.track} ${(u.run.tracks[1] as AudioTrack).channels}`),
      ['1 0 2', '1 0 2', '2 0 1', '2 1 1'],
    );
  });

  test('metadata documents are handed on with the time of the media', () => {
    const b = new Bench([video, { kind: 'metadata', codec: 'metadata', payloadType: 97, clockRate: 90000 }]);
    b.packet(1, '3c612f3e', 0, 5);
    b.picture(true, 1000, 10);
    b.packet(1, '3c622f3e', 3600, 45);
    assert.deepEqual(
      b.documents.map(d => [d.text, Math.round(d.wallMs - beganMs)]),
      [
        ['<a/>', 5],
        ['<b/>', 45],
      ],
    );
    assert.deepEqual(
      b.units.map(u => u.run.tracks.length),
      [1],
    );
  });

  test('any packets: no throw; what comes out has growing dts, not after pts', () => {
    const random = fuzzSeed('receiver');
    for (let round = 0; round < fuzzRounds(200); round++) {
      const b = new Bench();
      for (let i = 0; i < 60; i++) {
        const track = random.below(2);
        const payload = [`78 0019 ${sps} 0004 ${pps}`, '6588aa', '4188aa', '7c8588', '7c45aa', '0010 0018 aabbcc'][
          random.below(6)
        ]!;
        const body = mutate(random, hex(payload));
        const packet = new Uint8Array(12 + body.length);
        writeRtpHeader(
          packet,
          0,
          random.below(2) === 0,
          96 + track,
          random.below(30) === 0 ? random.below(65536) : i,
          random.below(20) === 0 ? random.below(2 ** 32) : i * 3000,
          7,
        );
        packet.set(body, 12);
        const bytes = random.below(10) === 0 ? mutate(random, packet) : packet;
        if (random.below(20) === 0) b.receiver.rtcp(track, bytes, 0, bytes.length, beganMs + i * 33);
        else b.receiver.rtp(random.below(50) === 0 ? 5 : track, bytes, 0, bytes.length, beganMs + i * 33);
      }
      const last = new Map<string, number>();
      for (const u of b.units) {
        const key = `${u.run.id} ${u.track}`;
        assert.ok(u.dts <= u.pts && u.dts > (last.get(key) ?? Number.NEGATIVE_INFINITY), key);
        last.set(key, u.dts);
      }
    }
  });
});
