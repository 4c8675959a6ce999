/** The device service: ONVIF Core, `http://www.onvif.org/ver10/device/wsdl`. */

import { namespaces } from './soap.ts';
import type { Services } from './view.ts';
import { leaf, node } from './xml.ts';

/** Paths of the services, and versions as GetServices tells them. */
export const servicePaths = {
  tds: '/onvif/device_service',
  trt: '/onvif/media_service',
  tr2: '/onvif/media2_service',
  tev: '/onvif/event_service',
  tptz: '/onvif/ptz_service',
  trc: '/onvif/recording_service',
  tse: '/onvif/search_service',
  trp: '/onvif/replay_service',
} as const;

export type ServiceName = keyof typeof servicePaths;

/** As scopes are written: percent-encoded, slashes between the levels kept. */
const scope = (path: string): string => `onvif://www.onvif.org/${path.split('/').map(encodeURIComponent).join('/')}`;

export function scopesOf({
  plate,
  offers,
}: Pick<Parameters<Services['tds'][string]>[1], 'plate' | 'offers'>): string[] {
  return [
    scope('type/video_encoder'),
    ...(offers('tptz') ? [scope('type/ptz')] : []),
    scope('Profile/Streaming'),
    ...(offers('tr2') ? [scope('Profile/T')] : []),
    ...(offers('trc') ? [scope('Profile/G')] : []),
    scope(`name/${plate.name.replaceAll('/', ' ')}`),
    scope(`hardware/${plate.hardware}`),
    scope(`location/${plate.location}`),
  ];
}

const dateAndTime = (tag: string, ms: number): string => {
  const d = new Date(ms);
  const time = node(
    'tt:Time',
    {},
    leaf('tt:Hour', d.getUTCHours()),
    leaf('tt:Minute', d.getUTCMinutes()),
    leaf('tt:Second', d.getUTCSeconds()),
  );
  const date = node(
    'tt:Date',
    {},
    leaf('tt:Year', d.getUTCFullYear()),
    leaf('tt:Month', d.getUTCMonth() + 1),
    leaf('tt:Day', d.getUTCDate()),
  );
  return node(tag, {}, time, date);
};

const capability = (tag: string, url: string, ...more: readonly string[]): string =>
  node(tag, {}, leaf('tt:XAddr', url), ...more);

export const deviceService: Services['tds'] = {
  GetSystemDateAndTime: (_, d) =>
    node(
      'tds:GetSystemDateAndTimeResponse',
      {},
      node(
        'tds:SystemDateAndTime',
        {},
        leaf('tt:DateTimeType', 'NTP'),
        leaf('tt:DaylightSavings', false),
        d.sparse ? '' : node('tt:TimeZone', {}, leaf('tt:TZ', 'UTC0')),
        dateAndTime('tt:UTCDateTime', d.nowMs()),
        d.sparse ? '' : dateAndTime('tt:LocalDateTime', d.nowMs()),
      ),
    ),
  GetDeviceInformation: (_, { plate, sparse }) =>
    node(
      'tds:GetDeviceInformationResponse',
      {},
      leaf('tds:Manufacturer', plate.manufacturer),
      leaf('tds:Model', plate.model),
      leaf('tds:FirmwareVersion', plate.firmware),
      sparse ? '' : leaf('tds:SerialNumber', plate.serial),
      sparse ? '' : leaf('tds:HardwareId', plate.hardware),
    ),
  GetServices: (_, d) =>
    node(
      'tds:GetServicesResponse',
      {},
      ...d.serviceNames.map(name =>
        node(
          'tds:Service',
          {},
          leaf('tds:Namespace', namespaces[name]),
          leaf('tds:XAddr', d.xaddr(servicePaths[name])),
          node('tds:Version', {}, leaf('tt:Major', name === 'tr2' ? 18 : 2), leaf('tt:Minor', 6)),
        ),
      ),
    ),
  GetServiceCapabilities: () =>
    node(
      'tds:GetServiceCapabilitiesResponse',
      {},
      node(
        'tds:Capabilities',
        {},
        node('tds:Network', {}),
        node('tds:Security', { UsernameToken: true, HttpDigest: true }),
        node('tds:System', { DiscoveryBye: true }),
      ),
    ),
  GetCapabilities: (_, d) =>
    node(
      'tds:GetCapabilitiesResponse',
      {},
      node(
        'tds:Capabilities',
        {},
        capability('tt:Device', d.xaddr(servicePaths.tds)),
        d.offers('tev')
          ? capability(
              'tt:Events',
              d.xaddr(servicePaths.tev),
              leaf('tt:WSSubscriptionPolicySupport', false),
              leaf('tt:WSPullPointSupport', true),
              leaf('tt:WSPausableSubscriptionManagerInterfaceSupport', false),
            )
          : '',
        capability(
          'tt:Media',
          d.xaddr(servicePaths.trt),
          node(
            'tt:StreamingCapabilities',
            {},
            leaf('tt:RTPMulticast', false),
            leaf('tt:RTP_TCP', true),
            leaf('tt:RTP_RTSP_TCP', true),
          ),
        ),
        d.offers('tptz') ? capability('tt:PTZ', d.xaddr(servicePaths.tptz)) : '',
        d.offers('trc')
          ? node(
              'tt:Extension',
              {},
              capability('tt:Recording', d.xaddr(servicePaths.trc)),
              capability('tt:Search', d.xaddr(servicePaths.tse)),
              capability('tt:Replay', d.xaddr(servicePaths.trp)),
            )
          : '',
      ),
    ),
  GetScopes: (_, d) =>
    node(
      'tds:GetScopesResponse',
      {},
      ...scopesOf(d).map(s => node('tds:Scopes', {}, leaf('tt:ScopeDef', 'Fixed'), leaf('tt:ScopeItem', s))),
    ),
  GetHostname: (_, { sparse }) =>
    node(
      'tds:GetHostnameResponse',
      {},
      node('tds:HostnameInformation', {}, leaf('tt:FromDHCP', false), sparse ? '' : leaf('tt:Name', 'fake-onvif')),
    ),
  GetNetworkInterfaces: (_, d) =>
    node(
      'tds:GetNetworkInterfacesResponse',
      {},
      node(
        'tds:NetworkInterfaces',
        { token: 'eth0' },
        leaf('tt:Enabled', true),
        node('tt:Info', {}, leaf('tt:Name', 'eth0'), leaf('tt:HwAddress', d.macAddress)),
      ),
    ),
  SystemReboot: (_, d) => {
    d.reboot(1);
    return node('tds:SystemRebootResponse', {}, leaf('tds:Message', 'Rebooting in a moment'));
  },
};
