/** One process with an archive on the forgetful disk: from its start to its death, with a clock of its own. */
import { LibraryOfFolder } from '#archive/library/service';
import { Recorder, type RecorderOptions } from '#archive/recorder/recorder';
import { WriteBudget } from '#archive/recorder/write-budget';
import type { ForgetfulDisk, Life } from '#fake/forgetful-disk';
import { FakeClock, type FakeWorld, fakeWorld, settle } from '#fake/world';
import type { Camera } from './pictures.ts';

export const folder = '/archive';
const sliceMs = 250;
/** A picture may wait so long for its fragment to be cut. */
const heldMs = 2000;

export class Process implements Life {
  dead = false;
  steps = 0;
  dieAt: number;
  died = '';
  readonly world: FakeWorld;
  readonly library: LibraryOfFolder;
  readonly options: RecorderOptions;
  recorder!: Recorder;
  unclean = false;
  /** Faults that the recorder told, and what the index refused. */
  readonly troubles: string[] = [];
  /** Limits are passed and nothing may be deleted: what comes is dropped, with a gap. */
  #isFull = false;
  #opening: Promise<void> | undefined;

  /** `dieAt`: the operation it dies in; 0: in none. */
  constructor(disk: ForgetfulDisk, wallMs: number, dieAt: number, options: RecorderOptions) {
    this.dieAt = dieAt;
    this.options = options;
    this.world = fakeWorld({
      clock: new FakeClock(wallMs),
      files: disk.files(this),
      openDatabase: path => disk.openDatabase(this, path),
    });
    this.library = new LibraryOfFolder(this.world);
  }

  wallMs(): number {
    return this.world.clock.wallMs();
  }
  before(): void {}

  /** False: it died on the way. */
  async start(cameras: readonly Camera[]): Promise<boolean> {
    let failed: unknown;
    this.#opening = this.#open(cameras).catch((e: unknown) => {
      failed = e;
    });
    await this.#until(this.#opening);
    if (failed && !this.dead) throw failed;
    return !this.dead;
  }

  async #open(cameras: readonly Camera[]): Promise<void> {
    const opened = await this.library.open(folder);
    this.unclean = opened.unclean;
    const nothing = (): void => {};
    const hooks = {
      gapStarted: nothing,
      gapEnded: nothing,
      locksEnded: nothing,
      full: (state: boolean) => {
        this.#isFull = state;
      },
      slow: nothing,
      trouble: (_: string, fault: Error) => void this.troubles.push(fault.message),
      recovered: nothing,
    };
    const dead = (fault: Error): void => void this.troubles.push(`dead: ${fault.message}`);
    const budget = new WriteBudget(1e8, 1e7);
    const { world, library, options } = this;
    this.recorder = new Recorder(world, folder, library, opened, () => options, hooks, dead, budget);
    for (const camera of cameras) this.recorder.track(camera.name);
    this.recorder.noteUnlinked();
  }

  /** Time with ticks and pictures. */
  async pass(ms: number, cameras: readonly Camera[] = []): Promise<void> {
    for (let left = ms; left > 0 && !this.dead; left -= sliceMs) {
      const { clock } = this.world;
      for (const camera of cameras) {
        const track = this.recorder.track(camera.name);
        camera.feed(track, clock.wallMs(), clock.monotonicMs());
        if (this.#isFull || track.dropping !== undefined) camera.excuse(clock.monotonicMs() - heldMs);
      }
      await clock.pass(Math.min(sliceMs, left));
      this.recorder.tick();
      await settle();
    }
  }

  /** In order, or dead on the way. */
  async stop(): Promise<boolean> {
    await this.#until(this.recorder.stop().then(told => (told ? this.library.close() : this.library.abandon())));
    return !this.dead;
  }

  /** What somebody asks of the library; undefined when it died meanwhile. */
  async ask<T>(answer: Promise<T>): Promise<T | undefined> {
    let got: T | undefined;
    let failed: unknown;
    const asked = answer.then(
      a => {
        got = a;
      },
      (e: unknown) => {
        failed = e;
      },
    );
    await this.#until(asked);
    if (failed && !this.dead) throw failed;
    return this.dead ? undefined : got;
  }

  async #until(work: Promise<void>): Promise<void> {
    let isDone = false;
    let failed: unknown;
    void work.then(
      () => {
        isDone = true;
      },
      (e: unknown) => {
        isDone = true;
        failed = e;
      },
    );
    for (let turns = 0; !isDone && !this.dead; turns++) {
      if (turns > 4000) throw new Error('it never came to an end');
      await this.world.clock.pass(20);
    }
    if (failed && !this.dead) throw failed;
  }
}
