/**
 * Events by PullPoint (ONVIF Core 9.2; OASIS WS-BaseNotification 1.3): requests, and readers of
 * subscriptions and of messages. Topics come without prefixes (`VideoSource/MotionAlarm`),
 * items of a message as maps of name and value.
 */
import { readDateTime, writeDuration } from './time.ts';
import { child, children, textAt, type XmlElement } from './xml.ts';

export const actions = {
  create: 'http://www.onvif.org/ver10/events/wsdl/EventPortType/CreatePullPointSubscriptionRequest',
  pull: 'http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest',
  synchronize: 'http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/SetSynchronizationPointRequest',
  renew: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest',
  unsubscribe: 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest',
} as const;

/** Most messages of one answer; more are left to the next. */
const messageLimit = 100;

export const createPullPoint = (lifetimeMs: number): string =>
  `<tev:CreatePullPointSubscription><tev:InitialTerminationTime>${writeDuration(lifetimeMs)}</tev:InitialTerminationTime></tev:CreatePullPointSubscription>`;
export const pullMessages = (waitMs: number): string =>
  `<tev:PullMessages><tev:Timeout>${writeDuration(waitMs)}</tev:Timeout><tev:MessageLimit>${messageLimit}</tev:MessageLimit></tev:PullMessages>`;
export const renew = (lifetimeMs: number): string =>
  `<wsnt:Renew><wsnt:TerminationTime>${writeDuration(lifetimeMs)}</wsnt:TerminationTime></wsnt:Renew>`;
export const unsubscribe = '<wsnt:Unsubscribe/>';
export const setSynchronizationPoint = '<tev:SetSynchronizationPoint/>';

export interface SubscriptionReference {
  /** As the device gives it. */
  readonly address: string;
  /** To be repeated in the header of whatever is sent there. */
  readonly parameters: readonly XmlElement[];
}

/** Undefined if there is no address. */
export function readSubscription(answer: XmlElement): SubscriptionReference | undefined {
  const reference = child(answer, 'SubscriptionReference');
  const address = textAt(reference, 'Address');
  if (address === undefined) return undefined;
  return { address, parameters: (child(reference, 'ReferenceParameters')?.children ?? []).slice(0, 8) };
}

/** How long the subscription lives from now on, by the device's own clock at both ends; undefined if it does not say. */
export function readLifetime(answer: XmlElement): number | undefined {
  const now = readDateTime(textAt(answer, 'CurrentTime'));
  const end = readDateTime(textAt(answer, 'TerminationTime'));
  return now === undefined || end === undefined || end <= now ? undefined : end - now;
}

/** One message of a device. */
export interface Notification {
  /** Without prefixes. */
  readonly topic: string;
  /** What became of the property; undefined for what is no property. */
  readonly operation: 'Initialized' | 'Changed' | 'Deleted' | undefined;
  readonly source: ReadonlyMap<string, string>;
  readonly data: ReadonlyMap<string, string>;
}

/** Of the answer to PullMessages; those without a topic are left out. */
export const readMessages = (answer: XmlElement): Notification[] =>
  children(answer, 'NotificationMessage')
    .slice(0, 10 * messageLimit)
    .flatMap(m => readNotification(m) ?? []);

/** One `NotificationMessage`; undefined if it has no topic. */
export function readNotification(message: XmlElement): Notification | undefined {
  const topic = (textAt(message, 'Topic') ?? '')
    .slice(0, 300)
    .split('/')
    .map(step => step.trim().replace(/^.*:/, ''))
    .filter(step => step !== '')
    .join('/');
  if (topic === '') return undefined;
  // wsnt:Message holds tt:Message; some devices leave one of the two out.
  const outer = child(message, 'Message');
  const inner = child(outer, 'Message') ?? outer;
  const operation = inner?.attributes.get('PropertyOperation');
  return {
    topic,
    operation: (['Initialized', 'Changed', 'Deleted'] as const).find(o => o === operation),
    source: itemsOf(child(inner, 'Source')),
    data: itemsOf(child(inner, 'Data')),
  };
}

function itemsOf(list: XmlElement | undefined): Map<string, string> {
  const items = new Map<string, string>();
  for (const item of children(list, 'SimpleItem').slice(0, 32)) {
    const name = item.attributes.get('Name');
    if (name) items.set(name.slice(0, 100), (item.attributes.get('Value') ?? '').slice(0, 300));
  }
  return items;
}
