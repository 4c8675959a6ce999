/** What the parts of an ONVIF object have in common. */
import type { OnvifDevice } from '#onvif/device';
import type { Profile } from '#onvif/media';
import type { OnvifContext } from './index.ts';

/** The way to the device, for what stands beside the stream. */
export interface DeviceAccess {
  readonly context: OnvifContext;
  /** As it is known now; another one after `failed`. */
  device(): OnvifDevice;
  /** The profile that is played. */
  profile(signal?: AbortSignal): Promise<Profile>;
  /** It does not answer as it did: nothing that is known of it holds any more. */
  failed(): void;
}
