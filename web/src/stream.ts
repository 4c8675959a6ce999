/** What the player needs of a stream, live or archive, and what hls.js needs to be told for both. */

import type HlsClass from 'hls.js';
import type { ErrorData, HlsConfig } from 'hls.js';

export interface Stream {
  /** Wall clock of the picture that is shown; undefined before the first. */
  wallMs(): number | undefined;
  /** Jumps there if it is loaded; false if the stream must be opened anew for that. */
  seek(timeMs: number): boolean;
  /** Called when the user goes on after a pause. */
  beforePlay(): void;
  close(): void;
}

export interface Surroundings {
  readonly video: HTMLVideoElement;
  readonly signal: AbortSignal;
  /** The stream is over, for a reason. */
  failed(text: string): void;
  notice(text: string): void;
}

/** The player library, loaded when something is played first. */
export async function loadHls(): Promise<typeof HlsClass> {
  const { default: Hls } = await import('hls.js/light');
  if (!Hls.isSupported())
    throw new Error('This browser cannot play video that is sent in pieces (Media Source Extensions).');
  return Hls;
}

export const commonConfig: Partial<HlsConfig> = {
  // A worker would be made from text, which a strict content security policy forbids; fMP4 needs none.
  enableWorker: false,
  maxBufferLength: 30,
  maxMaxBufferLength: 60,
  backBufferLength: 60,
  maxBufferSize: 60_000_000,
};

/** Failures that the library does not overcome. A damaged picture is passed over once in ten seconds. */
export function watchErrors(Hls: typeof HlsClass, hls: HlsClass, failed: (text: string) => void): void {
  let recoveredMs = 0;
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && Date.now() - recoveredMs > 10_000) {
      recoveredMs = Date.now();
      hls.recoverMediaError();
    } else failed(errorText(data));
  });
}

function errorText(data: ErrorData): string {
  const status = data.response?.code;
  if (data.type === 'networkError' && !status) return 'The connection to the server broke off.';
  if (status === 404) return 'The stream is no longer there: it was restarted, or the recording was deleted.';
  if (status) return `The server could not send the stream (status ${status}).`;
  if (data.type === 'mediaError') return `The browser cannot play these pictures (${data.details}).`;
  return `The player gave up (${data.details}).`;
}
