/**
 * The device service (ONVIF Core 8): what the device is and which services it has where.
 * GetServices of today and GetCapabilities of before 2012 give the same answer here.
 */
import { at, child, children, textAt, type XmlElement } from './xml.ts';

export interface DeviceInformation {
  readonly vendor: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
}

/** Services that we know what to do with. */
export type ServiceName = 'media' | 'media2' | 'events' | 'ptz' | 'search' | 'replay' | 'recording';
/** Addresses as the device gives them. */
export type Services = ReadonlyMap<ServiceName, string>;

export const getSystemDateAndTime = '<tds:GetSystemDateAndTime/>';
export const getDeviceInformation = '<tds:GetDeviceInformation/>';
export const getServices = '<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>';
export const getCapabilities = '<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>';

const shown = (text: string | undefined): string => (text ?? '').slice(0, 200);

/** Of the answer to GetDeviceInformation; what is missing is ''. */
export const readInformation = (answer: XmlElement): DeviceInformation => ({
  vendor: shown(textAt(answer, 'Manufacturer')),
  model: shown(textAt(answer, 'Model')),
  firmware: shown(textAt(answer, 'FirmwareVersion')),
  serial: shown(textAt(answer, 'SerialNumber')),
});

/** Namespaces of services, without what stands before `onvif.org`. */
const byNamespace: Readonly<Record<string, ServiceName>> = {
  '/ver10/media/wsdl': 'media',
  '/ver20/media/wsdl': 'media2',
  '/ver10/events/wsdl': 'events',
  '/ver20/ptz/wsdl': 'ptz',
  '/ver10/search/wsdl': 'search',
  '/ver10/replay/wsdl': 'replay',
  '/ver10/recording/wsdl': 'recording',
};

/** Of the answer to GetServices; the first address of each service. */
export function readServices(answer: XmlElement): Services {
  const found = new Map<ServiceName, string>();
  for (const service of children(answer, 'Service')) {
    const path = /onvif\.org(\/[\w/]+)$/i.exec(textAt(service, 'Namespace') ?? '')?.[1]?.toLowerCase() ?? '';
    const name = Object.hasOwn(byNamespace, path) ? byNamespace[path] : undefined;
    const address = textAt(service, 'XAddr');
    if (name !== undefined && address !== undefined && !found.has(name)) found.set(name, address);
  }
  return found;
}

/** Category of GetCapabilities (ONVIF Core 8.1.2), below `Capabilities` or its `Extension`. */
const byCategory: Readonly<Record<string, ServiceName>> = {
  Media: 'media',
  Events: 'events',
  PTZ: 'ptz',
  Search: 'search',
  Replay: 'replay',
  Recording: 'recording',
};

/** Of the answer to GetCapabilities, which knows no Media 2. */
export function readCapabilities(answer: XmlElement): Services {
  const found = new Map<ServiceName, string>();
  const capabilities = child(answer, 'Capabilities');
  for (const [category, name] of Object.entries(byCategory)) {
    const address = textAt(capabilities, category, 'XAddr') ?? at(capabilities, 'Extension', category, 'XAddr')?.text;
    if (address) found.set(name, address);
  }
  return found;
}
