/** Interface OnvifDiscovery, of the house: ONVIF devices of the network, and what one of them is (docs/spec/api.md 7.4). */
import { defineInterface } from '#core/interface';
import { Nullable, Type } from '#core/schema';

const pixels = (description: string) =>
  Type.Array(Type.Integer(), { minItems: 2, maxItems: 2, description: `${description}, [width, height] in pixels` });

/** A device that answered. Clients use the first address. */
export const FoundDevice = Type.Object({
  scopes: Type.Object(
    {
      name: Type.String({ description: "the device's name" }),
      hardware: Type.String({ description: 'its model' }),
      location: Type.String({ description: 'where it says it is' }),
    },
    { description: 'what it says of itself; empty texts where it says nothing' },
  ),
  xaddrs: Type.Array(Type.String(), {
    description: 'addresses of its device service, the likeliest first; at least one',
  }),
});

/** What a device is. */
export const ProbedDevice = Type.Object({
  info: Type.Object(
    {
      vendor: Type.String({ description: 'who made it' }),
      serial: Type.String({ description: 'its serial number' }),
      model: Type.String({ description: 'its model' }),
      firmware: Type.String({ description: 'version of its program' }),
    },
    { description: 'empty texts where it says nothing' },
  ),
  video_sources: Type.Array(
    Type.Object({
      token: Type.String({ description: 'what profiles name it by' }),
      resolution: pixels('of its pictures'),
      framerate: Type.Number({ description: 'pictures per second' }),
    }),
    { description: 'its sensors or inputs' },
  ),
  profiles: Type.Array(
    Type.Object({
      token: Type.String({ description: '`profile` of an onvif object' }),
      name: Type.String({ description: 'for people' }),
      fixed: Type.Boolean({ description: 'cannot be deleted' }),
      video: Type.Object(
        {
          codec: Type.String({ description: 'H264, H265, JPEG ...' }),
          resolution: pixels('as encoded'),
          source: Type.String({ description: 'token of its video source' }),
          quality: Type.Number({ description: "factor of the device's own scale" }),
          bounds: Type.Array(Type.Integer(), {
            minItems: 4,
            maxItems: 4,
            description: 'part of the source that is shown: [x, y, width, height] in pixels',
          }),
        },
        { description: 'how its video is encoded' },
      ),
    }),
    { description: 'its media profiles, without those that have no video' },
  ),
});

/** One for the whole house. */
export const OnvifDiscovery = defineInterface('OnvifDiscovery', {
  doc: 'ONVIF devices of the network.',
  of: 'house',
  snake: ['discovery.onvif'],
  functions: {
    discover: {
      doc: 'Asks all networks of this machine by WS-Discovery, over IPv4, and answers who replied within 2 s.',
      right: 'operate',
      params: Type.Object({}),
      result: Type.Array(FoundDevice),
      http: { verb: 'GET', path: 'onvif' },
    },
    probe: {
      doc: 'Asks one device what it is, within 3 s. Where there is none, or it answers nothing of use, the failure is always the same; a refused login is told.',
      right: 'operate',
      params: Type.Object({
        url: Type.String({ maxLength: 1000, description: 'its device service, http or https' }),
        auth: Type.Optional(
          Nullable(Type.Array(Nullable(Type.String({ maxLength: 256 })), { minItems: 2, maxItems: 2 }), {
            secret: true,
            description: '[login, password]; null, absent or [null, null] is none',
          }),
        ),
      }),
      result: ProbedDevice,
      http: { verb: 'POST', path: 'onvif/probe' },
    },
  },
});
