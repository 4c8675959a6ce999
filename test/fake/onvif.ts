/** SOAP answers as text, and a device made of a function, for tests of `#onvif`. */
import type { HttpClientAnswer, HttpClientRequest } from '#core/world';
import { FakeClock, SeededRandom } from '#fake/world';
import { namespaces } from '#onvif/soap';

/** An answer with the usual prefixes declared. */
export const soap = (body: string): string =>
  `<?xml version="1.0"?><s:Envelope${Object.entries(namespaces)
    .map(([p, uri]) => ` xmlns:${p}="${uri}"`)
    .join('')} xmlns:tns1="http://www.onvif.org/ver10/topics"><s:Header/><s:Body>${body}</s:Body></s:Envelope>`;

/** A fault of SOAP 1.2. */
export const soapFault = (codes: readonly string[], reason: string): string => {
  const code = codes.reduceRight((inner, c) => `<s:Subcode><s:Value>${c}</s:Value>${inner}</s:Subcode>`, '');
  return soap(
    `<s:Fault>${code.replace(/^<s:Subcode>/, '<s:Code>').replace(/<\/s:Subcode>$/, '</s:Code>')}<s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`,
  );
};

export interface FakeReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The name of the element in the body of a request: `GetProfiles`. */
export const functionOf = (request: string): string => /<s:Body><\w+:(\w+)/.exec(request)?.[1] ?? '';

/** Parts of an `OnvifDevice` whose requests a function answers, and the requests that came. */
export function fakeDevice(
  answer: (name: string, request: HttpClientRequest) => FakeReply | Promise<FakeReply>,
  login?: { user: string; password: string },
  url = 'http://10.0.0.7/onvif/device_service',
) {
  const requests: HttpClientRequest[] = [];
  const clock = new FakeClock();
  const http = {
    request: async (request: HttpClientRequest): Promise<HttpClientAnswer> => {
      requests.push(request);
      const reply = await answer(functionOf(request.body ?? ''), request);
      return { status: reply.status ?? 200, headers: reply.headers ?? {}, body: new TextEncoder().encode(reply.body) };
    },
  };
  const asked = (): string[] => requests.map(r => functionOf(r.body ?? ''));
  return { parts: { http, clock, random: new SeededRandom(), url, login }, requests, asked, clock };
}
