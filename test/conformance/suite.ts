import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CniVersion, supportedVersions } from '../../src/cni/types.ts';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import type { Launch } from '../../src/spawner/types.ts';
import { NotApplicable, type Statement, short } from './statement.ts';
import { statements } from './statements/all.ts';
import type { Subject } from './subject.ts';
import { createTrial } from './trial.ts';

/** How a plugin does on one statement. */
export interface Finding {
  readonly id: number;
  readonly title: string;
  readonly passed: boolean;
  /** The statement says nothing about this plugin: counted, and never as passed. */
  readonly notApplicable?: true;
  /** Versions that were tried, or what is broken, or why it says nothing. */
  readonly detail: string;
}

/** Where plugins are tried. */
export interface Place {
  readonly host: LabHost;
  /** Starts programs on the host. */
  readonly launch: Launch;
  /** The built recorder.c. */
  readonly recorder: string;
  /** A folder that host and suite see under one path. */
  readonly dir: string;
  readonly slowness: number;
  /** Before each trial: puts back what a trial may have lost for good. */
  readonly refresh?: () => Promise<void>;
}

export interface SuiteOptions {
  /** Numbers of statements; all by default. */
  readonly only?: readonly number[];
  /** Versions to try; all by default. */
  readonly versions?: readonly CniVersion[];
  /** One call after the other as far as the statements allow: for a plugin that takes away what it attaches (host-device). */
  readonly serial?: boolean;
  readonly onFinding?: (finding: Finding, ms: number) => void;
}

/** Statements tried at the same time: most wait for something now and then. On a slow kernel each has to do with fewer beside it. */
const width = { usual: 4, slow: 2 } as const;

/** Tries a plugin, the versions of each statement side by side. @returns by number */
export async function runSuite(place: Place, subject: Subject, options: SuiteOptions = {}): Promise<Finding[]> {
  const { only, versions = supportedVersions, serial = false, onFinding } = options;
  const wanted = statements.filter(({ id }) => only === undefined || only.includes(id));
  const findings: Finding[] = [];
  const work = async (queue: Statement[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const start = performance.now();
      const finding = await judge(place, subject, next, { versions, serial });
      findings.push(finding);
      onFinding?.(finding, performance.now() - start);
    }
  };
  const together = wanted.filter(({ alone }) => alone !== true);
  await Promise.all(
    Array.from({ length: serial ? 1 : place.slowness > 1 ? width.slow : width.usual }, () => work(together)),
  );
  await work(wanted.filter(({ alone }) => alone === true));
  return findings.toSorted((a, b) => a.id - b.id);
}

interface Outcome {
  readonly version: CniVersion;
  readonly error?: unknown;
}

async function judge(
  place: Place,
  subject: Subject,
  statement: Statement,
  { versions: wanted, serial }: { readonly versions: readonly CniVersion[]; readonly serial: boolean },
): Promise<Finding> {
  const { id, title } = statement;
  const spoken = statement.everyVersion === true ? supportedVersions : subject.versions;
  const versions = statement.versions.filter((version) => spoken.includes(version) && wanted.includes(version));
  if (statement.versions.length > 0 && versions.length === 0) {
    const detail = `it does not speak ${statement.versions.join(', ')}`;
    return { id, title, passed: false, notApplicable: true, detail };
  }
  const anyVersion = subject.versions.findLast((version) => version !== '1.1.0') ?? '1.0.0';
  const tried = versions.length === 0 ? [anyVersion] : versions;
  const outcomes: Outcome[] = [];
  // Side by side, or one by one: their order is that of the versions.
  for (const group of serial ? tried.map((version) => [version]) : [tried]) {
    outcomes.push(...(await Promise.all(group.map((version) => attempt(place, subject, statement, version)))));
  }
  const broken = outcomes.filter(({ error }) => error !== undefined && !(error instanceof NotApplicable));
  if (broken.length > 0) return { id, title, passed: false, detail: describe(broken, versions.length > 1) };
  const [without] = outcomes.flatMap(({ error }) => (error instanceof NotApplicable ? [error] : []));
  if (without !== undefined) return { id, title, passed: false, notApplicable: true, detail: without.message };
  return { id, title, passed: true, detail: versions.join(', ') };
}

async function attempt(place: Place, subject: Subject, statement: Statement, version: CniVersion): Promise<Outcome> {
  const folder = join(place.dir, 'trials', `${statement.id}-${version}-${randomBytes(4).toString('hex')}`);
  mkdirSync(folder, { recursive: true });
  await place.refresh?.();
  const trial = createTrial({ ...place, subject, version, folder });
  try {
    await statement.run(trial);
    return { version };
  } catch (error) {
    return { version, error };
  } finally {
    await trial.end();
  }
}

/** The first way in which it fails, with the versions that fail so; then the other versions that fail. */
function describe(broken: readonly Outcome[], severalVersions: boolean): string {
  const messageOf = ({ error }: Outcome) => (error instanceof Error ? error.message : String(error));
  const [first] = broken;
  const message = first === undefined ? '' : messageOf(first);
  if (!severalVersions) return short(message, 400);
  const versionsOf = (list: readonly Outcome[]) => list.map(({ version }) => version).join(', ');
  const others = broken.filter((outcome) => messageOf(outcome) !== message);
  const more = others.length === 0 ? '' : ` (in other words: ${versionsOf(others)})`;
  return `${versionsOf(broken.filter((outcome) => messageOf(outcome) === message))}: ${short(message, 400)}${more}`;
}
