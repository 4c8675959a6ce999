/** Emulated cameras for benches: tools/rtspload, compiled where it is needed, with numbered pictures. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../rtspload/', import.meta.url));

const must = (command: string, args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.slice(-500)}`);
};

export interface Load {
  readonly port: number;
  /** How late the generator itself was, milliseconds; a run above 5 on average is thrown away. */
  lateMs(): { readonly average: number; readonly most: number };
  stop(): Promise<void>;
}

/** The generator and its media (1080p25 H.264 of 4.2 Mbit/s with AAC), made once per folder. */
export function prepareLoad(folder: string): { program: string; media: string } {
  mkdirSync(folder, { recursive: true });
  const program = `${folder}/rtspload`;
  if (!existsSync(program) || statSync(program).mtimeMs < statSync(`${source}rtspload.c`).mtimeMs)
    must('cc', ['-O2', '-o', program, `${source}rtspload.c`, '-lm']);
  if (!existsSync(`${folder}/cam1080.h264`)) must('sh', [`${source}mkmedia.sh`, folder]);
  return { program, media: `h264=${folder}/cam1080.h264,aac=${folder}/cam.aac` };
}

export async function startLoad(
  folder: string,
  cameras: number,
  port: number,
  extra: readonly string[] = [],
): Promise<Load> {
  const { program, media } = prepareLoad(folder);
  const child: ChildProcess = spawn(
    program,
    ['--media', media, '-n', String(cameras), '--port', String(port), '--sei', '--stats', '1', ...extra],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let late = { average: 0, most: 0 };
  let text = '';
  child.stdout?.on('data', (piece: Buffer) => {
    text += piece.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const average = Number(/"late_ms_avg":([\d.]+)/.exec(line)?.[1] ?? 0);
      const most = Number(/"late_ms_max":([\d.]+)/.exec(line)?.[1] ?? 0);
      late = { average: Math.max(late.average, average), most: Math.max(late.most, most) };
    }
  });
  await new Promise(r => setTimeout(r, 300));
  if (child.exitCode !== null) throw new Error(`the generator ended at once, with exit code ${child.exitCode}`);
  return {
    port,
    lateMs: () => late,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Numbers of the pictures in recorded files of one camera, in file order, read from the SEI that survives stream copy. */
export function pictureNumbers(files: readonly string[], camera: number): number[] {
  const numbers: number[] = [];
  const mark = Buffer.from(`cam=${String(camera).padStart(5, '0')} au=`);
  for (const file of files) {
    const bytes = readFileSync(file);
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1))
      numbers.push(Number(bytes.toString('latin1', at + mark.length, at + mark.length + 12)));
  }
  return numbers;
}

/** Lost, repeated or out-of-order pictures in a sequence that should count up by one. */
export function disorder(numbers: readonly number[]): number {
  let wrong = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i] !== (numbers[i - 1] ?? 0) + 1) wrong++;
  return wrong;
}

export const mp4Files = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter(f => f.endsWith('.mp4'))
    .sort()
    .map(f => `${folder}/${f}`);
