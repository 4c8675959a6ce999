/** Command line of the fake camera: see README.md beside it, or --help. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { faultFrom } from '#core/errors';
import { type FakeCamera, startFakeCamera } from './fake-camera.ts';
import { faultTypes, parseFault, sdpVariants } from './faults.ts';
import type { LoginOptions } from './guard.ts';

const help = `node tools/fake-camera/main.ts [options]: RTSP cameras that loop a clip

  --port N            8554; 0 takes any free one
  --host ADDRESS      127.0.0.1
  --cameras N         1; cam0, cam1, ...
  --names A,B         names instead of numbers
  --media SPEC        FILE.mp4, or one video (h264=FILE, h265=FILE in Annex B; mjpeg=FILE of JPEGs in a row; ivf=FILE of AV1
                      or VP8) and one audio (aac=FILE in ADTS; opus=FILE in Ogg; pcmu=FILE, pcma=FILE, bare)[,fps=N];
                      repeat for several, which the cameras play in turn; default: a shipped clip
  --user U --pass P   ask for a login
  --auth S,S          what is offered: Basic, MD5, SHA-256 (default MD5)
  --nonce-s N         nonces are stale after N seconds
  --tcp-only, --udp-only, --multicast-only
  --tls-key FILE --tls-cert FILE   PEM: RTSP over TLS
  --timeout N         60; seconds of silence after which a session ends
  --lenient           RTCP keeps a session alive too
  --mtu N             1400; bytes of an RTP packet at most
  --sr N              5; seconds between sender reports, 0: none
  --ppm X, --ntp-offset S   clock drift; wrong wall clock
  --maxq BYTES        4194304; media that waits for a client, then whole units are dropped
  --no-sei            pictures carry no marks
  --seed N            1; everything random follows it
  --sdp A[-B]=V       odd SDP: ${sdpVariants.join(' ')}
  --fault SPEC        cam=A[-B]|all,type=T,at=S,every=S,dur=S,p=F,v=N,count=N,method=M,variant=V; repeatable. T:
                      ${faultTypes.join(' ')}
  --stats N           a JSON line every N seconds
  --duration N        stop after N seconds
  --stdin             commands: stats, quit, clear, fault SPEC, drop [NAME], rst [NAME], stall S [NAME], stop, start
  --verbose           what happens, one JSON line each, on stderr
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8554' },
      host: { type: 'string', default: '127.0.0.1' },
      cameras: { type: 'string', short: 'n', default: '1' },
      names: { type: 'string' },
      media: { type: 'string', multiple: true, default: [] },
      user: { type: 'string' },
      pass: { type: 'string', default: '' },
      auth: { type: 'string', default: 'MD5' },
      'nonce-s': { type: 'string' },
      'tcp-only': { type: 'boolean' },
      'udp-only': { type: 'boolean' },
      'multicast-only': { type: 'boolean' },
      'tls-key': { type: 'string' },
      'tls-cert': { type: 'string' },
      timeout: { type: 'string', default: '60' },
      lenient: { type: 'boolean' },
      mtu: { type: 'string', default: '1400' },
      sr: { type: 'string', default: '5' },
      ppm: { type: 'string', default: '0' },
      'ntp-offset': { type: 'string', default: '0' },
      maxq: { type: 'string', default: '4194304' },
      'no-sei': { type: 'boolean' },
      seed: { type: 'string', default: '1' },
      sdp: { type: 'string', multiple: true, default: [] },
      fault: { type: 'string', multiple: true, default: [] },
      stats: { type: 'string', default: '0' },
      duration: { type: 'string', default: '0' },
      stdin: { type: 'boolean' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const schemes = values.auth.split(',').map(s => {
    const scheme = (['Basic', 'MD5', 'SHA-256'] as const).find(known => known.toLowerCase() === s.trim().toLowerCase());
    if (!scheme) throw new Error(`--auth: expected Basic, MD5 or SHA-256, got ${s}`);
    return scheme;
  });
  const only = (['tcp', 'udp', 'multicast'] as const).find(t => values[`${t}-only`]);
  const [key, cert] = [values['tls-key'], values['tls-cert']];
  const tls =
    key === undefined || cert === undefined
      ? undefined
      : { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  const nonceSeconds = values['nonce-s'];
  const login: LoginOptions | undefined =
    values.user === undefined
      ? undefined
      : {
          user: values.user,
          password: values.pass,
          schemes,
          ...(nonceSeconds === undefined ? {} : { nonceSeconds: number('nonce-s', nonceSeconds) }),
        };
  const camera = await startFakeCamera({
    port: number('port', values.port),
    host: values.host,
    cameras: values.names === undefined ? number('cameras', values.cameras) : values.names.split(','),
    media: values.media,
    login,
    transports: only ? [only] : ['tcp', 'udp', 'multicast'],
    tls,
    timeoutSeconds: number('timeout', values.timeout),
    keepAlive: values.lenient ? 'anything' : 'requests',
    maxPayload: number('mtu', values.mtu) - 12,
    reportSeconds: number('sr', values.sr),
    ppm: number('ppm', values.ppm),
    ntpOffsetSeconds: number('ntp-offset', values['ntp-offset']),
    queueBytes: number('maxq', values.maxq),
    marks: !values['no-sei'],
    seed: number('seed', values.seed),
    faults: [...values.fault, ...values.sdp.map(sdpFault)],
    ...(values.verbose ? { onEvent: (event, facts) => console.error(JSON.stringify({ event, ...facts })) } : {}),
  });
  for (const name of camera.names) console.log(camera.url(name).replace(/\/\/[^@/]*@/, '//'));

  const quit = async (): Promise<never> => {
    await camera.stop();
    process.exit(0);
  };
  process.once('SIGINT', quit).once('SIGTERM', quit);
  const [statsSeconds, duration] = [number('stats', values.stats), number('duration', values.duration)];
  if (statsSeconds > 0) setInterval(() => printStats(camera), statsSeconds * 1000);
  if (duration > 0) setTimeout(quit, duration * 1000);
  if (values.stdin) {
    const lines = createInterface({ input: process.stdin });
    lines.on('line', line => void command(camera, line.trim(), quit).catch(e => console.error(faultFrom(e).message)));
    lines.once('close', quit);
  }
}

async function command(camera: FakeCamera, line: string, quit: () => Promise<never>): Promise<void> {
  const [word, ...rest] = line.split(/\s+/);
  const name = rest.at(-1) === 'all' ? undefined : rest.at(-1);
  if (word === 'stats') printStats(camera);
  else if (word === 'quit') await quit();
  else if (word === 'clear') camera.clearFaults();
  else if (word === 'fault') camera.fault(parseFault(rest.join('')));
  else if (word === 'drop') camera.drop(name);
  else if (word === 'rst') camera.drop(name, 'rst');
  else if (word === 'stall') camera.stall(number('stall', rest[0] ?? ''), rest.length > 1 ? name : undefined);
  else if (word === 'stop') await camera.stop();
  else if (word === 'start') await camera.start();
  else if (word) console.error(`unknown command: ${word}`);
}

const printStats = (camera: FakeCamera): void =>
  console.log(JSON.stringify({ t: Math.round(performance.now()) / 1000, ...camera.clients, ...camera.counts }));

/** `A[-B]=VARIANT`, as rtspload has it. */
function sdpFault(text: string): string {
  const [cameras = '', variant = ''] = text.split('=');
  return `cam=${cameras},type=sdp,variant=${variant}`;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new Error(`--${option}: expected a number, got ${text}`);
  return value;
}

main().catch(e => {
  console.error(faultFrom(e).message);
  process.exit(1);
});
