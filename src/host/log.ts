/**
 * The log: one line per event on stderr, JSON for machines and short text on a terminal.
 * Written at once and whole, so that the lines of all threads interleave and none is lost
 * in a crash.
 */
import { writeSync } from 'node:fs';
import pino from 'pino';
import type { Facts, Log } from '#core/world';

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly thread: string;
  /** Short text for people instead of JSON. */
  readonly text: boolean;
}

const stderr = 2;

export function createLog({ level, thread, text }: LogOptions): Log {
  const out = { write: (line: string) => void writeAll(text ? readable(line) : line) };
  return wrap(
    pino(
      {
        level,
        base: { thread },
        messageKey: 'event',
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: label => ({ level: label }) },
      },
      out,
    ),
  );
}

/** A terminal that is gone (EIO, EPIPE) or slow (EAGAIN) must not end the daemon: such a line is lost. */
function writeAll(line: string): void {
  try {
    writeSync(stderr, line);
  } catch {
    lost++;
  }
}
let lost = 0;

/** Lines that could not be written since the start. */
export const lostLines = (): number => lost;

function wrap(logger: pino.Logger): Log {
  const say =
    (level: LogLevel) =>
    (event: string, facts: Facts = {}): void =>
      logger[level](facts, event);
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    with: facts => wrap(logger.child(facts)),
  };
}

function readable(line: string): string {
  const { level, time, thread: _, event, object, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(facts).map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`);
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${object === undefined ? '' : `${object}: `}${event} ${rest.join(' ')}\n`;
}
