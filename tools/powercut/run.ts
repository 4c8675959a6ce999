/**
 * One archive by seed: cameras, and at random everything that an archive can do at once; death in some operation, by a kill
 * or a power cut; a new start, which may die too; and after every start the question whether anything is lost that was promised.
 */
import { checkArchive, verifyArchive } from '#archive/library/offline';
import { ForgetfulDisk } from '#fake/forgetful-disk';
import { SeededRandom } from '#fake/world';
import { indexPath, type ListedFile, look, picturesOf, type Snapshot } from './judge.ts';
import { folder, Process } from './life.ts';
import { Camera, pictureMs } from './pictures.ts';

export interface Outcome {
  readonly seed: number;
  deaths: number;
  steps: number;
  /** What was done, for a reader of a failure. */
  readonly story: string[];
  readonly wrong: string[];
}

/** Of `sync_seconds`, in the tests. */
const syncSeconds = 3;
/** A fragment that is being cut, and the time that the disk takes. */
const killMs = 2250;
const powerMs = syncSeconds * 1000 + 1250;
/** About as many operations as one life has. */
const usualSteps = 700;

export interface Plan {
  /** Dies in this operation of its first life instead of a random one. */
  readonly dieAt?: number;
  readonly how?: 'kill' | 'powerCut';
}

export async function runSeed(seed: number, plan: Plan = {}): Promise<Outcome> {
  const story = new Story(seed, plan);
  try {
    await story.tell();
  } catch (e) {
    story.outcome.wrong.push(`it failed: ${e instanceof Error ? e.stack : String(e)}`);
  } finally {
    story.disk.end();
  }
  return story.outcome;
}

class Story {
  readonly outcome: Outcome;
  readonly disk: ForgetfulDisk;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #cameras: Camera[];
  #process!: Process;
  #wallMs = Date.UTC(2026, 0, 31, 23, 59, 20);
  /** Pictures that were seen listed; those that were seen to be deleted. */
  readonly #known = new Map<string, Set<number>>();
  readonly #gone = new Map<string, Set<number>>();
  /** Wall clock of each picture. */
  readonly #deletions: { readonly track: string; readonly beginMs: number; readonly endMs: number }[] = [];
  readonly #lockedSpans: { readonly track: string; readonly beginMs: number; readonly endMs: number }[] = [];
  #deleting = 0;
  readonly #locks = new Map<string, { isSure: boolean; pictures: Set<number>; track: string }>();
  readonly #taken = new Set<string>();
  readonly #takenPictures = new Map<string, Set<number>>();
  #indexTaken = false;
  /** A deletion died without its index: the piece that it had copied is there beside the file it is a copy of. */
  #mayHaveCopies = false;
  #isClean = true;
  /** Monotonic time of the death that is not judged yet, and until when what was handed over must have been kept. */
  #diedAt: number | undefined;
  #keptUntil = Number.POSITIVE_INFINITY;
  #hasLimit = false;
  #lockIds = 0;

  constructor(seed: number, plan: Plan) {
    this.outcome = { seed, deaths: 0, steps: 0, story: [], wrong: [] };
    this.#plan = plan;
    this.#random = new SeededRandom(seed * 7919);
    for (let i = 0; i < 5; i++) this.#random.unit();
    this.disk = new ForgetfulDisk(this.#random);
    const count = 1 + this.#random.below(3);
    this.#cameras = Array.from(
      { length: count },
      (_, i) => new Camera(i, this.#random.below(3) === 0, 3 + this.#random.below(8)),
    );
  }

  async tell(): Promise<void> {
    const lives = this.#plan.dieAt === undefined ? 2 + this.#random.below(2) : 1;
    for (let life = 0; life < lives; life++) {
      const dieAt = (life === 0 ? this.#plan.dieAt : undefined) ?? 1 + this.#random.below(usualSteps);
      if (!(await this.#start(dieAt)) || !(await this.#live())) await this.#die();
      else if (this.#random.below(4) === 0) {
        this.#say('clean stop');
        if (await this.#process.stop()) {
          this.#isClean = true;
          this.#keep(Number.POSITIVE_INFINITY);
        } else await this.#die();
      } else await this.#die();
      if (this.outcome.wrong.length > 0) return;
      // A start that dies, and the one that does not.
      if (!this.#isClean && this.#random.below(2) === 0) {
        await this.#start(1 + this.#random.below(60));
        await this.#die();
      }
      if (this.outcome.wrong.length > 0) return;
      await this.#judgeStart();
      if (this.outcome.wrong.length > 0) return;
    }
    await this.#withoutIndex();
  }

  #say(what: string): void {
    const p = this.#process;
    this.outcome.story.push(p ? `${p.steps} ${isoOf(p.wallMs())}: ${what}` : what);
  }
  #wrong(what: string): void {
    this.outcome.wrong.push(what);
  }

  async #start(dieAt: number): Promise<boolean> {
    this.outcome.steps += this.#process?.steps ?? 0;
    this.#process = new Process(this.disk, this.#wallMs, dieAt, {
      fileBytes: 16e6,
      fileSeconds: 2 + this.#random.below(8),
      syncSeconds,
      limits: this.#limits(),
    });
    for (const camera of this.#cameras) {
      camera.reconnect(this.#random.below(3) === 0);
      camera.isEnding = false;
    }
    this.#say(`start at ${isoOf(this.#wallMs)}, dies in ${dieAt}`);
    const lives = await this.#process.start(this.#cameras);
    this.#wallMs = this.#process.wallMs();
    if (lives && this.#isClean && this.#process.unclean) this.#wrong('a clean stop was none');
    this.#isClean = false;
    return lives;
  }

  #limits(): Process['options']['limits'] {
    this.#hasLimit ||= this.#random.below(3) === 0;
    return { limits: { max_size_gb: this.#hasLimit ? 0.00015 : 1 }, tracks: {} };
  }

  /** False: it died. */
  async #live(): Promise<boolean> {
    const p = this.#process;
    const turns = 8 + this.#random.below(30);
    for (let turn = 0; turn < turns && !p.dead; turn++) {
      this.#act(this.#random.below(28));
      await p.pass(250 * (1 + this.#random.below(6)), this.#cameras);
      if (this.outcome.wrong.length > 0) return true;
      if (!p.dead && this.#random.below(3) === 0) this.#observe();
    }
    this.#wallMs = p.wallMs();
    return !p.dead;
  }

  #pick(): Camera {
    return this.#cameras[this.#random.below(this.#cameras.length)] as Camera;
  }

  #act(what: number): void {
    const p = this.#process;
    const camera = this.#pick();
    const track = camera.name;
    switch (what) {
      case 0:
      case 1:
        this.#say(`${track} connects anew`);
        camera.reconnect(this.#random.below(2) === 0);
        break;
      case 2:
      case 3:
        if (camera.isEnding) break;
        camera.isOn = !camera.isOn;
        this.#say(`${track} ${camera.isOn ? 'is back' : 'is away'}`);
        camera.reconnect();
        if (!camera.isOn) p.recorder.track(track).gap({ reason: 'camera-unreachable', atMs: p.wallMs() });
        break;
      case 4:
        this.#say(`${track} ends its file`);
        p.recorder.endFile(track);
        break;
      case 5:
      case 6:
      case 7:
        void this.#delete(camera);
        break;
      case 8:
      case 9:
        void this.#lock(camera);
        break;
      case 10:
        void this.#unlock();
        break;
      case 11:
        this.#say('rescan');
        void p.ask(p.library.rescan());
        break;
      case 12:
        this.#takeFile();
        break;
      case 13:
        if (this.#random.below(3) > 0 || this.#indexTaken || this.#deleting > 0) break;
        this.#observe();
        if (this.disk.look(indexPath) === undefined) break;
        this.#say('index deleted by hand');
        this.#indexTaken = true;
        this.disk.take(indexPath);
        break;
      case 14:
        this.#say(`${track} asked for`);
        void p
          .ask(p.library.playlist(track, { beginMs: undefined, endMs: undefined }, 'fmp4'))
          .catch((e: Error) => /no footage|not|no /i.test(e.message) || this.#wrong(e.message));
        break;
      case 15: {
        if (!this.#hasLimit) break;
        const size = 0.00005 * (1 + this.#random.below(4));
        this.#say(`limit ${size}`);
        Object.assign(p.options, { limits: { limits: { max_size_gb: size }, tracks: {} } });
        break;
      }
      case 16:
        this.#say(`${track} removed`);
        camera.isEnding = true;
        void p.ask(p.recorder.remove(track, 'config-change')).then(() => {
          camera.isEnding = p.dead;
        });
        camera.reconnect();
        break;
      default:
    }
  }

  async #delete(camera: Camera): Promise<void> {
    const { library } = this.#process;
    if (camera.next < 5) return;
    this.#observe();
    const track = camera.name;
    const at = (n: number): number => wallOf(camera, n);
    const from = this.#random.below(camera.next);
    const beginMs = at(from);
    const endMs = at(Math.min(camera.next - 1, from + 1 + this.#random.below(60))) + 1;
    if (!(endMs > beginMs)) return;
    this.#say(`delete ${track} ${beginMs - this.#wallMs} ${endMs - this.#wallMs}`);
    this.#deletions.push({ track, beginMs, endMs });
    this.#deleting++;
    if (this.#random.below(2) === 0) this.#process.recorder.endFile(track);
    const p = this.#process;
    try {
      const done = await p.ask(library.deleteRange(track, { beginMs, endMs }));
      if (done) {
        this.#say(`deleted ${JSON.stringify(done.deleted)}`);
        this.#observe();
      }
    } catch (e) {
      if (!/no track|not found|closed|not open/.test(String(e))) this.#wrong(`deletion: ${String(e)}`);
    } finally {
      if (!p.dead) this.#deleting--;
    }
  }

  async #lock(camera: Camera): Promise<void> {
    const p = this.#process;
    if (camera.next < 5) return;
    this.#observe();
    const id = `L${++this.#lockIds}`;
    const from = this.#random.below(camera.next);
    const [beginMs, endMs] = [wallOf(camera, from), wallOf(camera, Math.min(camera.next - 1, from + 40)) + 1];
    if (!(endMs > beginMs)) return;
    const track = camera.name;
    const mine = { isSure: false, pictures: new Set<number>(), track };
    this.#locks.set(`${track} ${id}`, mine);
    this.#lockedSpans.push({ track, beginMs, endMs });
    try {
      const made = await p.ask(
        p.library.lock({ track, id, beginMs, endMs, reason: 'seed', untilMs: null, by: 'judge' }),
      );
      if (!made) return;
      this.#say(`locked ${track} ${id}`);
      const now = look(this.disk, this.#cameras, this.#taken);
      for (const file of now?.files ?? [])
        if (file.track === track)
          for (const n of file.pictures)
            if (wallOf(camera, n) >= beginMs && wallOf(camera, n) < endMs) mine.pictures.add(n);
      mine.isSure = true;
    } catch (e) {
      this.#locks.delete(`${track} ${id}`);
      if (!/no track|not open/.test(String(e))) this.#wrong(`lock: ${String(e)}`);
    }
  }

  async #unlock(): Promise<void> {
    const p = this.#process;
    const sure = [...this.#locks].filter(([, l]) => l.isSure);
    const [name] = sure[this.#random.below(Math.max(1, sure.length))] ?? [];
    if (name === undefined) return;
    const [track = '', id = ''] = name.split(' ');
    this.#say(`unlock ${name}`);
    const lock = this.#locks.get(name);
    if (lock) lock.isSure = false;
    if (await p.ask(p.library.unlock(track, id, 'judge'))) {
      this.#locks.delete(name);
      const now = look(this.disk, this.#cameras, this.#taken);
      if (now?.locks.has(name)) this.#wrong(`${name} was unlocked and is there`);
    }
  }

  #takeFile(): void {
    const now = look(this.disk, this.#cameras, this.#taken);
    const files = now?.files.filter(f => !f.open && !f.locked) ?? [];
    const file = files[this.#random.below(Math.max(1, files.length))];
    if (!file || this.#deleting > 0) return;
    this.#say(`${file.name} taken by hand`);
    this.disk.take(`${folder}/${file.name}`);
    this.#taken.add(file.name);
    const taken = setOf(this.#takenPictures, file.track);
    for (const n of file.pictures) taken.add(n);
  }

  /** Dead already, or now. */
  async #die(): Promise<void> {
    const p = this.#process;
    for (const { event, facts } of p.world.log.lines) this.#say(`  ${event} ${JSON.stringify(facts)}`);
    const how = this.#plan.how ?? (this.#random.below(2) === 0 ? 'kill' : 'powerCut');
    this.disk.kill(p);
    this.#wallMs = p.wallMs();
    // What is listed must be on the medium, whatever comes.
    this.outcome.wrong.push(...(look(this.disk, this.#cameras, this.#taken)?.wrong ?? []));
    if (how === 'powerCut') this.disk.powerCut();
    this.outcome.deaths++;
    this.#say(`${how} in ${p.died || 'nothing'} at ${isoOf(this.#wallMs)}`);
    // A power cut after a kill takes what nobody has flushed since.
    this.#diedAt ??= p.world.clock.monotonicMs();
    this.#keptUntil = Math.min(this.#keptUntil, this.#diedAt - (how === 'kill' ? killMs : powerMs));
    this.#wallMs += 500 + this.#random.below(4000);
    if (this.#indexTaken) {
      // What was condemned in an index that nobody can read any more may be found again.
      this.#gone.clear();
      this.#mayHaveCopies = true;
      this.#indexTaken = false;
    }
  }

  /** A start that lives: everything must be as it was promised. */
  async #judgeStart(): Promise<void> {
    const before = this.#hasLimit;
    if (!(await this.#start(0))) return;
    const p = this.#process;
    await p.ask(p.library.walked());
    await p.pass(6500);
    await this.#settled();
    this.#deleting = 0;
    this.#keep(this.#keptUntil);
    const now = this.#observe();
    if (!now) return this.#wrong('there is no index');
    for (const camera of this.#cameras) this.#judgeLoss(camera, now, before || this.#hasLimit);
    await this.#judgeFolder(now);
    await this.#judgeCover();
    if (await p.stop()) this.#isClean = true;
    for (const { event, facts } of p.world.log.lines) this.#say(`  ${event} ${JSON.stringify(facts)}`);
    await this.#judgeAtRest();
    this.#wallMs = p.wallMs() + 1000;
    // From here on nothing that outlived this death may be lost any more; what might be lost and was is forgotten.
    for (const camera of this.#cameras) {
      const there = picturesOf(now, camera.name);
      camera.fedAt.forEach((at, n) => {
        if (at !== Number.NEGATIVE_INFINITY) return;
        if (there.has(n)) camera.fedAt[n] = Number.POSITIVE_INFINITY;
        else delete camera.fedAt[n];
      });
    }
  }

  /** Of what was handed over in the last life: what must be there, and what may be. */
  #keep(untilMs: number): void {
    for (const camera of this.#cameras)
      for (let n = camera.next - 1; n >= 0; n--) {
        const at = camera.fedAt[n];
        // What an earlier life had to keep was judged then.
        if (at === Number.POSITIVE_INFINITY) break;
        if (at !== undefined) camera.fedAt[n] = at > untilMs ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
      }
    this.#diedAt = undefined;
    this.#keptUntil = Number.POSITIVE_INFINITY;
  }

  /** Until every file has its hash. */
  async #settled(): Promise<void> {
    for (let i = 0; i < 40; i++) {
      await this.#process.pass(2000);
      const db = this.disk.look(indexPath);
      const left = db?.all('SELECT 1 FROM files WHERE hash IS NULL AND open = 0').length ?? 0;
      db?.close();
      if (left === 0) return;
    }
    this.#wrong('files stay without a hash');
  }

  #judgeLoss(camera: Camera, now: Snapshot, hasLimit: boolean): void {
    const there = picturesOf(now, camera.name);
    const gone = setOf(this.#gone, camera.name);
    const taken = setOf(this.#takenPictures, camera.name);
    const oldest = this.#oldestDeletable(now.files, camera.name);
    const lost: number[] = [];
    camera.fedAt.forEach((at, n) => {
      if (at === Number.NEGATIVE_INFINITY || there.has(n) || gone.has(n) || taken.has(n)) return;
      const wallMs = wallOf(camera, n);
      if (this.#deletions.some(d => d.track === camera.name && wallMs > d.beginMs - 1000 && wallMs < d.endMs + 1000))
        return;
      if (hasLimit && n < oldest) delete camera.fedAt[n];
      if (hasLimit && n < oldest) return;
      lost.push(n);
    });
    for (const n of lost) gone.add(n);
    if (lost.length > 0) this.#say(`handed over ${lost.map(n => isoOf(wallOf(camera, n))).join(' ')}`);
    if (lost.length > 0) this.#wrong(`${camera.name} lost pictures ${listed(lost)} of ${camera.next}`);
  }

  async #judgeFolder({ files, condemned }: Snapshot): Promise<void> {
    if (condemned.length > 0) this.#wrong(`still condemned: ${condemned.join(', ')}`);
    const names = new Set(files.map(f => f.name));
    for (const path of this.disk.names.keys()) {
      const name = path.slice(folder.length + 1);
      if (name.endsWith('.mp4') && !names.has(name) && !this.#mayHaveCopies) this.#wrong(`${name} is not listed`);
    }
    for (const f of files) if (f.open) this.#wrong(`${f.name} is open`);
  }

  async #judgeCover(): Promise<void> {
    const { library } = this.#process;
    for (const { name } of this.#cameras) {
      const known = await this.#process.ask(library.known(name));
      if (!known || known.lastMs === null) continue;
      const range = { beginMs: undefined, endMs: undefined };
      const details = await this.#process.ask(library.channelSummary(name, range));
      const gaps = await this.#process.ask(library.gaps(name, range));
      if (!details || !gaps) continue;
      const spans = [
        ...details.timeline.map(([b = '', e = '']) => [b, e] as const),
        ...gaps.map(g => [g.begin, g.end] as const),
      ];
      spans.sort((x, y) => (x[0] < y[0] ? -1 : 1));
      for (let i = 1; i < spans.length; i++) {
        const ms = Date.parse(spans[i]?.[0] ?? '') - Date.parse(spans[i - 1]?.[1] ?? '');
        if (Math.abs(ms) > 1) this.#wrong(`${name}: ${ms} ms between timeline and gaps at ${spans[i]?.[0]}`);
      }
    }
  }

  /** Nobody runs: what the command line checks must find nothing. */
  async #judgeAtRest(): Promise<void> {
    const p = new Process(this.disk, this.#process.wallMs(), 0, this.#process.options);
    const report = await p.ask(checkArchive(p.world, folder, 'hashes'));
    for (const { file, problem } of report?.problems ?? [])
      if (!this.#taken.has(file) && !(this.#mayHaveCopies && problem === 'not listed'))
        this.#wrong(`check: ${file}: ${problem}`);
    const chains = await p.ask(verifyArchive(p.world, folder));
    for (const { file, problem } of chains?.problems ?? []) this.#wrong(`verify: ${file}: ${problem}`);
  }

  /** At the end the index is deleted, and comes back from files and ledger: the same pictures, the same locks. */
  async #withoutIndex(): Promise<void> {
    const before = look(this.disk, this.#cameras, this.#taken);
    if (!before) return;
    this.#hasLimit = false;
    this.disk.take(indexPath);
    this.#say('index deleted');
    await this.#judgeStart();
    const now = look(this.disk, this.#cameras, this.#taken);
    for (const { name } of this.#cameras) {
      const [had, has] = [picturesOf(before, name), picturesOf(now ?? before, name)];
      const came = [...has].filter(n => !had.has(n));
      const went = [...had].filter(n => !has.has(n));
      if (came.length > 0 && !this.#hasLimit) this.#wrong(`${name}: ${listed(came)} came back with a new index`);
      if (went.length > 0 && !this.#hasLimit) this.#wrong(`${name}: ${listed(went)} went with the index`);
    }
    for (const lock of before.locks) if (!now?.locks.has(lock)) this.#wrong(`the lock ${lock} went with the index`);
    for (const lock of now?.locks ?? [])
      if (!before.locks.has(lock)) this.#wrong(`the lock ${lock} came with a new index`);
  }

  /** What is there now against what was there before. */
  #observe(): Snapshot | undefined {
    const now = look(this.disk, this.#cameras, this.#taken);
    if (!now) return undefined;
    this.#indexTaken = false;
    this.outcome.wrong.push(...now.wrong);
    const rebuilding = this.#isRebuilding();
    for (const camera of this.#cameras) {
      const track = camera.name;
      const there = picturesOf(now, track);
      const [known, gone, taken] = [
        setOf(this.#known, track),
        setOf(this.#gone, track),
        setOf(this.#takenPictures, track),
      ];
      const back = [...there].filter(n => gone.has(n));
      if (back.length > 0) this.#wrong(`${track}: deleted pictures ${listed(back)} are back`);
      if (rebuilding) continue;
      const oldest = this.#oldestDeletable(now.files, track);
      const missing = [...known].filter(n => !there.has(n) && !taken.has(n));
      for (const n of missing) {
        gone.add(n);
        const wallMs = wallOf(camera, n);
        const wanted = this.#deletions.some(
          d => d.track === track && wallMs >= d.beginMs - pictureMs && wallMs <= d.endMs + pictureMs,
        );
        if (!wanted && !(this.#hasLimit && n < oldest)) this.#wrong(`${track}: picture ${n} was listed and is not`);
        for (const [name, lock] of this.#locks)
          if (lock.isSure && lock.track === track && lock.pictures.has(n))
            this.#wrong(`picture ${n}, locked by ${name}, is gone`);
      }
      this.#known.set(track, there);
    }
    for (const [name, lock] of this.#locks)
      if (lock.isSure && !now.locks.has(name)) this.#wrong(`the lock ${name} is gone`);
    return now;
  }

  /** Nothing before it is left but what is locked, or was. */
  #oldestDeletable(files: readonly ListedFile[], track: string): number {
    const wasLocked = (f: ListedFile): boolean =>
      this.#lockedSpans.some(l => l.track === track && l.beginMs < f.endMs && l.endMs > f.beginMs);
    return Math.min(...files.filter(f => f.track === track && !wasLocked(f)).map(f => Math.min(...f.pictures)));
  }

  #isRebuilding(): boolean {
    const db = this.disk.look(indexPath);
    const is = db?.all<{ value: string }>("SELECT value FROM meta WHERE key = 'rebuild'")[0]?.value === '1';
    db?.close();
    return is;
  }
}

const setOf = (sets: Map<string, Set<number>>, name: string): Set<number> => {
  const set = sets.get(name) ?? new Set();
  sets.set(name, set);
  return set;
};

const wallOf = (camera: Camera, n: number): number => camera.wallAt[n] ?? Number.NaN;

const isoOf = (ms: number): string => new Date(ms).toISOString().slice(14, 23);

function listed(numbers: readonly number[]): string {
  return numbers.length <= 4 ? numbers.join(' ') : `${numbers[0]} ... ${numbers.at(-1)} (${numbers.length})`;
}
