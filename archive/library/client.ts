/** The library as seen from another thread: the same methods over a wire. */
import type { ReadRequest, RecordedPiece } from '#capability/recorded-media';
import type { MediaAnswer } from '#core/bytes';
import { connectRemote, type Peer, type Port } from '#core/wire';
import type {
  AllLimits,
  Deletion,
  ElementaryRequest,
  ExportRequest,
  Forecast,
  GapEntry,
  KeyframeEntry,
  KnownTrack,
  Library,
  LockEntry,
  NewLock,
  Opened,
  Range,
  Rescan,
  Retained,
  Summary,
  TrackDetails,
} from './library.ts';
import type { Missing } from './missing.ts';
import type { Note } from './notes.ts';

export class LibraryClient implements Library {
  readonly #peer: Peer;

  constructor(port: Port) {
    this.#peer = connectRemote(port);
  }

  /** The connection ends; an archive still open there is abandoned. */
  end(): void {
    this.#peer.close();
  }

  open(folder: string): Promise<Opened> {
    return this.#peer.call('open', folder);
  }
  commit(notes: readonly Note[]): Promise<void> {
    return this.#peer.call('commit', notes);
  }
  known(track: string): Promise<KnownTrack | undefined> {
    return this.#peer.call('known', track);
  }
  retain(limits: AllLimits): Promise<Retained> {
    return this.#peer.call('retain', limits);
  }
  close(): Promise<void> {
    return this.#peer.call('close');
  }
  missing(track: string, range: Range): Promise<readonly Missing[]> {
    return this.#peer.call('missing', track, range);
  }
  reserve(track: string, beginMs: number): Promise<string> {
    return this.#peer.call('reserve', track, beginMs);
  }
  unreserve(path: string): Promise<void> {
    return this.#peer.call('unreserve', path);
  }
  fill(track: string, path: string, notes: readonly Note[]): Promise<readonly [number, number]> {
    return this.#peer.call('fill', track, path, notes);
  }
  summary(): Promise<Summary> {
    return this.#peer.call('summary');
  }
  channelSummary(track: string, range: Range): Promise<TrackDetails> {
    return this.#peer.call('channelSummary', track, range);
  }
  gaps(track: string, range: Range): Promise<readonly GapEntry[]> {
    return this.#peer.call('gaps', track, range);
  }
  playlist(track: string, range: Range, container: 'fmp4' | 'ts'): Promise<MediaAnswer> {
    return this.#peer.call('playlist', track, range, container);
  }
  hls(track: string, path: string): Promise<MediaAnswer> {
    return this.#peer.call('hls', track, path);
  }
  export(request: ExportRequest): Promise<MediaAnswer> {
    return this.#peer.call('export', request);
  }
  elementary(request: ElementaryRequest): Promise<MediaAnswer> {
    return this.#peer.call('elementary', request);
  }
  keyframes(track: string, range: Range): Promise<KeyframeEntry[]> {
    return this.#peer.call('keyframes', track, range);
  }
  keyframe(track: string, atMs: number | undefined): Promise<MediaAnswer> {
    return this.#peer.call('keyframe', track, atMs);
  }
  intervals(track: string, range: Range): Promise<(readonly [number, number])[]> {
    return this.#peer.call('intervals', track, range);
  }
  read(request: ReadRequest): Promise<RecordedPiece | undefined> {
    return this.#peer.call('read', request);
  }
  locks(track: string): Promise<LockEntry[]> {
    return this.#peer.call('locks', track);
  }
  oneLock(track: string, id: string): Promise<LockEntry> {
    return this.#peer.call('oneLock', track, id);
  }
  lock(lock: NewLock): Promise<LockEntry> {
    return this.#peer.call('lock', lock);
  }
  unlock(track: string, id: string, by: string | null): Promise<LockEntry> {
    return this.#peer.call('unlock', track, id, by);
  }
  deleteRange(track: string, range: Range): Promise<Deletion & { readonly inOpenFile: boolean }> {
    return this.#peer.call('deleteRange', track, range);
  }
  rescan(): Promise<Rescan> {
    return this.#peer.call('rescan');
  }
  retention(limits: AllLimits): Promise<Forecast> {
    return this.#peer.call('retention', limits);
  }
}
