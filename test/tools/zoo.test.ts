/** The zoo's accountant: what it calls a hole, and what an overlap. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account } from '../../tools/zoo/judge.ts';

const gap = (begin: number, end: number, reason = 'network-loss') => ({ at: [begin, end] as const, reason });

const rows: [name: string, timeline: (readonly [number, number])[], gaps: ReturnType<typeof gap>[], wrong: string[]][] =
  [
    [
      'footage, gap, footage',
      [
        [0, 100],
        [200, 300],
      ],
      [gap(100, 200)],
      [],
    ],
    [
      'a gap in two parts',
      [
        [0, 100],
        [200, 300],
      ],
      [gap(100, 150), gap(150, 200, 'no-media')],
      [],
    ],
    [
      'a hole that nothing explains',
      [
        [0, 100],
        [200, 300],
      ],
      [gap(120, 200)],
      ['20 ms before network-loss that nothing explains'],
    ],
    [
      'a gap that goes on over footage',
      [
        [0, 100],
        [200, 300],
      ],
      [gap(100, 250)],
      ['footage overlaps what is before it by 50 ms'],
    ],
    ['a reason of nobody', [[0, 100]], [gap(100, 200, 'bad-luck')], ['a gap of unknown reason bad-luck']],
  ];
for (const [name, timeline, gaps, wrong] of rows)
  test(`an account: ${name}`, () => assert.deepEqual(account(timeline, gaps).wrong, wrong));
