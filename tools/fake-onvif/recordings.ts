/** Profile G: recordings that the device claims to keep; listed, searched, and an address to replay each. */
import { noEntity, type Services } from './view.ts';
import { type Element, leaf, node, textAt } from './xml.ts';

export interface Recording {
  readonly token: string;
  /** Video source it is of. */
  readonly source: string;
  readonly name: string;
  /** UTC milliseconds, by the device's clock; what lies between two of them is not recorded. */
  readonly spans: readonly (readonly [beginMs: number, endMs: number])[];
}

interface Search {
  readonly kind: 'recordings' | 'events';
  /** As XML; taken away as it is handed out. */
  readonly results: string[];
}

const searchLimit = 16;

export class Recordings {
  readonly all: readonly Recording[];
  readonly #searches = new Map<string, Search>();
  #last = 0;

  constructor(all: readonly Recording[]) {
    this.all = all;
  }

  get(token: string | undefined): Recording {
    const found = this.all.find(r => r.token === token);
    if (!found) throw noEntity(`there is no recording ${JSON.stringify(token ?? '')}`, 'NoRecording');
    return found;
  }

  begin(kind: Search['kind'], results: string[]): string {
    const token = `search${++this.#last}`;
    this.#searches.set(token, { kind, results });
    const [oldest] = this.#searches.keys();
    if (this.#searches.size > searchLimit && oldest !== undefined) this.end(oldest);
    return token;
  }

  search(kind: Search['kind'], token: string | undefined): Search {
    const found = this.#searches.get(token ?? '');
    if (found?.kind !== kind) throw noEntity(`there is no search ${JSON.stringify(token ?? '')}`, 'InvalidToken');
    return found;
  }

  end(token: string): void {
    this.#searches.delete(token);
  }

  /** A reboot ends searches. */
  forget(): void {
    this.#searches.clear();
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
const beginOf = (r: Recording): number => Math.min(...r.spans.map(s => s[0]));
const endOf = (r: Recording): number => Math.max(...r.spans.map(s => s[1]));

const sourceXml = (r: Recording): string =>
  node(
    'tt:Source',
    {},
    leaf('tt:SourceId', `urn:fake:${r.source}`),
    leaf('tt:Name', r.name),
    leaf('tt:Location', ''),
    leaf('tt:Description', ''),
    leaf('tt:Address', ''),
  );

const informationXml = (tag: string, r: Recording): string =>
  node(
    tag,
    {},
    leaf('tt:RecordingToken', r.token),
    sourceXml(r),
    leaf('tt:EarliestRecording', iso(beginOf(r))),
    leaf('tt:LatestRecording', iso(endOf(r))),
    leaf('tt:Content', r.name),
    node(
      'tt:Track',
      {},
      leaf('tt:TrackToken', 'video'),
      leaf('tt:TrackType', 'Video'),
      leaf('tt:Description', 'video'),
      leaf('tt:DataFrom', iso(beginOf(r))),
      leaf('tt:DataTo', iso(endOf(r))),
    ),
    leaf('tt:RecordingStatus', 'Stopped'),
  );

export const recordingService: Services['trc'] = {
  GetServiceCapabilities: () =>
    node(
      'trc:GetServiceCapabilitiesResponse',
      {},
      node('trc:Capabilities', { DynamicRecordings: false, DynamicTracks: false }),
    ),
  GetRecordings: (_, d) =>
    node(
      'trc:GetRecordingsResponse',
      {},
      ...d.recordings.all.map(r =>
        node(
          'trc:RecordingItem',
          {},
          leaf('tt:RecordingToken', r.token),
          node(
            'tt:Configuration',
            {},
            sourceXml(r),
            leaf('tt:Content', r.name),
            leaf('tt:MaximumRetentionTime', 'PT0S'),
          ),
          node(
            'tt:Tracks',
            {},
            node(
              'tt:Track',
              {},
              leaf('tt:TrackToken', 'video'),
              node('tt:Configuration', {}, leaf('tt:TrackType', 'Video'), leaf('tt:Description', 'video')),
            ),
          ),
        ),
      ),
    ),
};

/** Beginnings and ends of what is recorded are events of the recording's history (Recording Search 5.21). */
function historyOf(r: Recording, fromMs: number, toMs: number): string[] {
  const moments = r.spans.flatMap(([begin, end]) => [
    { ms: begin, recording: true },
    { ms: end, recording: false },
  ]);
  return moments
    .filter(m => m.ms >= fromMs && m.ms <= toMs)
    .sort((a, b) => a.ms - b.ms)
    .map(m => {
      const item = (Name: string, Value: string): string => node('tt:SimpleItem', { Name, Value });
      const source = node('tt:Source', {}, item('RecordingToken', r.token), item('Track', 'video'));
      const data = node('tt:Data', {}, item('IsDataPresent', String(m.recording)));
      const message = node('tt:Message', { UtcTime: iso(m.ms), PropertyOperation: 'Changed' }, source, data);
      return node(
        'tt:Result',
        {},
        leaf('tt:RecordingToken', r.token),
        leaf('tt:TrackToken', 'video'),
        leaf('tt:Time', iso(m.ms)),
        node(
          'tt:Event',
          {},
          leaf('wsnt:Topic', 'tns1:RecordingHistory/Track/State', {
            Dialect: 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet',
          }),
          node('wsnt:Message', {}, message),
        ),
        leaf('tt:StartStateEvent', false),
      );
    });
}

/** Those that `Scope` asks for. */
const scoped = (request: Element, { all }: Recordings): readonly Recording[] => {
  const wanted = textAt(request, 'Scope', 'IncludedRecordings');
  return wanted === undefined ? all : all.filter(r => r.token === wanted);
};

const results = (tag: string, search: Search, request: Element): string => {
  const most = Number(textAt(request, 'MaxResults') ?? 100);
  const taken = search.results.splice(0, Number.isFinite(most) && most > 0 ? most : 100);
  const state = search.results.length === 0 ? 'Completed' : 'Searching';
  return node(tag, {}, node('tse:ResultList', {}, leaf('tt:SearchState', state), ...taken));
};

export const searchService: Services['tse'] = {
  GetServiceCapabilities: () =>
    node('tse:GetServiceCapabilitiesResponse', {}, node('tse:Capabilities', { MetadataSearch: false })),
  GetRecordingSummary: (_, d) => {
    const { all } = d.recordings;
    return node(
      'tse:GetRecordingSummaryResponse',
      {},
      node(
        'tse:Summary',
        {},
        leaf('tt:DataFrom', iso(Math.min(...all.map(beginOf), d.nowMs()))),
        leaf('tt:DataUntil', iso(all.length === 0 ? d.nowMs() : Math.max(...all.map(endOf)))),
        leaf('tt:NumberRecordings', all.length),
      ),
    );
  },
  GetRecordingInformation: (request, d) =>
    node(
      'tse:GetRecordingInformationResponse',
      {},
      informationXml('tse:RecordingInformation', d.recordings.get(textAt(request, 'RecordingToken'))),
    ),
  FindRecordings: (request, d) => {
    const found = scoped(request, d.recordings).map(r => informationXml('tt:RecordingInformation', r));
    return node('tse:FindRecordingsResponse', {}, leaf('tse:SearchToken', d.recordings.begin('recordings', found)));
  },
  GetRecordingSearchResults: (request, d) =>
    results(
      'tse:GetRecordingSearchResultsResponse',
      d.recordings.search('recordings', textAt(request, 'SearchToken')),
      request,
    ),
  FindEvents: (request, d) => {
    const from = Date.parse(textAt(request, 'StartPoint') ?? '');
    const to = Date.parse(textAt(request, 'EndPoint') ?? iso(d.nowMs()));
    if (Number.isNaN(from) || Number.isNaN(to)) throw noEntity('expected StartPoint (and EndPoint) as times');
    const found = scoped(request, d.recordings).flatMap(r => historyOf(r, Math.min(from, to), Math.max(from, to)));
    if (to < from) found.reverse();
    return node('tse:FindEventsResponse', {}, leaf('tse:SearchToken', d.recordings.begin('events', found)));
  },
  GetEventSearchResults: (request, d) =>
    results(
      'tse:GetEventSearchResultsResponse',
      d.recordings.search('events', textAt(request, 'SearchToken')),
      request,
    ),
  EndSearch: (request, d) => {
    d.recordings.end(textAt(request, 'SearchToken') ?? '');
    return node('tse:EndSearchResponse', {}, leaf('tse:Endpoint', iso(d.nowMs())));
  },
};

export const replayService: Services['trp'] = {
  GetServiceCapabilities: () =>
    node(
      'trp:GetServiceCapabilitiesResponse',
      {},
      node('trp:Capabilities', { ReversePlayback: false, RTP_RTSP_TCP: true }),
    ),
  GetReplayUri: (request, d) => {
    const { token } = d.recordings.get(textAt(request, 'RecordingToken'));
    return node('trp:GetReplayUriResponse', {}, leaf('trp:Uri', d.rtspUrl(token)));
  },
};
