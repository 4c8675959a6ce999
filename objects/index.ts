/** The object types of this build, one line each. A new type is one folder beside this file and one line here. */
import type { ObjectType } from '#core/define';

import mediafile from './mediafile/index.ts';
import rtsp from './rtsp/index.ts';
import storage from './storage/index.ts';
import testsource from './testsource/index.ts';
import webserver from './webserver/index.ts';

export const types: readonly ObjectType[] = [mediafile, rtsp, storage, testsource, webserver];
