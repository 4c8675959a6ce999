/** Somebody who publishes the clip over RTSP: announces it, sets it up, sends its pictures and its sound when told. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { clipRun } from '#fake/clip';
import type { AccessUnit } from '#media/access-unit';
import type { Track } from '#media/track';
import type { Packetizer } from '#rtp/packet-batch';
import { createPacketizer } from '#rtp/packetizer';
import { writeRtcp } from '#rtp/rtcp';
import type { RtspResponse } from '#rtsp/message';
import { writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';
import { type Client, headerOf, type T } from './rig.ts';

export const clip = (): { readonly tracks: readonly Track[]; readonly units: readonly AccessUnit[] } => {
  const { units } = clipRun(1, { seconds: 10 });
  return { tracks: units[0]?.run.tracks ?? [], units };
};

export const sdpOf = (tracks: readonly Track[]): string =>
  writeSdp({
    origin: '',
    name: 'clip',
    attributes: [],
    media: tracks.map((track, i) => trackSection(track, 96 + i, `streamid=${i}`)),
  });

export const announcement = { 'Content-Type': 'application/sdp' };

export class ClipPublisher {
  readonly client: Client;
  readonly #tracks: readonly Track[];
  readonly #units: readonly AccessUnit[];
  readonly #packetizers: readonly Packetizer[];
  readonly #udp: Socket[] = [];
  readonly #ports: number[] = [];
  /** What came back to the UDP ports, RTCP mostly. */
  readonly heard: Uint8Array[] = [];
  #at = 0;

  constructor(client: Client) {
    this.client = client;
    const { tracks, units } = clip();
    this.#tracks = tracks;
    this.#units = units;
    this.#packetizers = tracks.map((track, i) => {
      const packetizer = createPacketizer(track, {
        payloadType: 96 + i,
        ssrc: 7 + i,
        seq: 65_530,
        maxPayload: 1400,
        channel: 2 * i,
      });
      assert.ok(packetizer);
      return packetizer;
    });
  }

  announce(path: string): Promise<RtspResponse> {
    return this.client.ask('ANNOUNCE', path, announcement, sdpOf(this.#tracks));
  }

  /** ANNOUNCE, SETUP of all tracks, RECORD; all must go well. */
  async begin(path: string, t?: T): Promise<void> {
    assert.equal((await this.announce(path)).status, 200);
    for (const i of this.#tracks.keys()) {
      const wanted = t
        ? `RTP/AVP;unicast;client_port=${await this.#open(t)}`
        : `RTP/AVP/TCP;unicast;interleaved=${2 * i}-${2 * i + 1}`;
      const answer = await this.client.ask('SETUP', `${path}/streamid=${i}`, { Transport: `${wanted};mode=record` });
      assert.equal(answer.status, 200);
      const [, rtp = ''] = /server_port=(\d+)-/.exec(headerOf(answer, 'Transport') ?? '') ?? [];
      this.#ports.push(Number(rtp));
    }
    assert.equal((await this.client.ask('RECORD', path, { Range: 'npt=0.000-' })).status, 200);
  }

  /** The pictures of the clip again and again, for so many seconds of media, at once. */
  repeat(seconds: number): void {
    const pictures = this.#units.filter(u => u.track === 0);
    const ticks = (pictures.at(-1)?.pts ?? 0) + 3600;
    for (let from = 0; from < seconds * 90_000; from += ticks)
      for (const { data, keyframe, pts } of pictures) {
        const batch = this.#packetizers[0]?.packetize(data, keyframe, from + pts);
        for (let i = 0; batch && i < batch.count; i++)
          this.client.socket.write(batch.bytes.slice(batch.offsets[i], batch.offsets[i + 1]));
      }
  }

  /** So many units, of pictures and sound together. `lose`: those that never arrive; `swap`: neighbours in the other order. */
  give(count: number, swap = false): void {
    const packets: { readonly track: number; readonly bytes: Uint8Array }[] = [];
    for (const unit of this.#units.slice(this.#at, (this.#at += count))) {
      const batch = this.#packetizers[unit.track]?.packetize(unit.data, unit.keyframe, unit.pts);
      for (let i = 0; batch && i < batch.count; i++)
        packets.push({ track: unit.track, bytes: batch.bytes.slice(batch.offsets[i], batch.offsets[i + 1]) });
    }
    for (let i = 1; swap && i < packets.length; i += 2)
      [packets[i - 1], packets[i]] = [packets[i] as (typeof packets)[0], packets[i - 1] as (typeof packets)[0]];
    for (const { track, bytes } of packets)
      if (this.#udp.length === 0) this.client.socket.write(bytes);
      else this.#udp[2 * track]?.send(bytes.subarray(4), this.#ports[track] ?? 0, '127.0.0.1');
  }

  /** A sender report of each track, over UDP; so the server learns where reports go. */
  report(): void {
    for (const i of this.#tracks.keys()) {
      const report = { ssrc: 7 + i, wallMs: Date.UTC(2026, 0, 1), ntpMiddle: 0, rtpTime: 0, packets: 0, octets: 0 };
      const bytes = writeRtcp([{ type: 'sender-report', ...report, reports: [] }]);
      this.#udp[2 * i + 1]?.send(bytes, (this.#ports[i] ?? 0) + 1, '127.0.0.1');
    }
  }

  async #open(t: T): Promise<string> {
    for (let i = 0; i < 2; i++) {
      const socket = createSocket('udp4');
      socket.on('message', m => void this.heard.push(new Uint8Array(m)));
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      t.after(() => void socket.close());
      this.#udp.push(socket);
    }
    return this.#udp
      .slice(-2)
      .map(s => s.address().port)
      .join('-');
  }
}
