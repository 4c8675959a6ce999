/** What is asked of each peer: every way that media, transport and login go together. */

export const videos = ['h264', 'h265', 'mjpeg'] as const;
export const audios = ['none', 'aac', 'opus', 'pcmu'] as const;
/** `http`: RTSP tunnelled in HTTP; `rtsps`: over TLS, media inside. */
export const transports = ['tcp', 'udp', 'rtsps', 'http'] as const;
export const logins = ['none', 'basic', 'md5', 'sha256'] as const;

export interface Cell {
  readonly video: (typeof videos)[number];
  readonly audio: (typeof audios)[number];
  readonly transport: (typeof transports)[number];
  readonly login: (typeof logins)[number];
}

export const mediaOf = ({ video, audio }: Pick<Cell, 'video' | 'audio'>): string => `${video}-${audio}`;
export const accessOf = ({ transport, login }: Pick<Cell, 'transport' | 'login'>): string => `${transport}-${login}`;
/** All 192, those with one login side by side. */
export const allCells: readonly Cell[] = logins.flatMap(login =>
  transports.flatMap(transport => videos.flatMap(video => audios.map(audio => ({ video, audio, transport, login })))),
);

/** Multiplication by 2 in the field of four elements. */
const twice = [0, 2, 3, 1] as const;

/**
 * 16 cells in which every two values of different axes meet: the orthogonal array of four
 * levels, whose columns are a, b, a + b and a + 2b in the field of four elements.
 */
export const fewCells: readonly Cell[] = transports.flatMap((transport, a) =>
  logins.map((login, b) => ({
    video: [...videos, videos[0]][a ^ twice[b as 0 | 1 | 2 | 3]] ?? videos[0],
    audio: audios[a ^ b] ?? 'none',
    transport,
    login,
  })),
);
