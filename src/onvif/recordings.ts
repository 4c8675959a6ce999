/**
 * Recordings kept in the device (Profile G): requests and readers of the services search
 * (ONVIF Recording Search 5) and replay (ONVIF Replay 5), and the timeline made of them.
 * All times are the device's.
 */
import { readNotification } from './events.ts';
import { readDateTime } from './time.ts';
import { booleanOf, child, children, escapeXml, textAt, type XmlElement } from './xml.ts';

/** Milliseconds, `[begin, end)`. */
export type Span = readonly [beginMs: number, endMs: number];

const keepAlive = '<tse:KeepAliveTime>PT15S</tse:KeepAliveTime>';
/** Results of one answer, and how long the device may wait for the first. */
const page = '<tse:MaxResults>100</tse:MaxResults><tse:WaitTime>PT3S</tse:WaitTime>';
const token = (text: string): string => `<tse:SearchToken>${escapeXml(text)}</tse:SearchToken>`;

export const findRecordings = `<tse:FindRecordings><tse:Scope/>${keepAlive}</tse:FindRecordings>`;
export const getRecordingResults = (search: string): string =>
  `<tse:GetRecordingSearchResults>${token(search)}${page}</tse:GetRecordingSearchResults>`;
export const getEventResults = (search: string): string =>
  `<tse:GetEventSearchResults>${token(search)}${page}</tse:GetEventSearchResults>`;
export const endSearch = (search: string): string => `<tse:EndSearch>${token(search)}</tse:EndSearch>`;

/** When these recordings were written, and when not, in a time; with the state at its begin. */
export function findEvents(recordings: readonly string[], [beginMs, endMs]: Span): string {
  const included = recordings.map(r => `<tt:IncludedRecordings>${escapeXml(r)}</tt:IncludedRecordings>`).join('');
  const point = (ms: number): string => new Date(ms).toISOString();
  return (
    `<tse:FindEvents><tse:StartPoint>${point(beginMs)}</tse:StartPoint><tse:EndPoint>${point(endMs)}</tse:EndPoint>` +
    `<tse:Scope>${included}</tse:Scope><tse:SearchFilter/><tse:IncludeStartState>true</tse:IncludeStartState>${keepAlive}</tse:FindEvents>`
  );
}

/** Where a recording is played from. */
export const getReplayUri = (recording: string): string =>
  '<trp:GetReplayUri><trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trp:StreamSetup>' +
  `<trp:RecordingToken>${escapeXml(recording)}</trp:RecordingToken></trp:GetReplayUri>`;

/** Of the answer to FindRecordings and FindEvents. */
export const readSearchToken = (answer: XmlElement): string | undefined => textAt(answer, 'SearchToken')?.slice(0, 256);

/** Whether there is nothing more to wait for, of either kind of results. */
export const isSearchOver = (answer: XmlElement): boolean =>
  !/^(queued|searching)$/i.test(textAt(child(answer, 'ResultList'), 'SearchState') ?? '');

export interface Recording {
  readonly token: string;
  /** What was recorded: an identifier of the device's own making, often the token of a profile or video source. */
  readonly source: string;
  /** From the first to the last moment with video; undefined while there is none. */
  readonly span: Span | undefined;
}

/** Of the answer to GetRecordingSearchResults. Recordings without video are left out. */
export function readRecordings(answer: XmlElement): Recording[] {
  return children(child(answer, 'ResultList'), 'RecordingInformation').flatMap(r => {
    const id = textAt(r, 'RecordingToken')?.slice(0, 256);
    const tracks = children(r, 'Track');
    const videos = tracks.filter(t => textAt(t, 'TrackType')?.toLowerCase() === 'video');
    if (id === undefined || (tracks.length > 0 && videos.length === 0)) return [];
    const times = (name: string): number[] => videos.flatMap(v => readDateTime(textAt(v, name)) ?? []);
    const begin = least(times('DataFrom')) ?? readDateTime(textAt(r, 'EarliestRecording'));
    const end = most(times('DataTo')) ?? readDateTime(textAt(r, 'LatestRecording'));
    const span = begin !== undefined && end !== undefined && end > begin ? ([begin, end] as const) : undefined;
    return [{ token: id, source: (textAt(r, 'Source', 'SourceId') ?? '').slice(0, 256), span }];
  });
}

const least = (n: readonly number[]): number | undefined => (n.length === 0 ? undefined : Math.min(...n));
const most = (n: readonly number[]): number | undefined => (n.length === 0 ? undefined : Math.max(...n));

/** A recording began or ended. */
export interface RecordingChange {
  readonly recording: string;
  readonly atMs: number;
  readonly recorded: boolean;
  /** Of the recording as a whole, or of one of its tracks. */
  readonly of: 'recording' | 'track';
}

/** Of the answer to GetEventSearchResults: what tells of recordings; other events are left out (Recording Search 5.22). */
export function readRecordingChanges(answer: XmlElement): RecordingChange[] {
  return children(child(answer, 'ResultList'), 'Result').flatMap((r): RecordingChange[] => {
    const recording = textAt(r, 'RecordingToken');
    const atMs = readDateTime(textAt(r, 'Time'));
    const event = child(r, 'Event');
    const said = event && readNotification(child(event, 'NotificationMessage') ?? event);
    if (recording === undefined || atMs === undefined || said === undefined) return [];
    if (/RecordingHistory\/Recording\/State$/.test(said.topic)) {
      const recorded = booleanOf(said.data.get('IsRecording'));
      return recorded === undefined ? [] : [{ recording, atMs, recorded, of: 'recording' }];
    }
    if (/RecordingHistory\/Track\/State$/.test(said.topic)) {
      const recorded = booleanOf(said.data.get('IsDataPresent'));
      return recorded === undefined ? [] : [{ recording, atMs, recorded, of: 'track' }];
    }
    return [];
  });
}

/**
 * The recorded times within `range`: of each recording what its changes tell, or its span
 * where nothing tells of changes; all of them joined, in order.
 */
export function timelineOf(recordings: readonly Recording[], changes: readonly RecordingChange[], range: Span): Span[] {
  const spans: Span[] = [];
  for (const { token: id, span } of recordings) {
    if (span === undefined) continue;
    const own = changes.filter(c => c.recording === id);
    // Data present is what can be played; the recording as a whole is told by devices that do not tell of tracks.
    const kind = own.some(c => c.of === 'track') ? 'track' : 'recording';
    const told = own.filter(c => c.of === kind).sort((a, b) => a.atMs - b.atMs);
    spans.push(...(told.length === 0 ? [span] : recordedSpans(told, span)));
  }
  return joined(spans.map(([b, e]) => [Math.max(b, range[0]), Math.min(e, range[1])] as const));
}

function recordedSpans(told: readonly RecordingChange[], [first, last]: Span): Span[] {
  const spans: Span[] = [];
  // Before the first change it was the other way.
  let since: number | undefined = told[0]?.recorded === false ? first : undefined;
  for (const { atMs, recorded } of told) {
    if (recorded) since ??= atMs;
    else if (since !== undefined) {
      spans.push([since, atMs]);
      since = undefined;
    }
  }
  if (since !== undefined) spans.push([since, last]);
  return spans.map(([b, e]) => [Math.max(b, first), Math.min(e, last)]);
}

/** Empty ones left out, those that touch made one. */
function joined(spans: readonly Span[]): Span[] {
  const found: [number, number][] = [];
  for (const [b, e] of [...spans].filter(([x, y]) => y > x).sort((x, y) => x[0] - y[0])) {
    const lastOne = found.at(-1);
    if (lastOne !== undefined && b <= lastOne[1]) lastOne[1] = Math.max(lastOne[1], e);
    else found.push([b, e]);
  }
  return found;
}
