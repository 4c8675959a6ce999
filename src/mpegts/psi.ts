/**
 * Program specific information (ISO/IEC 13818-1 2.4.4): sections, the program association table (PAT)
 * and the program map table (PMT), read and written.
 *
 *   section  table_id(8) | 1 0 11 section_length(12) | id(16) | 11 version(5) current_next(1) | number(8) | last(8) | ... | CRC_32
 *   PAT      { program_number(16) | 111 PID(13) } ...                     program 0 is the network's
 *   PMT      111 PCR_PID(13) | 1111 program_info_length(12) | descriptors |
 *            { stream_type(8) | 111 PID(13) | 1111 ES_info_length(12) | descriptors } ...
 */

export const patPid = 0;
/** 2.4.4.4 and 2.4.4.9: 1021 bytes behind the length at most. */
const sectionLimitBytes = 1024;
const patTable = 0;
const pmtTable = 2;

export interface Program {
  readonly number: number;
  readonly pmtPid: number;
}

export interface ElementaryStream {
  readonly streamType: number;
  readonly pid: number;
  /** Tags, lengths and bodies (2.6). */
  readonly descriptors: Uint8Array;
}

export interface ProgramMap {
  readonly number: number;
  readonly pcrPid: number;
  readonly streams: readonly ElementaryStream[];
}

/** Puts the sections of one PID together. */
export class SectionReader {
  readonly #take: (section: Uint8Array) => void;
  readonly #section = new Uint8Array(sectionLimitBytes);
  #length = 0;
  /** A section has begun. */
  #open = false;

  /** `take` gets a view that is good until it returns. */
  constructor(take: (section: Uint8Array) => void) {
    this.#take = take;
  }

  /** What was lost lies before what comes next. */
  lost(): void {
    this.#open = false;
  }

  /** The payload of a packet; `starts`: payload_unit_start_indicator. */
  payload(bytes: Uint8Array, begin: number, end: number, starts: boolean): void {
    if (!starts) {
      this.#append(bytes, begin, end);
      return;
    }
    const first = begin + 1 + (bytes[begin] ?? 0);
    if (first > end) {
      this.#open = false;
      return;
    }
    this.#append(bytes, begin + 1, first);
    for (let at = first; at + 3 <= end && bytes[at] !== 0xff; ) {
      this.#open = true;
      this.#length = 0;
      const size = 3 + sectionLength(bytes, at);
      this.#append(bytes, at, Math.min(end, at + size));
      at += size;
    }
  }

  #append(bytes: Uint8Array, begin: number, end: number): void {
    if (!this.#open) return;
    const count = Math.min(end - begin, sectionLimitBytes - this.#length);
    this.#section.set(bytes.subarray(begin, begin + count), this.#length);
    this.#length += count;
    if (this.#length < 3) return;
    const size = 3 + sectionLength(this.#section, 0);
    if (size > sectionLimitBytes) this.#open = false;
    else if (this.#length >= size) {
      this.#open = false;
      this.#take(this.#section.subarray(0, size));
    }
  }
}

const sectionLength = (bytes: Uint8Array, at: number): number =>
  (((bytes[at + 1] ?? 0) & 0x0f) << 8) | (bytes[at + 2] ?? 0);

/** The programs of a PAT section; undefined for what is none, has a wrong checksum or does not apply yet. */
export function parsePat(section: Uint8Array): Program[] | undefined {
  if (!isSound(section, patTable)) return undefined;
  const programs: Program[] = [];
  for (let at = 8; at + 8 <= section.length; at += 4) {
    const number = u16(section, at);
    if (number !== 0) programs.push({ number, pmtPid: u16(section, at + 2) & 0x1fff });
  }
  return programs;
}

/** The program that a PMT section describes; undefined as with `parsePat`. */
export function parsePmt(section: Uint8Array): ProgramMap | undefined {
  if (!isSound(section, pmtTable) || section.length < 16) return undefined;
  const end = section.length - 4;
  const streams: ElementaryStream[] = [];
  for (let at = 12 + (u16(section, 10) & 0xfff); at + 5 <= end; ) {
    const next = at + 5 + (u16(section, at + 3) & 0xfff);
    if (next > end) return undefined;
    const descriptors = section.slice(at + 5, next);
    streams.push({ streamType: section[at] ?? 0, pid: u16(section, at + 1) & 0x1fff, descriptors });
    at = next;
  }
  return { number: u16(section, 3), pcrPid: u16(section, 8) & 0x1fff, streams };
}

/** The body of the first descriptor with this tag; undefined without one. */
export function descriptorOf(descriptors: Uint8Array, tag: number): Uint8Array | undefined {
  for (let at = 0; at + 2 <= descriptors.length; ) {
    const end = at + 2 + (descriptors[at + 1] ?? 0);
    if (end > descriptors.length) return undefined;
    if (descriptors[at] === tag) return descriptors.subarray(at + 2, end);
    at = end;
  }
  return undefined;
}

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

function isSound(section: Uint8Array, table: number): boolean {
  // section_syntax_indicator, current_next_indicator
  if (section.length < 12 || section[0] !== table || ((section[1] ?? 0) & 0x80) === 0) return false;
  return ((section[5] ?? 0) & 1) === 1 && crc32(section, 0, section.length) === 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** Annex A: polynomial 0x04c11db7, begun with ones. Over a section with its own CRC it is 0. */
export function crc32(bytes: Uint8Array, begin: number, end: number): number {
  let crc = -1;
  for (let at = begin; at < end; at++) crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return crc >>> 0;
}

/** A PAT with one program, version 0. */
export const writePat = (transportStreamId: number, program: Program): Uint8Array =>
  section(patTable, transportStreamId, [
    program.number >> 8,
    program.number & 0xff,
    0xe0 | (program.pmtPid >> 8),
    program.pmtPid & 0xff,
  ]);

/** A PMT of this `version` (0 to 31), without descriptors of the program. */
export function writePmt(map: ProgramMap, version: number): Uint8Array {
  const body = [0xe0 | (map.pcrPid >> 8), map.pcrPid & 0xff, 0xf0, 0];
  for (const { streamType, pid, descriptors } of map.streams) {
    const length = descriptors.length;
    body.push(streamType, 0xe0 | (pid >> 8), pid & 0xff, 0xf0 | (length >> 8), length & 0xff, ...descriptors);
  }
  return section(pmtTable, map.number, body, version);
}

function section(table: number, id: number, body: readonly number[], version = 0): Uint8Array {
  const length = 5 + body.length + 4;
  const head = [table, 0xb0 | (length >> 8), length & 0xff, id >> 8, id & 0xff, 0xc1 | (version << 1), 0, 0];
  const bytes = Uint8Array.from([...head, ...body, 0, 0, 0, 0]);
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes, 0, bytes.length - 4));
  return bytes;
}
