/** Seeds for fuzz tests: printed, and repeatable with OCELLUS_FUZZ_SEED. */
import { SeededRandom } from '#fake/world';

export function fuzzSeed(what: string): SeededRandom {
  const seed = Number(process.env['OCELLUS_FUZZ_SEED'] ?? Date.now() % 1_000_000);
  console.log(`# ${what}: OCELLUS_FUZZ_SEED=${seed}`);
  return new SeededRandom(seed);
}

/** How many rounds a fuzz test runs: few with the other tests, more with OCELLUS_FUZZ (npm run fuzz). */
export const fuzzRounds = (few: number): number => few * Number(process.env['OCELLUS_FUZZ'] ?? 1);

/** A valid input with bytes changed, cut out, put in or doubled; or noise. */
export function mutate(random: SeededRandom, valid: Uint8Array): Uint8Array {
  if (random.below(8) === 0) return random.bytes(random.below(200));
  let bytes = [...valid];
  for (let n = random.below(6); n >= 0; n--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes.splice(at, random.below(12));
        break;
      case 2:
        bytes.splice(at, 0, ...random.bytes(random.below(12)));
        break;
      case 3:
        bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 20))];
        break;
      default:
        bytes[at] = [0, 255, 0x24, 0x0a, 0x3a][random.below(5)]!;
    }
  }
  return Uint8Array.from(bytes, b => b ?? 0);
}
