/** Depacketizers as tables of text: payloads go in, one line each, and what comes out is one line each. */
import type { Track } from '#media/track';
import type { Depacketizer, UnitTaker } from '#rtp/depacketizer';

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/**
 * `into`: `timestamp payload [M]`, `-` marks a lost packet. Out: `K|P timestamp data [lost n]`, `sets ...`,
 * `format codec text`, `! fault`. `show` tells a unit's data.
 */
export function transcript(
  create: (taker: UnitTaker) => Depacketizer,
  into: readonly string[],
  show: (data: Uint8Array) => string = text,
): string[] {
  const out: string[] = [];
  const d = create({
    unit: (timestamp, keyframe, data, lost) =>
      void out.push(`${keyframe ? 'K' : 'P'}${timestamp} ${show(data)}${lost > 0 ? ` lost ${lost}` : ''}`),
    parameterSets: sets => void out.push(`sets ${sets.map(text).join(' ')}`),
    format: (track: Track) =>
      void out.push(
        track.kind === 'video'
          ? `format ${track.codec} ${track.width}x${track.height} ${track.codecText}`
          : `format ${track.codec} ${track.sampleRate} ${track.channels} ${track.codecText}`,
      ),
    quirk: name => void out.push(`quirk ${name}`),
    fault: fault => void out.push(`! ${fault}`),
  });
  let lost = 0;
  for (const line of into) {
    if (line === '-') {
      lost++;
      continue;
    }
    const [, timestamp = '', payload = '', marker] = /^(\d+) ([0-9a-f ]*?) ?(M)?$/.exec(line) ?? [];
    // Bytes around it that are none of its business.
    const bytes = Uint8Array.of(0xee, ...hex(payload), 0xee);
    d.push(bytes, 1, bytes.length - 1, marker === 'M', Number(timestamp), lost);
    lost = 0;
  }
  return out;
}
