import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** Network namespaces of one test file; end() removes them, and with them every link inside. */
export interface Namespaces {
  /** Makes a namespace with lo up; answers its path. */
  add(): string;
  /** Runs `ip` inside a namespace and answers stdout; throws with its stderr. */
  ip(netns: string, ...args: string[]): string;
  /** Two ends of a cable, up, with the carrier that the kernel notices a moment after. */
  veth(netns: string, name: string, peerNetns: string, peerName: string): void;
  remove(netns: string): void;
  end(): void;
}

export function createNamespaces(): Namespaces {
  const made = new Set<string>();
  const host = (...args: string[]): string =>
    execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const nameOf = (netns: string): string => netns.slice(netns.lastIndexOf('/') + 1);
  const ip = (netns: string, ...args: string[]): string => host('-n', nameOf(netns), ...args);
  const remove = (netns: string): void => {
    made.delete(netns);
    try {
      host('netns', 'del', nameOf(netns));
    } catch {
      // The test has removed it itself.
    }
  };
  return {
    add() {
      const name = `mn-${randomBytes(5).toString('hex')}`;
      host('netns', 'add', name);
      const path = `/run/netns/${name}`;
      made.add(path);
      ip(path, 'link', 'set', 'lo', 'up');
      return path;
    },
    ip,
    veth(netns, name, peerNetns, peerName) {
      ip(netns, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peerName, 'netns', nameOf(peerNetns));
      ip(netns, 'link', 'set', name, 'up');
      ip(peerNetns, 'link', 'set', peerName, 'up');
      while (!ip(netns, 'link', 'show', 'dev', name, 'up').includes('state UP'));
    },
    remove,
    end() {
      made.forEach(remove);
    },
  };
}
