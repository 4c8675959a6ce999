/** ffprobe and ffmpeg about one recorded file: what is wrong with it, if anything. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cell } from './cells.ts';
import { framerate } from './media.ts';

const run = promisify(execFile);
const options = { encoding: 'utf8', maxBuffer: 1 << 27, timeout: 60_000 } as const;
const codecs = { h264: 'h264', h265: 'hevc', mjpeg: 'mjpeg', aac: 'aac', opus: 'opus', pcmu: 'pcm_mulaw' } as const;

interface Probed {
  readonly streams: readonly { readonly codec_name: string; readonly codec_type: string; readonly index: number }[];
  readonly packets: readonly {
    readonly stream_index: number;
    readonly pts_time?: string;
    readonly duration_time?: string;
  }[];
}

/** Seconds of one unit, where ffprobe does not say: AAC of 48 kHz, Opus of 20 ms, as media.ts has them made. */
const lengthsS: Readonly<Record<string, number>> = { aac: 1024 / 48_000, opus: 0.02 };
/** Times are whole ticks in the file: more than this is another time. */
const toleranceS = 0.003;
/** Video may end a picture before its sound; G.711 of GStreamer comes in packets of a sixth of a second. */
const endsApartS = 0.5;

/** `seconds`: the least that must be there. */
export async function verdictOn(file: string, cell: Cell, seconds: number): Promise<string | undefined> {
  const entries = 'stream=index,codec_name,codec_type:packet=stream_index,pts_time,duration_time';
  const probed = await said('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', file]);
  if ('complaint' in probed) return probed.complaint;
  const { streams, packets } = JSON.parse(probed.text) as Probed;
  const expected = [cell.video, ...(cell.audio === 'none' ? [] : [cell.audio])].map(k => codecs[k]).join();
  const got = streams.map(s => s.codec_name).join();
  if (got !== expected) return `expected ${expected}, got ${got}`;
  const lasts: number[] = [];
  for (const { index, codec_name, codec_type } of streams) {
    const own = packets.filter(p => p.stream_index === index);
    const starts = own.map(p => Number(p.pts_time));
    const lengths = own.map(p => Number(p.duration_time ?? lengthsS[codec_name]));
    const total = lengths.reduce((sum, s) => sum + s, 0);
    if (codec_type === 'video' && own.length < seconds * framerate)
      return `${own.length} pictures, expected ${seconds * framerate} or more`;
    if (total < seconds) return `${total.toFixed(2)} s of ${codec_type}, expected ${seconds} or more`;
    for (let i = 1; i < own.length; i++) {
      const step = (starts[i] ?? 0) - (starts[i - 1] ?? 0);
      const wanted = codec_type === 'video' ? 1 / framerate : (lengths[i - 1] ?? 0);
      // The first packet of Opus out of Ogg is shorter by the encoder's delay (RFC 7845 4.2).
      if (codec_name === 'opus' && i === 1 && step > 0 && step < wanted) continue;
      if (!(Math.abs(step - wanted) <= toleranceS))
        return `${codec_type}: unit ${i} comes ${step.toFixed(3)} s after the one before, expected ${wanted.toFixed(3)}`;
    }
    lasts.push(total);
  }
  const [video = 0, audio = video] = lasts;
  if (Math.abs(video - audio) > endsApartS) return `${video.toFixed(2)} s of video, ${audio.toFixed(2)} s of audio`;
  const passthrough = ['-vsync', 'passthrough', '-enc_time_base', '-1'];
  const decoded = await said('ffmpeg', [
    '-v',
    'error',
    '-xerror',
    '-nostdin',
    '-i',
    file,
    ...passthrough,
    '-f',
    'null',
    '-',
  ]);
  return 'complaint' in decoded ? decoded.complaint : undefined;
}

async function said(program: string, args: readonly string[]): Promise<{ text: string } | { complaint: string }> {
  try {
    const { stdout, stderr } = await run(program, [...args], options);
    return stderr.trim() === '' ? { text: stdout } : { complaint: `${program}: ${stderr.trim().split('\n')[0]}` };
  } catch (e) {
    const { stderr = '', message = '' } = e as { stderr?: string; message?: string };
    return { complaint: `${program}: ${(stderr.trim() || message).split('\n')[0]}` };
  }
}
