/** All operations that the fake device knows, by service. */
import { deviceService } from './device.ts';
import { eventService, subscriptionManager } from './events.ts';
import { mediaService } from './media.ts';
import { media2Service } from './media2.ts';
import { ptzService } from './ptz.ts';
import { recordingService, replayService, searchService } from './recordings.ts';
import type { Handler, Services } from './view.ts';

export const services: Services = {
  tds: deviceService,
  trt: mediaService,
  tr2: media2Service,
  tev: eventService,
  tptz: ptzService,
  trc: recordingService,
  tse: searchService,
  trp: replayService,
};

/** Operations of WS-BaseNotification, at the address of a subscription. */
export const subscriptionService: Readonly<Record<string, Handler>> = subscriptionManager;
