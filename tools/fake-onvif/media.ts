/** The media service, ver10: JPEG and H.264; profiles with other video appear without a video encoder, as ver10 has no word for it. */
import type { Profile, VideoSource } from './model.ts';
import { type DeviceView, noEntity, type Services } from './view.ts';
import { type Element, leaf, node, textAt } from './xml.ts';

export const profileOf = ({ profiles }: Pick<DeviceView, 'profiles'>, token: string | undefined): Profile => {
  const found = profiles.find(p => p.token === token);
  if (!found) throw noEntity(`there is no profile ${JSON.stringify(token ?? '')}`, 'NoProfile');
  return found;
};

const size = (tag: string, width: number, height: number): string =>
  node(tag, {}, leaf('tt:Width', width), leaf('tt:Height', height));

const sourceOf = ({ sources }: DeviceView, token: string): VideoSource | undefined =>
  sources.find(s => s.token === token);

export function sourceConfiguration(tag: string, d: DeviceView, token: string): string {
  const source = sourceOf(d, token);
  return node(
    tag,
    { token: `vsc_${token}` },
    leaf('tt:Name', `video source ${token}`),
    leaf('tt:UseCount', d.profiles.filter(p => p.video?.source === token).length),
    leaf('tt:SourceToken', token),
    node('tt:Bounds', { x: 0, y: 0, width: source?.width ?? 0, height: source?.height ?? 0 }),
  );
}

/** `codec` as it is spelled here: an element's text (ver10) or a media subtype (ver20). */
export function encoderConfiguration(tag: string, d: DeviceView, profile: Profile, ver: 10 | 20): string {
  const { video } = profile;
  if (!video) return '';
  const inner = [
    leaf('tt:Name', `encoder of ${profile.name}`),
    leaf('tt:UseCount', 1),
    leaf('tt:Encoding', video.codec),
    size('tt:Resolution', video.width, video.height),
  ];
  const quality = leaf('tt:Quality', video.quality);
  if (ver === 20) {
    const rate = node(
      'tt:RateControl',
      {},
      leaf('tt:FrameRateLimit', video.framerate),
      leaf('tt:BitrateLimit', video.bitrateKbps),
    );
    const attributes = { token: `vec_${profile.token}`, GovLength: video.framerate, Profile: 'Main' };
    return node(tag, attributes, ...inner, d.sparse ? '' : rate, quality);
  }
  const rate = node(
    'tt:RateControl',
    {},
    leaf('tt:FrameRateLimit', video.framerate),
    leaf('tt:EncodingInterval', 1),
    leaf('tt:BitrateLimit', video.bitrateKbps),
  );
  const h264 = node('tt:H264', {}, leaf('tt:GovLength', video.framerate), leaf('tt:H264Profile', 'Main'));
  const optional = d.sparse ? [] : [rate, video.codec === 'H264' ? h264 : ''];
  return node(
    tag,
    { token: `vec_${profile.token}` },
    ...inner,
    quality,
    ...optional,
    leaf('tt:SessionTimeout', 'PT60S'),
  );
}

export const audioConfiguration = (tag: string, { audio, token }: Profile, ver: 10 | 20): string =>
  audio === undefined
    ? ''
    : node(
        tag,
        { token: `aec_${token}` },
        leaf('tt:Name', 'audio encoder'),
        leaf('tt:UseCount', 1),
        leaf('tt:Encoding', ver === 20 && audio === 'G711' ? 'PCMU' : ver === 20 ? 'MP4A-LATM' : audio),
        leaf('tt:Bitrate', 64),
        leaf('tt:SampleRate', audio === 'G711' ? 8 : 48),
      );

const told = (p: Profile): boolean => p.video === undefined || p.video.codec !== 'H265';

function profileElement(tag: string, d: DeviceView, p: Profile): string {
  const { video } = p;
  return node(
    tag,
    { token: p.token, ...(d.sparse ? {} : { fixed: true }) },
    leaf('tt:Name', p.name),
    video ? sourceConfiguration('tt:VideoSourceConfiguration', d, video.source) : '',
    encoderConfiguration('tt:VideoEncoderConfiguration', d, p, 10),
    audioConfiguration('tt:AudioEncoderConfiguration', p, 10),
    d.offers('tptz') && video
      ? node(
          'tt:PTZConfiguration',
          { token: 'ptzc0' },
          leaf('tt:Name', 'ptz'),
          leaf('tt:UseCount', 1),
          leaf('tt:NodeToken', 'ptzn0'),
        )
      : '',
  );
}

const tokenIn = (request: Element): string | undefined => textAt(request, 'ProfileToken');

export const mediaService: Services['trt'] = {
  GetServiceCapabilities: () =>
    node(
      'trt:GetServiceCapabilitiesResponse',
      {},
      node(
        'trt:Capabilities',
        { SnapshotUri: true },
        node('trt:ProfileCapabilities', { MaximumNumberOfProfiles: 8 }),
        node('trt:StreamingCapabilities', { RTP_TCP: true, RTP_RTSP_TCP: true }),
      ),
    ),
  GetVideoSources: (_, d) =>
    node(
      'trt:GetVideoSourcesResponse',
      {},
      ...d.sources.map(s =>
        node(
          'trt:VideoSources',
          { token: s.token },
          leaf('tt:Framerate', s.framerate),
          size('tt:Resolution', s.width, s.height),
          d.sparse ? '' : node('tt:Imaging', {}, leaf('tt:Brightness', 50)),
        ),
      ),
    ),
  GetAudioSources: (_, d) =>
    node(
      'trt:GetAudioSourcesResponse',
      {},
      ...(d.profiles.some(p => p.audio) ? [node('trt:AudioSources', { token: 'as0' }, leaf('tt:Channels', 1))] : []),
    ),
  GetProfiles: (_, d) =>
    node('trt:GetProfilesResponse', {}, ...d.profiles.filter(told).map(p => profileElement('trt:Profiles', d, p))),
  GetProfile: (request, d) =>
    node('trt:GetProfileResponse', {}, profileElement('trt:Profile', d, profileOf(d, tokenIn(request)))),
  GetVideoSourceConfigurations: (_, d) =>
    node(
      'trt:GetVideoSourceConfigurationsResponse',
      {},
      ...d.sources.map(s => sourceConfiguration('trt:Configurations', d, s.token)),
    ),
  GetVideoEncoderConfigurations: (_, d) =>
    node(
      'trt:GetVideoEncoderConfigurationsResponse',
      {},
      ...d.profiles.filter(told).map(p => encoderConfiguration('trt:Configurations', d, p, 10)),
    ),
  GetStreamUri: (request, d) => {
    const profile = profileOf(d, tokenIn(request));
    const protocol = textAt(request, 'StreamSetup', 'Transport', 'Protocol');
    if (protocol === undefined)
      throw noEntity('expected StreamSetup with Transport and Protocol', 'InvalidStreamSetup');
    return node(
      'trt:GetStreamUriResponse',
      {},
      node(
        'trt:MediaUri',
        {},
        leaf('tt:Uri', d.rtspUrl(profile.token)),
        leaf('tt:InvalidAfterConnect', false),
        leaf('tt:InvalidAfterReboot', false),
        leaf('tt:Timeout', 'PT60S'),
      ),
    );
  },
  GetSnapshotUri: (request, d) => {
    const profile = profileOf(d, tokenIn(request));
    if (!profile.video) throw noEntity('this profile has no video', 'IncompleteConfiguration');
    return node(
      'trt:GetSnapshotUriResponse',
      {},
      node(
        'trt:MediaUri',
        {},
        leaf('tt:Uri', d.xaddr(`/onvif/snapshot/${profile.token}`)),
        leaf('tt:InvalidAfterConnect', false),
        leaf('tt:InvalidAfterReboot', false),
        leaf('tt:Timeout', 'PT0S'),
      ),
    );
  },
  SetSynchronizationPoint: (request, d) => {
    profileOf(d, tokenIn(request));
    return node('trt:SetSynchronizationPointResponse', {});
  },
};
