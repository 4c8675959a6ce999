/** Everything that is fuzzed by bytes. A new parser is a row in one of these. */
import { containerGroups } from './containers.ts';
import { fileGroups } from './files.ts';
import type { Group } from './group.ts';
import { httpGroups } from './http.ts';
import { rtpGroups } from './rtp.ts';
import { rtspGroups } from './rtsp.ts';

export const allGroups = async (): Promise<readonly Group[]> => [
  ...(await rtspGroups()),
  ...(await rtpGroups()),
  ...(await fileGroups()),
  ...containerGroups(),
  ...(await httpGroups()),
];
