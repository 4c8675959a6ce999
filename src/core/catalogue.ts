/**
 * Every object type that a configuration may name (docs/spec/config.md 7), whether this
 * build has it or not: a configuration written for the whole product is told "not
 * available" and not "unknown". What a built type is and does stands in its declaration.
 */

export interface CatalogueType {
  readonly type: string;
  readonly aliases?: readonly string[];
  /** That it offers in some configuration; besides EventProducer and BaseObject. */
  readonly interfaces: readonly string[];
  /**
   * Part in access control: `listener` publishes objects to whoever reaches its own address,
   * `server` publishes them in another way, `guard` decides who may.
   */
  readonly access?: 'listener' | 'server' | 'guard';
}

const source = ['VideoSource', 'SnapshotSource'];

export const catalogue: readonly CatalogueType[] = [
  { type: 'rtsp', interfaces: source },
  { type: 'onvif', interfaces: [...source, 'PtzControl', 'TimelineProvider'] },
  { type: 'mediasourceplugin', aliases: ['h264sourceplugin'], interfaces: source },
  { type: 'mediafile', interfaces: source },
  { type: 'testsource', interfaces: source },
  { type: 'rawvideo', interfaces: source },
  { type: 'renderer', interfaces: [...source, 'LayoutControl'] },
  { type: 'streamswitch', interfaces: [...source, 'StreamSwitch'] },
  { type: 'push', interfaces: [...source, 'PushSource'] },
  { type: 'httpstream', interfaces: source },
  { type: 'vms', interfaces: ['Stateful'] },
  { type: 'vmschannel', interfaces: [...source, 'TimelineProvider'] },
  { type: 'camserver', interfaces: ['WebCameraServer', 'EventArchive'] },
  { type: 'janus', interfaces: ['JanusServer'] },
  { type: 'storage', aliases: ['storage.local'], interfaces: ['VideoStorage'] },
  { type: 'storage.s3', interfaces: ['VideoStorage'] },
  { type: 'storage.joint', interfaces: ['VideoStorage'] },
  { type: 'recctl', interfaces: ['RecordingController'] },
  { type: 'rule', interfaces: ['RuleControl'] },
  { type: 'replsrc', interfaces: ['Replication'] },
  { type: 'replsink', interfaces: ['Replication'] },
  { type: 'webserver', interfaces: [], access: 'listener' },
  { type: 'rtspsrv', interfaces: [], access: 'listener' },
  // Its sessions are made through a webserver or a router, which has an address and a guard of its own.
  { type: 'webrtc', interfaces: ['WebRTC'], access: 'server' },
  { type: 'wamp', interfaces: [], access: 'server' },
  { type: 'wamprouter', interfaces: [] },
  { type: 'sqlite', interfaces: ['EventArchive', 'KeyValueStore', 'AclStorage'] },
  { type: 'postgres', interfaces: ['EventArchive', 'KeyValueStore', 'AclStorage'] },
  { type: 'script', interfaces: ['Stateful', 'Updateable', 'Servlet'] },
  { type: 'authnz', interfaces: [], access: 'guard' },
  { type: 'process', interfaces: [] },
  { type: 'metrics', interfaces: ['MetricsExporter'] },
  { type: 'modbus', interfaces: ['GpioControl'] },
  { type: 'zmq.export', interfaces: [] },
];

export const catalogueByName: ReadonlyMap<string, CatalogueType> = new Map(
  catalogue.flatMap(entry => [entry.type, ...(entry.aliases ?? [])].map(name => [name, entry] as const)),
);
