/**
 * What happens before a camera, in the words of vendors: topics and items as their devices write them. Witnesses: the
 * topic sets that the vendors publish with their ONVIF conformance papers.
 */
import { leaf, node } from './xml.ts';

export type EventKind = 'motion' | 'digital-input' | 'tamper' | 'line';

export const dialects = ['onvif', 'hikvision', 'dahua', 'axis'] as const;
export type Dialect = (typeof dialects)[number];

export interface Happening {
  readonly kind: EventKind;
  readonly state: boolean;
  /** Video source, or number of the input; the first by default. */
  readonly source?: string;
}

/** One message to be: a topic with its prefixes, and simple items. */
export interface Notice {
  readonly topic: string;
  readonly source: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  /** A property has a state that new subscribers are told; a line crossing has none. */
  readonly property: boolean;
}

/** Namespaces of topics beside `tns1`. */
export const topicNamespaces = {
  tnsaxis: 'http://www.axis.com/2009/event/topics',
  tnshik: 'http://www.hikvision.com/2011/event/topics',
} as const;

const bool = (state: boolean): string => (state ? 'true' : 'false');
const bit = (state: boolean): string => (state ? '1' : '0');

const rule = (token: string, name: string): Record<string, string> => ({
  VideoSourceConfigurationToken: `vsc_${token}`,
  VideoAnalyticsConfigurationToken: 'vac0',
  Rule: name,
});

/** A crossing happens; it does not last. Devices number what crossed. */
const crossed = (token: string): Notice => ({
  topic: 'tns1:RuleEngine/LineDetector/Crossed',
  source: rule(token, 'MyLineDetector'),
  data: { ObjectId: '17' },
  property: false,
});

const property = (topic: string, source: Record<string, string>, data: Record<string, string>): Notice => ({
  topic,
  source,
  data,
  property: true,
});

const alarm = (token: string, state: boolean): Notice =>
  property('tns1:VideoSource/MotionAlarm', { Source: token }, { State: bool(state) });
const cell = (token: string, state: boolean): Notice =>
  property('tns1:RuleEngine/CellMotionDetector/Motion', rule(token, 'MyMotionDetectorRule'), { IsMotion: bool(state) });

type Words = Readonly<Record<EventKind, (source: string, state: boolean) => readonly Notice[]>>;

const words: Readonly<Record<Dialect, Words>> = {
  onvif: {
    motion: (s, on) => [alarm(s, on)],
    'digital-input': (s, on) => [
      property('tns1:Device/Trigger/DigitalInput', { InputToken: s }, { LogicalState: bool(on) }),
    ],
    tamper: (s, on) => [
      property('tns1:VideoSource/GlobalSceneChange/ImagingService', { Source: s }, { State: bool(on) }),
    ],
    line: s => [crossed(s)],
  },
  hikvision: {
    motion: (s, on) => [cell(s, on), alarm(s, on)],
    'digital-input': (s, on) => [
      property('tns1:Device/Trigger/tnshik:AlarmIn', { AlarmInToken: `AlarmIn_${s}` }, { State: bool(on) }),
    ],
    tamper: (s, on) => [
      property('tns1:RuleEngine/TamperDetector/Tamper', rule(s, 'MyTamperDetectorRule'), { IsTamper: bool(on) }),
    ],
    line: s => [crossed(s)],
  },
  dahua: {
    motion: (s, on) => [
      alarm(s, on),
      property(
        'tns1:RuleEngine/CellMotionDetector/Motion',
        { VideoSourceConfigurationToken: s, VideoAnalyticsConfigurationToken: s, Rule: '00000' },
        { IsMotion: bool(on) },
      ),
    ],
    'digital-input': (s, on) => [
      property('tns1:Device/Trigger/DigitalInput', { InputToken: s }, { LogicalState: bool(on) }),
    ],
    tamper: (s, on) => [
      property('tns1:VideoSource/ImageTooDark/AnalyticsService', { Source: s }, { State: bool(on) }),
      property('tns1:VideoSource/GlobalSceneChange/AnalyticsService', { Source: s }, { State: bool(on) }),
    ],
    line: s => [crossed(s)],
  },
  axis: {
    motion: (_, on) => [
      property('tnsaxis:CameraApplicationPlatform/VMD/Camera1Profile1', {}, { active: bit(on) }),
      property('tns1:RuleEngine/tnsaxis:VMD3/vmd3_video_1', { areaid: '0' }, { active: bit(on) }),
    ],
    'digital-input': (s, on) => [property('tns1:Device/tnsaxis:IO/Port', { port: s }, { state: bit(on) })],
    tamper: s => [
      {
        topic: 'tns1:VideoSource/tnsaxis:Tampering',
        source: { channel: s },
        data: { tampering: '1' },
        property: false,
      },
    ],
    line: s => [crossed(s)],
  },
};

/** First sources, as the vendors number them. */
const firstSource = (kind: EventKind, dialect: Dialect, videoSource: string): string =>
  kind === 'digital-input' ? (dialect === 'axis' ? '0' : '1') : dialect === 'axis' ? '1' : videoSource;

/** What a device of this vendor says when it happens. */
export const noticesOf = (happening: Happening, dialect: Dialect, videoSource: string): readonly Notice[] =>
  words[dialect][happening.kind](
    happening.source ?? firstSource(happening.kind, dialect, videoSource),
    happening.state,
  );

/** All topics of a dialect, for GetEventProperties. */
export const topicsOf = (dialect: Dialect): readonly string[] => [
  ...new Set(Object.values(words[dialect]).flatMap(w => w('x', true).map(n => n.topic))),
];

/** `wsnt:NotificationMessage`. */
export function noticeXml(notice: Notice, atMs: number, operation: 'Initialized' | 'Changed'): string {
  const items = (tag: string, values: Readonly<Record<string, string>>): string => {
    const all = Object.entries(values).map(([Name, Value]) => node('tt:SimpleItem', { Name, Value }));
    return all.length === 0 ? '' : node(tag, {}, ...all);
  };
  const message = node(
    'tt:Message',
    { UtcTime: new Date(atMs).toISOString(), PropertyOperation: notice.property ? operation : undefined },
    items('tt:Source', notice.source),
    items('tt:Data', notice.data),
  );
  const dialect = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';
  return node(
    'wsnt:NotificationMessage',
    {},
    leaf('wsnt:Topic', notice.topic, { Dialect: dialect }),
    node('wsnt:Message', {}, message),
  );
}

/** ConcreteSet: alternatives by `|`; `//.` at the end takes in what is below. Prefixes are the client's. */
export function topicMatches(expression: string, prefixes: Readonly<Record<string, string>>, topic: string): boolean {
  const known: Record<string, string> = { tns1: 'http://www.onvif.org/ver10/topics', ...topicNamespaces };
  const full = (path: string, of: Readonly<Record<string, string>>): string =>
    path
      .trim()
      .split('/')
      .map(step => {
        const [prefix, name] = step.includes(':') ? step.split(':') : ['', step];
        return prefix === '' ? name : `{${of[prefix ?? ''] ?? '?'}}${name}`;
      })
      .join('/');
  const actual = full(topic, known);
  return expression.split('|').some(alternative => {
    const whole = full(alternative, prefixes);
    if (!whole.endsWith('//.')) return whole === actual;
    const base = whole.slice(0, -3);
    return actual === base || actual.startsWith(`${base}/`);
  });
}
