/**
 * The object: one device, one profile of it. The stream is played by `#camera/camera`, for which
 * the device is asked where it is at each attempt; events, PTZ and recordings stand beside it
 * and do not depend on it. What is known of the device is forgotten whenever it fails.
 */
import { Camera } from '#camera/camera';
import type { MediaStorage } from '#capability/media-storage';
import { Fault, faultFrom } from '#core/errors';
import { deviceUrl } from '#onvif/address';
import { OnvifDevice } from '#onvif/device';
import type { Profile } from '#onvif/media';
import { Backfill } from './backfill.ts';
import { EventTeller } from './event-teller.ts';
import type { OnvifContext, OnvifInstance } from './index.ts';
import { Moves } from './moves.ts';
import { Recordings } from './recordings.ts';

/** A clock that is off by more than this is worth a line in the log: UsernameToken and times of recordings depend on it. */
const clockSlackMs = 5000;

export class OnvifCamera implements OnvifInstance {
  readonly provides: OnvifInstance['provides'];
  readonly published: OnvifInstance['published'];
  readonly #context: OnvifContext;
  readonly #camera: Camera;
  readonly #events: EventTeller;
  readonly #backfill: Backfill | undefined;
  #device: OnvifDevice | undefined;
  #profile: Promise<Profile> | undefined;
  #clockTold = false;

  constructor(context: OnvifContext) {
    this.#context = context;
    this.#camera = new Camera(context, attempt => this.#streamUrl(attempt.signal));
    const access = {
      context,
      device: () => this.#known(),
      profile: (signal?: AbortSignal) => this.#chosen(signal),
      failed: () => this.#forget(),
    };
    this.#events = new EventTeller(access);
    const recordings = new Recordings(access);
    this.provides = this.#camera.provides;
    this.published = {
      ...this.#camera.published,
      PtzControl: new Moves(access).functions,
      TimelineProvider: recordings.functions,
    };
    if (context.config.archive === 'backfill') {
      const backfill = new Backfill(access, { recordings, pictureClockMs: () => this.#camera.pictureClockMs });
      this.#camera.onFlowing = () => backfill.flowing();
      this.#backfill = backfill;
    }
  }

  link({ storages }: { readonly storages: ReadonlyMap<string, MediaStorage> }): void {
    this.#backfill?.link(storages);
  }

  start(): void {
    const { enable } = this.#context.config;
    if (enable.includes('video') || enable.includes('audio')) this.#camera.start();
    if (enable.includes('events')) this.#events.start();
    this.#backfill?.start();
  }

  async #streamUrl(signal: AbortSignal): Promise<string> {
    // The device may have been changed, or be another one, since the last attempt.
    this.#forget();
    const { transport } = this.#context.config;
    const first = transport.find(t => t !== 'http') ?? 'tcp';
    try {
      const profile = await this.#chosen(signal);
      await this.#tellClock(signal);
      return await this.#known().streamUri(profile.token, first, signal);
    } catch (e) {
      this.#forget();
      throw e;
    }
  }

  #known(): OnvifDevice {
    const { config, world } = this.#context;
    const [user, password] = config.auth ?? [];
    this.#device ??= new OnvifDevice({
      http: world.http,
      clock: world.clock,
      random: world.random,
      url: deviceUrl(config.url ?? config.host ?? '') ?? '',
      login: user == null ? undefined : { user, password: password ?? '' },
    });
    return this.#device;
  }

  #forget(): void {
    this.#device = undefined;
    this.#profile = undefined;
  }

  #chosen(signal?: AbortSignal): Promise<Profile> {
    const mine = (this.#profile ??= this.#choose(signal).catch(e => {
      if (this.#profile === mine) this.#profile = undefined;
      throw e;
    }));
    return mine;
  }

  async #choose(signal: AbortSignal | undefined): Promise<Profile> {
    const wanted = this.#context.config.profile ?? undefined;
    const device = this.#known();
    const all = await device.profiles(signal);
    const found = wanted === undefined ? all.find(p => p.video) : all.find(p => p.token === wanted);
    if (found?.video) return found;
    const what = wanted === undefined ? 'a media profile with video' : `the media profile "${wanted}" with video`;
    const have = all.filter(p => p.video).map(p => p.token);
    const list = have.length === 0 ? 'none' : have.slice(0, 20).join(', ');
    throw new Fault('absent', 'onvif-no-profile', `${device.peer}: expected ${what}, got ${list}`);
  }

  async #tellClock(signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    try {
      const offset = await this.#known().clockOffset(signal);
      const off = offset !== undefined && Math.abs(offset) > clockSlackMs;
      if (off && !this.#clockTold) log.warn('device-clock-off', { seconds: Math.round(offset / 1000) });
      this.#clockTold = off;
    } catch (e) {
      // Whatever it is, what is asked next meets it too.
      log.debug('device-clock-unknown', { error: faultFrom(e).message });
    }
  }
}
