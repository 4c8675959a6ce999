/**
 * What devices say, in the topics of docs/spec/api.md 10.2. The same thing has many names:
 * those of the standard (Imaging 11, Analytics annex A, Device I/O 8) and those of vendors.
 * Anything else is none of ours.
 */
import type { Notification } from './events.ts';

/** An on/off event of a device. */
export interface DeviceState {
  /** What it is the state of: the device's topic and source. */
  readonly key: string;
  readonly topic:
    | 'MotionAlarm'
    | 'GlobalSceneChange'
    | 'ImageTooBright'
    | 'ImageTooDark'
    | 'ImageTooBlurry'
    | 'DigitalInput';
  /** Undefined: the property is gone. */
  readonly state: boolean | undefined;
  readonly details: Readonly<Record<string, string | number>>;
}

const topics: readonly (readonly [pattern: RegExp, topic: DeviceState['topic']])[] = [
  // The standard's own two, and the rule engine's: cells (Hikvision, Dahua, most others), regions.
  [/^VideoSource\/MotionAlarm$/, 'MotionAlarm'],
  [/^RuleEngine\/CellMotionDetector\/Motion$/, 'MotionAlarm'],
  [/^RuleEngine\/MotionRegionDetector\/Motion$/, 'MotionAlarm'],
  [/^VideoAnalytics\/(Motion|MotionDetection)$/, 'MotionAlarm'],
  // Axis: the application VMD 4 and the built-in one before it; Bosch and Sony say it so.
  [/^CameraApplicationPlatform\/VMD\/\w+$/, 'MotionAlarm'],
  [/^RuleEngine\/VMD3\/\w+$/, 'MotionAlarm'],
  [/^VideoAnalytics\/tnsaxis\/MotionDetection$/, 'MotionAlarm'],
  [/^(RuleEngine\/)?(VideoMotion|MotionDetector|VideoMotionDetector)(\/Motion)?$/, 'MotionAlarm'],
  // One topic per service that detects it (Imaging 11.1).
  [/^VideoSource\/GlobalSceneChange(\/\w+)?$/, 'GlobalSceneChange'],
  [/^RuleEngine\/TamperDetector\/Tamper$/, 'GlobalSceneChange'],
  [/^VideoSource\/ImageTooBright(\/\w+)?$/, 'ImageTooBright'],
  [/^VideoSource\/ImageTooDark(\/\w+)?$/, 'ImageTooDark'],
  [/^VideoSource\/ImageTooBlurry(\/\w+)?$/, 'ImageTooBlurry'],
  [/^Device\/Trigger\/DigitalInput$/, 'DigitalInput'],
  // Hikvision.
  [/^Device\/Trigger\/AlarmIn$/, 'DigitalInput'],
  // Axis' ports, which are inputs as long as they are configured so.
  [/^Device\/IO\/Port$/, 'DigitalInput'],
];

/** Items that hold the state, the most telling first. */
const stateItems = ['State', 'IsMotion', 'LogicalState', 'IsTamper', 'active', 'state', 'Value', 'Motion', 'Alarm'];
/** Items that name the source, the most telling first. */
const sourceItems = [
  'VideoSourceConfigurationToken',
  'VideoSourceToken',
  'VideoSource',
  'Source',
  'InputToken',
  'AlarmInToken',
  'VideoAnalyticsConfigurationToken',
  'port',
];

/** The state that a message tells; undefined if its topic is none of ours or no state is in it. */
export function deviceState(n: Notification): DeviceState | undefined {
  const topic = topics.find(([pattern]) => pattern.test(n.topic))?.[1];
  if (topic === undefined) return undefined;
  const state = n.operation === 'Deleted' ? undefined : stateOf(n.data);
  if (state === undefined && n.operation !== 'Deleted') return undefined;
  const rule = n.source.get('Rule') || undefined;
  const source = sourceItems.map(name => n.source.get(name)).find(value => value) ?? otherItem(n.source);
  const pin = topic === 'DigitalInput' ? /(\d{1,6})\D*$/.exec(source ?? '')?.[1] : undefined;
  return {
    key: [n.topic, ...[...n.source].map(([name, value]) => `${name}=${value}`)].join('|'),
    topic,
    state,
    details: {
      ...(source === undefined ? {} : { source }),
      ...(rule === undefined ? {} : { rule }),
      ...(pin === undefined ? {} : { pin: Number(pin) }),
    },
  };
}

const otherItem = (source: ReadonlyMap<string, string>): string | undefined =>
  [...source].find(([name, value]) => name !== 'Rule' && value)?.[1];

function stateOf(data: ReadonlyMap<string, string>): boolean | undefined {
  for (const name of stateItems) {
    const state = onOff(data.get(name));
    if (state !== undefined) return state;
  }
  return data.size === 1 ? onOff([...data.values()][0]) : undefined;
}

/** xs:boolean, and how inputs are spoken of. */
function onOff(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case 'true':
    case '1':
    case 'on':
    case 'active':
    case 'closed':
      return true;
    case 'false':
    case '0':
    case 'off':
    case 'inactive':
    case 'open':
      return false;
    default:
      return undefined;
  }
}

/** At most this many states of one device are kept; a device that makes up more is not followed. */
const stateLimit = 256;

type Told = Pick<DeviceState, 'topic' | 'details'> & { readonly state: boolean };

/**
 * What is on and off, so that each change is told once, and the first value after a new
 * subscription (docs/spec/api.md 10.1). A state that is on and that the device does not
 * speak of any more after that has ended meanwhile.
 */
export class DeviceStates {
  readonly #states = new Map<string, Told & { sure: boolean }>();

  /** There is a new subscription: the device tells all its states again. */
  begin(): void {
    for (const s of this.#states.values()) s.sure = false;
  }

  /** A message; what is to be told of it. */
  take({ key, topic, details, state }: DeviceState): Told | undefined {
    const before = this.#states.get(key);
    if (state === undefined) {
      this.#states.delete(key);
      return before?.state ? { topic, details, state: false } : undefined;
    }
    if (before === undefined && this.#states.size >= stateLimit) return undefined;
    this.#states.set(key, { topic, details, state, sure: true });
    return before?.sure && before.state === state ? undefined : { topic, details, state };
  }

  /** All that is known. */
  get list(): Told[] {
    return [...this.#states.values()].map(({ topic, details, state }) => ({ topic, details, state }));
  }

  /** The device has told all it has: what has ended meanwhile. */
  settle(): Told[] {
    const ended: Told[] = [];
    for (const [key, { topic, details, state, sure }] of this.#states) {
      if (sure) continue;
      this.#states.delete(key);
      if (state) ended.push({ topic, details, state: false });
    }
    return ended;
  }
}
