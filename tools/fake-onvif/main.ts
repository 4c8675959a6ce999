/** Command line of the fake ONVIF device: see README.md beside it, or --help. */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type FakeOnvif, type FakeOnvifOptions, startFakeOnvif } from './fake-onvif.ts';
import { faultTypes } from './faults.ts';
import { dialects, type EventKind } from './topics.ts';

const kinds: readonly EventKind[] = ['motion', 'digital-input', 'tamper', 'line'];
const serviceNames = ['media2', 'events', 'ptz', 'recordings'] as const;
const schemeNames = ['token', 'MD5', 'SHA-256'] as const;

const help = `node tools/fake-onvif/main.ts [options]: an ONVIF device with a fake camera behind it

  --port N              8000; 0 takes any free one
  --host ADDRESS        127.0.0.1
  --user U --pass P     ask for a login
  --auth S,S            what is taken: ${schemeNames.join(', ')} (HTTP Digest); default token,MD5
  --skew N              5; seconds by which the time in a token may be off
  --open standard|time  what needs no login: as the standard has it, or the time alone
  --services A,B        beside device and media; default ${serviceNames.join(',')}; 'none'
  --name N, --serial N  of the plate
  --dialect D           of events: ${dialects.join(' ')}
  --reference           subscriptions are told apart by reference parameters
  --renew               only Renew keeps a subscription alive, pulls do not
  --discover ADDRESS    answer WS-Discovery at the interface with this address
  --no-media            no RTSP beside it
  --motion N            motion begins and ends every N seconds
  --seed N              1; everything random follows it
  --fault SPEC          type=T[,op=OPERATION][,v=N][,host=H][,p=F][,count=N][,code=C]; repeatable. T:
                        ${faultTypes.join(' ')}
  --duration N          stop after N seconds
  --stdin               commands: event KIND on|off [SOURCE], fault SPEC, clear, reboot S, stop, start, log, quit
                        KIND: ${kinds.join(' ')}
  --verbose             each call, one JSON line, on stderr
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8000' },
      host: { type: 'string', default: '127.0.0.1' },
      user: { type: 'string' },
      pass: { type: 'string', default: '' },
      auth: { type: 'string', default: 'token,MD5' },
      skew: { type: 'string', default: '5' },
      open: { type: 'string', default: 'standard' },
      services: { type: 'string', default: serviceNames.join(',') },
      name: { type: 'string' },
      serial: { type: 'string' },
      dialect: { type: 'string', default: 'onvif' },
      reference: { type: 'boolean', default: false },
      renew: { type: 'boolean', default: false },
      discover: { type: 'string' },
      'no-media': { type: 'boolean', default: false },
      motion: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      fault: { type: 'string', multiple: true, default: [] },
      duration: { type: 'string', default: '0' },
      stdin: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const auth = values.auth.split(',').map(a => oneOf('auth', schemeNames, a));
  const algorithms = auth.filter(a => a !== 'token');
  const login: FakeOnvifOptions['login'] =
    values.user === undefined
      ? undefined
      : {
          user: values.user,
          password: values.pass,
          schemes: [
            ...(auth.includes('token') ? ['token' as const] : []),
            ...(algorithms.length > 0 ? ['digest' as const] : []),
          ],
          ...(algorithms.length > 0 ? { algorithms } : {}),
        };
  const device = await startFakeOnvif({
    port: number('port', values.port),
    host: values.host,
    login,
    skewSeconds: number('skew', values.skew),
    open: oneOf('open', ['standard', 'time'], values.open),
    services: values.services === 'none' ? [] : values.services.split(',').map(s => oneOf('services', serviceNames, s)),
    plate: {
      ...(values.name === undefined ? {} : { name: values.name }),
      ...(values.serial === undefined ? {} : { serial: values.serial }),
    },
    dialect: oneOf('dialect', dialects, values.dialect),
    referenceParameters: values.reference,
    pullRenews: !values.renew,
    ...(values.discover === undefined ? {} : { discovery: { address: values.discover } }),
    media: !values['no-media'],
    seed: number('seed', values.seed),
    faults: values.fault,
    ...(values.verbose ? { onCall: call => console.error(JSON.stringify(call)) } : {}),
  });
  console.log(device.url);

  const quit = async (): Promise<never> => {
    await device.stop();
    process.exit(0);
  };
  process.once('SIGINT', quit).once('SIGTERM', quit);
  const [motion, duration] = [number('motion', values.motion), number('duration', values.duration)];
  let moving = false;
  if (motion > 0) setInterval(() => device.happen({ kind: 'motion', state: (moving = !moving) }), motion * 1000);
  if (duration > 0) setTimeout(quit, duration * 1000);
  if (values.stdin) {
    const lines = createInterface({ input: process.stdin });
    lines.on('line', line => void command(device, line.trim(), quit).catch(e => console.error((e as Error).message)));
    lines.once('close', quit);
  }
}

async function command(device: FakeOnvif, line: string, quit: () => Promise<never>): Promise<void> {
  const [word, ...rest] = line.split(/\s+/);
  const [first = '', second = '', source] = rest;
  if (word === 'event')
    device.happen({
      kind: oneOf('event', kinds, first),
      state: oneOf('event', ['on', 'off'], second) === 'on',
      ...(source === undefined ? {} : { source }),
    });
  else if (word === 'fault') device.fault(first);
  else if (word === 'clear') device.clearFaults();
  else if (word === 'reboot') await device.reboot(number('reboot', first));
  else if (word === 'stop') await device.stop();
  else if (word === 'start') await device.start();
  else if (word === 'log') for (const call of device.log) console.log(JSON.stringify(call));
  else if (word === 'quit') await quit();
  else if (word) console.error(`unknown command: ${word}`);
}

function oneOf<T extends string>(option: string, all: readonly T[], text: string): T {
  const found = all.find(a => a.toLowerCase() === text.trim().toLowerCase());
  if (found === undefined) throw new Error(`--${option}: expected ${all.join(', ')}, got ${JSON.stringify(text)}`);
  return found;
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new Error(`--${option}: expected a number, got ${text}`);
  return value;
}

main().catch(e => {
  console.error((e as Error).message);
  process.exit(1);
});
