/** Payload formats, packets, RTCP, reordering: what comes from the network of a camera that plays. */
import type { SeededRandom } from '#fake/world';
import type { Track } from '#media/track';
import type { UnitTaker } from '#rtp/depacketizer';
import { createDepacketizer } from '#rtp/formats';
import { JitterBuffer } from '#rtp/jitter-buffer';
import type { MediaDescription } from '#rtp/media-description';
import { createPacketizer } from '#rtp/packetizer';
import { Receiver } from '#rtp/receiver';
import { parseRtcp, writeRtcp } from '#rtp/rtcp';
import { presentationOf } from '#rtsp/presentation';
import { parseSdp } from '#sdp/sdp';
import { bend, noise, pick } from './bend.ts';
import { check, type Group } from './group.ts';
import { clipCodecs, clipTrack, describedOf, packetsOf } from './media.ts';

class Count implements UnitTaker {
  bytes = 0;
  units = 0;
  unit(_timestamp: number, _keyframe: boolean, data: Uint8Array): void {
    this.bytes += data.length;
    this.units++;
  }
  parameterSets(): void {}
  format(_track: Track): void {}
  fault(_text: string): void {}
}

const fixedHeader = 12;

function depacketizers(name: string, media: MediaDescription, payloads: readonly Uint8Array[]): Group {
  return {
    name: `rtp-${name}`,
    round(random) {
      const count = new Count();
      const d = createDepacketizer(media, count);
      let into = 0;
      for (let i = random.below(payloads.length), n = 0; n < 200; i++, n++) {
        const valid = payloads[i % payloads.length] ?? new Uint8Array(0);
        const bytes = random.below(3) === 0 ? bend(random, valid) : valid;
        into += bytes.length;
        const lost = random.below(9) === 0 ? 1 : 0;
        d.push(bytes, 0, bytes.length, random.below(4) === 0, n >> random.below(4), lost);
        if (random.below(60) === 0) d.restart();
      }
      // A JPEG gets its header of 600 bytes, an OBU its size, G.726 its 16 bits for 2.
      const limit = (name === 'g726' ? 8 : 3) * into + count.units * 1000;
      check(count.bytes <= limit, `${count.bytes} bytes of units from ${into}`);
      return into;
    },
  };
}

/** Formats without a clip: described by their SDP, fed with noise that is made to look alike. */
const described: readonly (readonly [name: string, rtpmap: string, fmtp: string, begins: readonly number[]])[] = [
  ['latm', 'MP4A-LATM/48000', 'cpresent=0;config=400023203fc0', [0x10, 0x20]],
  ['latm-inband', 'MP4A-LATM/48000', 'cpresent=1', [0x40, 0x00, 0x23]],
  ['g726', 'G726-32/8000', '', []],
  ['l16', 'L16/44100/2', '', []],
];

function byDescription(name: string, rtpmap: string, fmtp: string): MediaDescription {
  const lines = ['v=0', 'm=audio 0 RTP/AVP 96', `a=rtpmap:96 ${rtpmap}`, ...(fmtp ? [`a=fmtp:96 ${fmtp}`] : []), ''];
  const [found] = presentationOf(parseSdp(lines.join('\r\n')), 'rtsp://x/', { video: true, audio: true }).tracks;
  if (found === undefined) throw new Error(`${name} is not understood`);
  return found.media;
}

/** Whole packets with their headers, of two tracks and both kinds, into what makes access units of them. */
export function receive(
  random: SeededRandom,
  media: readonly MediaDescription[],
  packets: readonly Uint8Array[][],
): number {
  let runs = 0;
  let wallMs = 1e12;
  const receiver = new Receiver(
    media,
    { unit: () => {}, gap: () => {} },
    { time: random.below(2) === 0 ? 'server' : 'device', nextRunId: () => ++runs },
  );
  let into = 0;
  const at = packets.map(p => random.below(p.length));
  for (let n = 0; n < 300; n++) {
    const track = random.below(media.length);
    wallMs += random.below(30) === 0 ? random.below(20_000) - 5_000 : random.below(20);
    if (random.below(12) === 0) {
      const report = writeRtcp([
        {
          ...{ type: 'sender-report', ssrc: 7, wallMs: wallMs + random.below(2000), ntpMiddle: 0 },
          ...{ rtpTime: random.below(1 << 30), packets: n, octets: into, reports: [] },
        },
      ]);
      const bytes = random.below(2) === 0 ? bend(random, report) : report;
      into += bytes.length;
      receiver.rtcp(track, bytes, 0, bytes.length, wallMs);
    } else {
      const own = packets[track] ?? [];
      const valid = own[(at[track] = ((at[track] ?? 0) + (random.below(30) === 0 ? 2 : 1)) % own.length)];
      const bytes = random.below(4) === 0 ? bend(random, valid?.subarray(4) ?? noise(random, 30)) : valid?.subarray(4);
      if (bytes === undefined) continue;
      into += bytes.length;
      receiver.rtp(track, bytes, 0, bytes.length, wallMs);
    }
    if (random.below(50) === 0) receiver.report(track, wallMs);
  }
  return into;
}

export async function rtpGroups(): Promise<Group[]> {
  const groups: Group[] = [];
  const clips = new Map<string, { media: MediaDescription; packets: Uint8Array[] }>();
  for (const codec of clipCodecs) {
    const clip = await clipTrack(codec);
    const packets = packetsOf(clip);
    clips.set(codec, { media: describedOf(clip), packets });
    const payloads = packets.map(p => p.subarray(4 + fixedHeader));
    groups.push(depacketizers(codec, describedOf(clip), payloads));
    groups.push({
      name: `packetize-${codec}`,
      round(random) {
        // The least that every network carries is 576 bytes (RFC 791 3.1); the tables of a JPEG alone are 264.
        const maxPayload = 536 + random.below(1000);
        const p = createPacketizer(clip.track, { payloadType: 96, ssrc: 1, seq: 0, maxPayload, channel: 0 });
        let into = 0;
        for (let n = 0; n < 30; n++) {
          const data = bend(random, pick(random, clip.units).data);
          into += data.length;
          const b = p.packetize(data, random.below(2) === 0, random.below(1 << 30));
          check(b.offsets[b.count] === b.bytes.length, 'packets end before their bytes do');
          for (let i = 0; i < b.count; i++)
            check(
              (b.offsets[i + 1] ?? 0) - (b.offsets[i] ?? 0) <= maxPayload + 16,
              `a packet above ${maxPayload} bytes`,
            );
        }
        return into;
      },
    });
  }
  for (const [name, rtpmap, fmtp, begins] of described) {
    const media = byDescription(name, rtpmap, fmtp);
    const payloads = Array.from({ length: 64 }, (_, i) =>
      Uint8Array.from({ length: 20 + i * 11 }, (_, at) => begins[at] ?? (at * 37 + i) & 0xff),
    );
    groups.push(depacketizers(name, media, payloads));
  }
  const of = (codec: string) => clips.get(codec) ?? { media: byDescription('opus', 'opus/48000/2', ''), packets: [] };
  for (const [video, audio] of [
    ['h264', 'aac'],
    ['h265', 'opus'],
    ['mjpeg', 'pcmu'],
  ] as const)
    groups.push({
      name: `receiver-${video}-${audio}`,
      round: random => receive(random, [of(video).media, of(audio).media], [of(video).packets, of(audio).packets]),
    });
  const packets = of('h264').packets.map(p => p.subarray(4));
  groups.push(
    {
      name: 'jitter-buffer',
      round(random) {
        let given = 0;
        let taken = 0;
        const buffer = new JitterBuffer(() => void taken++, { waitMs: 100, limitBytes: 50_000 });
        let into = 0;
        let nowMs = 0;
        for (let n = 0; n < 500; n++) {
          nowMs += random.below(20);
          const valid = packets[(n + (random.below(5) === 0 ? random.below(40) : 0)) % packets.length];
          if (valid === undefined) continue;
          const bytes = random.below(6) === 0 ? bend(random, valid) : valid;
          // What is no packet does not come so far.
          if (bytes.length < fixedHeader) continue;
          into += bytes.length;
          given++;
          buffer.push(bytes, 0, bytes.length, nowMs, nowMs);
          check(buffer.heldBytes <= 50_000, `${buffer.heldBytes} bytes held`);
          if (random.below(3) === 0) buffer.tick(nowMs);
        }
        buffer.tick(nowMs + 1000);
        check(buffer.heldBytes === 0 && taken <= given, `${buffer.heldBytes} bytes stayed, ${taken} of ${given} taken`);
        return into;
      },
    },
    {
      name: 'rtcp',
      round(random) {
        let into = 0;
        for (let n = 0; n < 100; n++) {
          const valid = writeRtcp([
            {
              ...{ type: 'sender-report', ssrc: n, wallMs: 1e12, ntpMiddle: 0, rtpTime: n, packets: n, octets: n },
              reports: [],
            },
            { type: 'source-description', ssrc: n, cname: 'camera' },
          ]);
          const bytes = bend(random, valid);
          into += bytes.length;
          check(parseRtcp(bytes, 0, bytes.length).length <= bytes.length, 'more packets than bytes');
        }
        return into;
      },
    },
  );
  return groups;
}
