/**
 * Every payload format with real media, there and back: what packetizers make of the clips of
 * test/fixture/media is what depacketizers put together again, in packets small and large, and loss costs only what it touched.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { SeededRandom } from '#fake/world';
import { obus } from '#media/av1';
import type { Track } from '#media/track';
import type { Depacketizer, UnitTaker } from '#rtp/depacketizer';
import { createDepacketizer } from '#rtp/formats';
import type { MediaDescription } from '#rtp/media-description';
import type { PacketBatch } from '#rtp/packet-batch';
import { createPacketizer } from '#rtp/packetizer';
import { presentationOf } from '#rtsp/presentation';
import { trackSection } from '#sdp/track-section';
import { type ClipTrack, loadClip } from '../../tools/fake-camera/clip.ts';

const file = (name: string): string => fileURLToPath(new URL(`../fixture/media/${name}`, import.meta.url));
const clips: [name: string, spec: string][] = [
  ['H.264', 'h264=clip.h264'],
  ['H.265', 'h265=clip.h265'],
  ['MJPEG', 'mjpeg=clip.mjpeg'],
  ['AV1', 'ivf=clip.av1.ivf'],
  ['VP8', 'ivf=clip.vp8.ivf'],
  ['AAC', 'aac=clip.aac'],
  ['Opus', 'opus=clip.opus'],
  ['PCMU', 'pcmu=clip.ulaw'],
  ['PCMA', 'pcma=clip.alaw'],
];
const load = async (spec: string): Promise<ClipTrack> => {
  const [key = '', name = ''] = spec.split('=');
  return (await loadClip(`${key}=${file(name)}`)).tracks[0]!;
};

/** A track as its own session description describes it. */
function described(track: Track): MediaDescription {
  const sdp = { origin: '', name: '', attributes: [], media: [trackSection(track, 96)] };
  return presentationOf(sdp, 'rtsp://x/', { video: true, audio: true }).tracks[0]!.media;
}

interface Unit {
  readonly timestamp: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
  readonly lost: number;
}

class Taker implements UnitTaker {
  readonly units: Unit[] = [];
  readonly sets: string[] = [];
  readonly formats: Track[] = [];
  readonly faults: string[] = [];
  unit(timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void {
    this.units.push({ timestamp, keyframe, data, lost });
  }
  parameterSets(sets: readonly Uint8Array[]): void {
    this.sets.push(sets.map(s => Buffer.from(s).toString('hex')).join());
  }
  format(track: Track): void {
    this.formats.push(track);
  }
  fault(text: string): void {
    this.faults.push(text);
  }
}

/** Packets are numbered over all batches; those in `drop` are lost. */
function push(d: Depacketizer, batches: readonly PacketBatch[], drop = new Set<number>()): void {
  let number = 0;
  let lost = 0;
  for (const { bytes, offsets, count } of batches)
    for (let i = 0; i < count; i++) {
      if (drop.has(number++)) {
        lost++;
        continue;
      }
      const at = offsets[i]! + 4;
      const timestamp = Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32BE(at + 4);
      d.push(bytes, at + 12, offsets[i + 1]!, (bytes[at + 1]! & 0x80) !== 0, timestamp, lost);
      lost = 0;
    }
}

/** A size in AV1 may be written longer than it need be (Av1Depacketizer); JPEG headers are ours. */
function plain(track: Track, data: Uint8Array): string {
  if (track.codec === 'av1')
    return [...obus(data)].map(o => `${o.type}:${Buffer.from(data.subarray(o.payload, o.end)).toString('hex')}`).join();
  if (track.codec === 'mjpeg')
    return Buffer.from(data.subarray(Buffer.from(data).indexOf('ffda', 'hex'))).toString('hex');
  return Buffer.from(data).toString('hex');
}

const step = 3000;
function packetized({ track, units }: ClipTrack, maxPayload: number): PacketBatch[] {
  const p = createPacketizer(track, { payloadType: 96, ssrc: 1, seq: 65000, maxPayload, channel: 0 });
  return units.map((u, i) => p.packetize(u.data, u.keyframe, 0xffff_0000 + i * step));
}

for (const [name, spec] of clips)
  describe(name, async () => {
    const clip = await load(spec);
    const { track, units } = clip;
    // PCM goes in as many units as packets.
    const divided = track.codec === 'pcmu' || track.codec === 'pcma';
    for (const maxPayload of divided ? [200, 1400] : [600, 1400, 20_000])
      test(`comes back as it was from packets of ${maxPayload} bytes`, () => {
        const taker = new Taker();
        const batches = packetized(clip, maxPayload);
        for (const b of batches) {
          assert.equal(b.offsets[b.count], b.bytes.length);
          for (let i = 0; i < b.count; i++) assert.ok(b.offsets[i + 1]! - b.offsets[i]! <= maxPayload + 16);
        }
        push(createDepacketizer(described(track), taker), batches);
        assert.deepEqual(taker.faults, []);
        assert.equal(taker.units.length, units.length);
        for (const [i, u] of taker.units.entries()) {
          assert.deepEqual([u.timestamp, u.keyframe, u.lost], [(0xffff_0000 + i * step) >>> 0, units[i]!.keyframe, 0]);
          assert.equal(plain(track, u.data), plain(track, units[i]!.data), `unit ${i}`);
        }
      });

    test('its setup is told once, before the first unit', () => {
      const taker = new Taker();
      push(createDepacketizer(described(track), taker), packetized(clip, 1400));
      const [format] = taker.formats;
      if (track.kind === 'audio') assert.deepEqual([taker.sets, taker.formats], [[], []]);
      else if (track.codec === 'h264' || track.codec === 'h265')
        assert.deepEqual(taker.sets, [track.parameterSets.map(s => Buffer.from(s).toString('hex')).join()]);
      else
        assert.deepEqual(
          taker.formats.map(f => (f.kind === 'video' ? [f.width, f.height, f.codecText] : [])),
          [[track.width, track.height, track.codecText]],
        );
      if (format?.codec === 'av1' && track.codec === 'av1') assert.deepEqual(format.parameterSets.length, 1);
    });

    test('with loss, untouched units are whole, and what is missing is told', () => {
      const random = new SeededRandom(7);
      const batches = packetized(clip, 600);
      const total = batches.reduce((n, b) => n + b.count, 0);
      const drop = new Set(Array.from({ length: Math.ceil(total / 12) }, () => 1 + random.below(total - 4)));
      const taker = new Taker();
      push(createDepacketizer(described(track), taker), batches, drop);
      let number = 0;
      const touched = new Set<number>();
      const sent = new Map<number, string>();
      for (const [i, b] of batches.entries()) {
        sent.set(b.timestamp, plain(track, units[i]!.data));
        for (let n = 0; n < b.count; n++) if (drop.has(number++)) touched.add(b.timestamp);
      }
      assert.equal(
        taker.units.reduce((n, u) => n + u.lost, 0),
        drop.size,
      );
      assert.ok(taker.units.length >= units.length - touched.size);
      for (const u of taker.units)
        if (!touched.has(u.timestamp)) assert.equal(plain(track, u.data), sent.get(u.timestamp));
        // Of a picture made of several slices the others may be used; of everything else nothing.
        else assert.ok(track.codec === 'h264' || track.codec === 'h265', 'a unit with a hole');
    });

    test('any payloads: no throw, no unit much larger than what came', () => {
      const random = fuzzSeed(`${name} depacketizer`);
      const valid: Uint8Array[] = [];
      for (const { bytes, offsets, count } of packetized({ track, units: units.slice(0, 6) }, 300))
        for (let i = 0; i < count; i++) valid.push(bytes.slice(offsets[i]! + 16, offsets[i + 1]!));
      for (let round = 0; round < fuzzRounds(60); round++) {
        const taker = new Taker();
        const d = createDepacketizer(described(track), taker);
        let into = 0;
        for (let i = 0; i < 40; i++) {
          const bytes =
            random.below(3) === 0 ? valid[random.below(valid.length)]! : mutate(random, valid[i % valid.length]!);
          into += bytes.length;
          d.push(bytes, 0, bytes.length, random.below(4) === 0, random.below(4), random.below(9) === 0 ? 1 : 0);
          if (random.below(50) === 0) d.restart();
        }
        const out = taker.units.reduce((n, u) => n + u.data.length, 0);
        // A JPEG gets its header of 600 bytes, an OBU its size.
        assert.ok(out <= 3 * into + taker.units.length * 1000, `${out} bytes from ${into}`);
      }
    });

    test('any units: packets keep their size, no throw', () => {
      const random = fuzzSeed(`${name} packetizer`);
      const p = createPacketizer(track, { payloadType: 96, ssrc: 1, seq: 0, maxPayload: 600, channel: 0 });
      for (let round = 0; round < fuzzRounds(60); round++) {
        const data = mutate(random, units[random.below(Math.min(10, units.length))]!.data);
        const b = p.packetize(data, random.below(2) === 0, random.below(0x1_0000_0000));
        assert.equal(b.offsets[b.count], b.bytes.length);
        for (let i = 0; i < b.count; i++) assert.ok(b.offsets[i + 1]! - b.offsets[i]! <= 616);
      }
    });
  });

test('PCM longer than a packet goes in several, each with its own time and none with the marker', () => {
  const track: Track = { ...described16(), channels: 2 };
  const p = createPacketizer(track, { payloadType: 96, ssrc: 1, seq: 0, maxPayload: 101, channel: 0 });
  const batch = p.packetize(
    Uint8Array.from({ length: 240 }, (_, i) => i),
    true,
    1000,
  );
  const taker = new Taker();
  push(createDepacketizer(described(track), taker), [batch]);
  assert.deepEqual(
    taker.units.map(u => [u.timestamp, u.data.length, u.data[0]]),
    [
      [1000, 100, 0],
      [1025, 100, 100],
      [1050, 40, 200],
    ],
  );
  for (let i = 0; i < batch.count; i++) assert.equal(batch.bytes[batch.offsets[i]! + 5]! & 0x80, 0);
});

const described16 = (): Extract<Track, { kind: 'audio' }> => ({
  kind: 'audio',
  codec: 'lpcm',
  timescale: 48000,
  sampleRate: 48000,
  channels: 1,
  config: new Uint8Array(0),
  codecText: 'twos',
  samplesPerUnit: 0,
});
