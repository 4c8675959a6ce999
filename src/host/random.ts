/** Chance, as core/world.ts has it. Bytes and UUIDs come from the system and may be secrets; `unit` is for jitter only. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '#core/world';

export const random: Random = {
  unit: () => Math.random(),
  bytes: count => new Uint8Array(randomBytes(count)),
  uuid: () => randomUUID(),
};
