/** What the house itself offers, beside its objects (docs/design/architecture.md 2). Loaded when it is first asked for. */

import type { HouseInterface } from '#core/runtime';
import type { Static } from '#core/schema';
import type { World } from '#core/world';
import { OnvifDiscovery } from '#interface/onvif-discovery';
import type { Environment } from '#onvif/environment';

type ProbeArguments = Static<(typeof OnvifDiscovery)['functions']['probe']['params']>;

/** Discovery and probe of ONVIF devices. */
export function onvifDiscovery(world: World): HouseInterface {
  let loaded: Promise<Environment> | undefined;
  const onvif = (): Promise<Environment> =>
    (loaded ??= import('#onvif/environment').then(m => new m.Environment(world)));
  return {
    decl: OnvifDiscovery,
    functions: {
      discover: async () => (await onvif()).discover(),
      probe: async args => {
        const { url, auth } = args as ProbeArguments;
        return (await onvif()).probe(url, auth ?? null);
      },
    },
  };
}
