/**
 * Programs that tests judge us by: ffmpeg, a browser, GStreamer. A test whose peer is absent
 * is skipped and names it; with OCELLUS_PEERS=required it fails instead.
 *
 *     test('ffprobe agrees', { skip: needPeer('ffprobe') }, () => ...)
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';

/** What must be in PATH, or else succeed, for a peer to count as present. */
const probes: Readonly<Record<string, () => boolean>> = {
  'gst-rtsp-server': () =>
    spawnSync('/usr/bin/python3', [
      '-c',
      "import gi; gi.require_version('GstRtspServer','1.0'); from gi.repository import GstRtspServer",
    ]).status === 0,
  'network-namespace': () => spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up']).status === 0,
  'python3-autobahn': () => spawnSync('/usr/bin/python3', ['-c', 'import autobahn']).status === 0,
};

const known = new Map<string, boolean>();

/** The value for a test's `skip`: false if the peer is here, else the reason. Throws when peers are required. */
export function needPeer(...names: readonly string[]): false | string {
  const missing = names.filter(name => !hasPeer(name));
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(', ')}, which this machine has not`;
  if (process.env['OCELLUS_PEERS'] === 'required') throw new Error(reason);
  return reason;
}

export function hasPeer(name: string): boolean {
  let here = known.get(name);
  if (here === undefined) {
    here = (probes[name] ?? (() => pathOf(name) !== undefined))();
    known.set(name, here);
  }
  return here;
}

/** Where a program is, or undefined. */
export function pathOf(program: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {} // not in this folder: look on
  }
  return undefined;
}

/** Runs a peer to its end; a non-zero exit fails the test with what it said. */
export function runPeer(program: string, args: readonly string[], input?: Uint8Array): Uint8Array {
  const done = spawnSync(program, args, { input, maxBuffer: 1 << 28, timeout: 60_000 });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${done.status}\n${done.stderr}`);
  return new Uint8Array(done.stdout);
}

/** A folder that is gone after the tests of this file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a file of test media holds. The same wishes give the same media on one machine. */
export interface MediaWishes {
  readonly video?: 'h264' | 'h265';
  readonly audio?: 'aac';
  readonly seconds?: number;
  readonly framerate?: number;
  readonly size?: string;
  /** Pictures from key frame to key frame. */
  readonly gop?: number;
  readonly bframes?: number;
  /** Further inputs behind those of video and audio, e.g. `['-i', 'lines.srt']`. */
  readonly inputs?: readonly string[];
  /** Further output options, e.g. `['-movflags', 'frag_keyframe+empty_moov']`. */
  readonly more?: readonly string[];
}

/** Makes a media file with ffmpeg and returns its bytes. `extension` decides the container. */
export function makeMedia(extension: string, wishes: MediaWishes): Uint8Array {
  const { seconds = 2, framerate = 25, size = '320x180', gop = 25, bframes = 0, more = [] } = wishes;
  const x265 = `log-level=error:keyint=${gop}:min-keyint=${gop}:bframes=${bframes}`;
  const args = ['-v', 'error', '-y'];
  if (wishes.video) args.push('-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${framerate}:duration=${seconds}`);
  if (wishes.audio) args.push('-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`);
  args.push(...(wishes.inputs ?? []));
  if (wishes.video === 'h264')
    args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-bf', `${bframes}`, '-g', `${gop}`, '-pix_fmt', 'yuv420p');
  if (wishes.video === 'h265')
    args.push('-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x265-params', x265);
  if (wishes.audio) args.push('-c:a', 'aac', '-b:a', '64k');
  args.push(...more);
  const folder = join(tmpdir(), `ocellus-media-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `media.${extension}`);
  try {
    runPeer('ffmpeg', [...args, path]);
    return new Uint8Array(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** ffprobe's answer as JSON about bytes in a file of that extension; `args` such as `-show_packets`. */
export function probe(bytes: Uint8Array, args: readonly string[], extension = 'mp4'): any {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-probe-'));
  try {
    const path = join(folder, `probed.${extension}`);
    writeFileSync(path, bytes);
    const out = spawnSync('ffprobe', ['-v', 'error', '-of', 'json', ...args, path], { maxBuffer: 1 << 28 });
    const complaints = String(out.stderr).trim();
    if (out.status !== 0 || complaints !== '') throw new Error(`ffprobe ${args.join(' ')}: ${complaints}`);
    return JSON.parse(String(out.stdout));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
