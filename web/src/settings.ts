/** What the page remembers of its user: the clock, the sound. Signals; kept in the browser where it allows that. */
import { effect, type Signal, signal } from '@preact/signals';
import type { Zone } from './time-text.ts';

function kept<T extends string>(key: string, values: readonly T[], fallback: T): Signal<T> {
  let found: string | null = null;
  try {
    found = localStorage.getItem(key);
  } catch {} // storage is switched off: the setting lasts as long as the page
  const setting = signal(values.find(v => v === found) ?? fallback);
  effect(() => {
    const { value } = setting;
    try {
      localStorage.setItem(key, value);
    } catch {} // as above
  });
  return setting;
}

export const zone = kept<Zone>('ocellus.zone', ['local', 'utc'], 'local');
export const sound = kept<'off' | 'on'>('ocellus.sound', ['off', 'on'], 'off');
