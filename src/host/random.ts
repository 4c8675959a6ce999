import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '#core/world';

export const random: Random = {
  unit: () => Math.random(),
  bytes: count => new Uint8Array(randomBytes(count)),
  uuid: () => randomUUID(),
};
