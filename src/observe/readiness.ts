/** Named things that must hold before the process serves; `/readyz` and STATUS print what is missing. */
export interface Readiness {
  /** Records why a part is not ready, or undefined when it is. */
  set(part: string, reason: string | undefined): void;
  /** Undefined when every part is ready, else all reasons in one line. */
  reason(): string | undefined;
}

/** Every part starts as not ready ("starting"), so that forgetting one is seen. */
export function createReadiness(parts: readonly string[]): Readiness {
  const missing = new Map<string, string>(parts.map((part) => [part, 'starting']));
  return {
    set(part, reason) {
      if (reason === undefined) missing.delete(part);
      else missing.set(part, reason);
    },
    reason() {
      if (missing.size === 0) return undefined;
      return [...missing].map(([part, reason]) => `${part}: ${reason}`).join('; ');
    },
  };
}
