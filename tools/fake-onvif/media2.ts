/** The media service, ver20: all profiles, H.265 included; what a profile is made of is told as far as `Type` asks. */
import { audioConfiguration, encoderConfiguration, profileOf, sourceConfiguration } from './media.ts';
import type { Profile } from './model.ts';
import { type DeviceView, noEntity, type Services } from './view.ts';
import { children, type Element, leaf, node, textAt } from './xml.ts';

function profileElement(d: DeviceView, p: Profile, types: readonly string[]): string {
  const wants = (type: string): boolean => types.includes(type) || types.includes('All');
  const { video } = p;
  const parts = [
    video && wants('VideoSource') ? sourceConfiguration('tr2:VideoSource', d, video.source) : '',
    wants('VideoEncoder') ? encoderConfiguration('tr2:VideoEncoder', d, p, 20) : '',
    wants('AudioEncoder') ? audioConfiguration('tr2:AudioEncoder', p, 20) : '',
    d.offers('tptz') && video && wants('PTZ')
      ? node(
          'tr2:PTZ',
          { token: 'ptzc0' },
          leaf('tt:Name', 'ptz'),
          leaf('tt:UseCount', 1),
          leaf('tt:NodeToken', 'ptzn0'),
        )
      : '',
  ].join('');
  return node(
    'tr2:Profiles',
    { token: p.token, ...(d.sparse ? {} : { fixed: true }) },
    leaf('tr2:Name', p.name),
    parts === '' ? '' : node('tr2:Configurations', {}, parts),
  );
}

const tokenIn = (request: Element): string | undefined => textAt(request, 'ProfileToken');

/** Media 2 5.3: transports by name. */
const protocols = ['RtspUnicast', 'RtspMulticast', 'RTSP', 'RtspOverHttp'];

export const media2Service: Services['tr2'] = {
  GetServiceCapabilities: () =>
    node(
      'tr2:GetServiceCapabilitiesResponse',
      {},
      node(
        'tr2:Capabilities',
        { SnapshotUri: true },
        node('tr2:ProfileCapabilities', {
          MaximumNumberOfProfiles: 8,
          ConfigurationsSupported: 'VideoSource VideoEncoder AudioEncoder PTZ',
        }),
        node('tr2:StreamingCapabilities', { RTSPStreaming: true, RTP_RTSP_TCP: true }),
      ),
    ),
  GetProfiles: (request, d) => {
    const token = textAt(request, 'Token');
    const types = children(request, 'Type').map(t => t.text.trim());
    const wanted = token === undefined ? d.profiles : [profileOf(d, token)];
    return node('tr2:GetProfilesResponse', {}, ...wanted.map(p => profileElement(d, p, types)));
  },
  GetVideoSourceConfigurations: (_, d) =>
    node(
      'tr2:GetVideoSourceConfigurationsResponse',
      {},
      ...d.sources.map(s => sourceConfiguration('tr2:Configurations', d, s.token)),
    ),
  GetVideoEncoderConfigurations: (_, d) =>
    node(
      'tr2:GetVideoEncoderConfigurationsResponse',
      {},
      ...d.profiles.map(p => encoderConfiguration('tr2:Configurations', d, p, 20)),
    ),
  GetStreamUri: (request, d) => {
    const protocol = textAt(request, 'Protocol') ?? '';
    if (!protocols.includes(protocol))
      throw noEntity(`expected one of ${protocols.join(', ')}, got ${JSON.stringify(protocol)}`, 'InvalidStreamSetup');
    return node('tr2:GetStreamUriResponse', {}, leaf('tr2:Uri', d.rtspUrl(profileOf(d, tokenIn(request)).token)));
  },
  GetSnapshotUri: (request, d) =>
    node(
      'tr2:GetSnapshotUriResponse',
      {},
      leaf('tr2:Uri', d.xaddr(`/onvif/snapshot/${profileOf(d, tokenIn(request)).token}`)),
    ),
  SetSynchronizationPoint: (request, d) => {
    profileOf(d, tokenIn(request));
    return node('tr2:SetSynchronizationPointResponse', {});
  },
};
