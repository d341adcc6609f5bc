import { pino } from 'pino';

/** Lines of JSON on stderr; stdout belongs to programs' own output. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Logger;
}

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Synchronous, so that the line before a crash is on the disk; values of keys that may hold secrets are redacted. */
export function createLogger(options: { program: string; level: LogLevel }): Logger {
  return pino(
    {
      name: options.program,
      level: options.level,
      redact: { paths: ['token', '*.token', 'ipam', '*.ipam', '*.authorization'], censor: '[redacted]' },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      base: { program: options.program, pid: process.pid },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Swallows everything; for tests and one-shot commands. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
