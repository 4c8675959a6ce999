import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { aacTrack, writeAudioSpecificConfig } from '#media/aac';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('AudioSpecificConfig', () => {
  // config: codec, rate, channels, samples in a unit.
  const cases: [name: string, config: string, out: [string, number, number, number] | undefined][] = [
    ['LC, 48 kHz, stereo', '1190', ['mp4a.40.2', 48000, 2, 1024]],
    ['LC, 16 kHz, mono', '1408', ['mp4a.40.2', 16000, 1, 1024]],
    ['LC, 8 kHz, mono, with zeros behind', '15880000', ['mp4a.40.2', 8000, 1, 1024]],
    ['LC, 960 samples', '1194', ['mp4a.40.2', 48000, 2, 960]],
    ['SBR said outright: twice the rate', '2b098800', ['mp4a.40.5', 48000, 1, 2048]],
    ['an explicit rate of 24 bits', '17802ee010', ['mp4a.40.2', 24000, 2, 1024]],
    ['a rate in 24 bits that no table has', '1780181c88', ['mp4a.40.2', 12345, 1, 1024]],
    ['HE-AAC of 24 kHz, zeros behind', '2b118800', ['mp4a.40.5', 48000, 2, 2048]],
    ['a rate of 0', '178000000010', undefined],
    ['object type 0', '0190', undefined],
    ['a rate that does not exist', '1690', undefined],
    ['one byte', '11', undefined],
    ['nothing', '', undefined],
  ];
  for (const [name, config, out] of cases)
    test(name, () => {
      const t = aacTrack(hex(config));
      assert.deepEqual(t && [t.codecText, t.sampleRate, t.channels, t.samplesPerUnit], out);
    });
  test('what is written is read back', () => {
    for (const rate of [48000, 44100, 16000, 8000])
      for (const channels of [1, 2, 6]) {
        const t = aacTrack(writeAudioSpecificConfig(rate, channels)!);
        assert.deepEqual([t?.sampleRate, t?.channels, t?.timescale], [rate, channels, rate]);
      }
    assert.equal(writeAudioSpecificConfig(12345, 1), undefined);
  });
  test('any bytes: no throw', () => {
    const random = fuzzSeed('aac config');
    for (let i = 0; i < fuzzRounds(2000); i++) aacTrack(mutate(random, hex('2b0988001190')));
  });
});
