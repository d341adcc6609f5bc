import { remember } from '../remember.ts';

/** Something to tell of an object. */
export interface News {
  /** Warning: somebody should look. */
  readonly type: 'Normal' | 'Warning';
  /** One word for programs. */
  readonly reason: string;
  readonly message: string;
}

/** What to tell, and what makes two tellings one: equal keys are counted as one event. */
export interface Correlated {
  readonly key: string;
  readonly news: News;
}

export interface CorrelatorLimits {
  /** Events of one object and type that may come at once, … */
  readonly burst: number;
  /** … and ms in which one more may. */
  readonly refillMs: number;
  /** So many messages for one reason of one object within `similarMs` are told one by one; what follows shares one event. */
  readonly similar: number;
  readonly similarMs: number;
  /** Objects and reasons that are remembered; the one that was silent for longest is forgotten first. */
  readonly remembered: number;
}

/** Those of client-go's event correlator. */
export const correlatorLimits: CorrelatorLimits = {
  burst: 25,
  refillMs: 300_000,
  similar: 10,
  similarMs: 600_000,
  remembered: 4_096,
};

/** Undefined: the object has told too much, and this is dropped. @param now ms */
export type Correlate = (uid: string, news: News, now: number) => Correlated | undefined;

interface Bucket {
  tokens: number;
  at: number;
}

interface Series {
  readonly messages: Set<string>;
  at: number;
}

/**
 * Keeps one object from filling the cluster's events, by the rules of client-go's EventCorrelator: a bucket of tokens for each object
 * (here one for warnings and one for the rest), and one event for messages of one reason that never say the same.
 */
export function createCorrelator(limits: CorrelatorLimits = correlatorLimits): Correlate {
  const buckets = new Map<string, Bucket>();
  const series = new Map<string, Series>();

  function take(key: string, now: number): boolean {
    const bucket = buckets.get(key) ?? { tokens: limits.burst, at: now };
    const tokens = Math.min(limits.burst, bucket.tokens + (now - bucket.at) / limits.refillMs);
    const allowed = tokens >= 1;
    remember(buckets, key, { tokens: allowed ? tokens - 1 : tokens, at: now }, limits.remembered);
    return allowed;
  }

  function merged(uid: string, news: News, now: number): News {
    const key = keyOf(uid, news.type, news.reason);
    const known = series.get(key);
    const current =
      known === undefined || now - known.at > limits.similarMs ? { messages: new Set<string>(), at: now } : known;
    current.at = now;
    remember(series, key, current, limits.remembered);
    if (current.messages.has(news.message)) return news;
    if (current.messages.size >= limits.similar) {
      return { ...news, message: `(combined from similar events): ${news.message}` };
    }
    current.messages.add(news.message);
    return news;
  }

  return (uid, news, now) => {
    const told = merged(uid, news, now);
    // Hosts that join one after another must not use up what a warning needs.
    if (!take(keyOf(uid, news.type), now)) return undefined;
    const combined = told !== news;
    return { key: keyOf(uid, news.type, news.reason, combined ? 'combined' : `=${news.message}`), news: told };
  };
}

function keyOf(...parts: string[]): string {
  return JSON.stringify(parts);
}
