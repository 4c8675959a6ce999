/** An archive on a disk in memory with an index in a real SQLite file, and media to put into it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Opened } from '#archive/library/library';
import { LibraryOfFolder } from '#archive/library/service';
import { Recorder, type RecorderHooks, type RecorderOptions } from '#archive/recorder/recorder';
import { WriteBudget } from '#archive/recorder/write-budget';
import type { Fault } from '#core/errors';
import { FakeFiles } from '#fake/files';
import { type FakeWorld, fakeWorld, settle } from '#fake/world';
import { openDatabase } from '#host/database';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';

export const folder = '/archive';
const indexPath = `${folder}/index.sqlite3`;

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

let runs = 0;

/** H.264 at 25 pictures a second, with AAC or without. */
export function makeRun(options: { audio?: boolean; pps?: string } = {}): Run {
  const video = {
    kind: 'video',
    codec: 'h264',
    timescale: 90_000,
    width: 640,
    height: 360,
    parameterSets: [hex('67640016acd940a02ff9610000030001000003003c8f162d96'), hex(options.pps ?? '68ebe3cb22c0')],
    codecText: 'avc1.640016',
    framerate: 25,
  } as const;
  const audio = {
    kind: 'audio',
    codec: 'aac',
    timescale: 48_000,
    sampleRate: 48_000,
    channels: 1,
    config: hex('1188'),
    codecText: 'mp4a.40.2',
    samplesPerUnit: 1024,
  } as const;
  return { id: ++runs, tracks: options.audio ? [video, audio] : [video] };
}

export interface Footage {
  readonly run: Run;
  /** Wall clock of media time 0 of the run. */
  readonly startMs: number;
  /** Seconds of the run. */
  readonly from: number;
  readonly to: number;
  /** Pictures in a group; 50 is two seconds. */
  readonly gop?: number;
  readonly bytes?: number;
}

/** Units in the order of their times. A picture's first bytes tell its number. */
export function* units({ run, startMs, from, to, gop = 50, bytes = 400 }: Footage): Generator<AccessUnit> {
  let sound = Math.ceil((from * 48_000) / 1024);
  const hasAudio = run.tracks.length > 1;
  for (let n = Math.round(from * 25); n < Math.round(to * 25); n++) {
    // No zeros: a NAL unit has no three of them in a row, and a start after a crash knows that.
    const data = new Uint8Array(bytes).fill(0xa5);
    const view = new DataView(data.buffer);
    view.setUint32(0, bytes - 4);
    data[4] = n % gop === 0 ? 0x65 : 0x41;
    view.setUint32(5, n);
    const at = n / 25;
    yield {
      run,
      track: 0,
      pts: n * 3600,
      dts: n * 3600,
      wallMs: startMs + at * 1000,
      keyframe: n % gop === 0,
      data,
      lost: 0,
    };
    for (; hasAudio && (sound * 1024) / 48_000 < at + 0.04; sound++) {
      const dts = sound * 1024;
      const wallMs = startMs + dts / 48;
      yield {
        run,
        track: 1,
        pts: dts,
        dts,
        wallMs,
        keyframe: true,
        data: new Uint8Array(40).fill(sound & 0xff),
        lost: 0,
      };
    }
  }
}

/** Real SQLite files behind the paths of the disk in memory. */
const scratch = mkdtempSync(join(tmpdir(), 'ocellus-archive-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let databases = 0;

export class Rig {
  readonly files = new FakeFiles();
  readonly world: FakeWorld;
  readonly said: string[] = [];
  readonly troubles: Fault[] = [];
  options: RecorderOptions = {
    fileBytes: 16e6,
    fileSeconds: 300,
    syncSeconds: 2,
    limits: { limits: { max_size_gb: 1 }, tracks: {} },
  };
  budget = new WriteBudget(1e8, 1e7);
  library: LibraryOfFolder;
  recorder!: Recorder;
  opened!: Opened;
  dead: Fault | undefined;
  #database = '';

  constructor() {
    this.world = fakeWorld({
      files: this.files,
      openDatabase: () => {
        // The index that somebody deleted is a new file.
        if (!this.files.entries.has(indexPath) || !existsSync(this.#database))
          this.#database = join(scratch, `${++databases}.sqlite3`);
        this.files.put(indexPath, new Uint8Array());
        return openDatabase(this.#database);
      },
    });
    this.library = new LibraryOfFolder(this.world);
  }

  /** `linked`: tracks that have a source from the beginning. */
  async open(linked: readonly string[] = ['cam1']): Promise<this> {
    this.library = new LibraryOfFolder(this.world);
    this.opened = await this.library.open(folder);
    const hooks: RecorderHooks = {
      gapStarted: g => void this.said.push(`+${g.reason}`),
      gapEnded: g => void this.said.push(`-${g.reason}`),
      locksEnded: locks => void this.said.push(...locks.map(l => `ended ${l.id}`)),
      full: state => void this.said.push(`full ${state}`),
      slow: state => void this.said.push(`slow ${state}`),
      trouble: (_, fault) => void this.troubles.push(fault),
      recovered: () => void this.said.push('recovered'),
    };
    const onDead = (fault: Fault): void => {
      this.dead = fault;
    };
    this.recorder = new Recorder(
      this.world,
      folder,
      this.library,
      this.opened,
      () => this.options,
      hooks,
      onDead,
      this.budget,
    );
    for (const track of linked) this.recorder.track(track);
    this.recorder.noteUnlinked();
    return this;
  }

  /** Feeds footage while the clocks go along with it. */
  async record(track: string, footage: Footage): Promise<void> {
    const sink = this.recorder.track(track);
    let next = 0;
    for (const u of units(footage)) {
      const wall = u.wallMs - this.world.clock.wallMs();
      if (wall > 0) next = Math.max(next, wall);
      if (next >= 250) {
        await this.pass(next);
        next = 0;
      }
      sink.unit(u);
    }
    await this.pass(250);
  }

  /** Time with ticks. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      await this.world.clock.pass(Math.min(250, left));
      this.recorder.tick();
      await settle();
    }
  }

  async stop(): Promise<void> {
    const told = await this.recorder.stop();
    await (told ? this.library.close() : this.library.abandon());
  }

  /** The process dies; what the disk accepted stays. */
  kill(): void {
    this.files.kill();
  }

  removeIndex(): void {
    this.files.entries.delete(indexPath);
  }

  segments(): string[] {
    return [...this.files.entries.keys()]
      .filter(p => p.endsWith('.mp4'))
      .map(p => p.slice(folder.length + 1))
      .sort();
  }

  async timeline(track: string, begin?: number, end?: number): Promise<string[]> {
    const { timeline } = await this.library.channelSummary(track, { beginMs: begin, endMs: end });
    return timeline.map(([b, e]: readonly string[]) => `${clock(b)} ${clock(e)}`);
  }
  async gaps(track: string): Promise<string[]> {
    const gaps = await this.library.gaps(track, { beginMs: undefined, endMs: undefined });
    return gaps.map(g => `${clock(g.begin)} ${clock(g.end)} ${g.reason}`);
  }
}

/** Minutes, seconds and milliseconds. */
export const clock = (iso: string | undefined): string => iso?.slice(14, 23) ?? '';

/** The fake clock's beginning. */
export const t0 = Date.UTC(2026, 0, 1);
