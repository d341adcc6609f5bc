import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelay, watchBackoff } from '../../../src/kube/backoff.ts';
import { ApiError } from '../../../src/kube/calls/errors.ts';
import {
  afterFailedList,
  afterList,
  afterWatch,
  anew,
  type Course,
  firstCourse,
  type Step,
  type WatchEnd,
} from '../../../src/kube/copy/course.ts';

const error = (code: number, reason = 'x', retryAfter?: number): ApiError =>
  new ApiError(code, reason, 'on demand', retryAfter);
const longest = watchBackoff.max;
const list = (course: Course, version = '7'): Course => afterList(course, version, Number.POSITIVE_INFINITY).course;
const watching = list(firstCourse);
/** A watch that was not taken, from version 7. */
const end = (more: Partial<WatchEnd> = {}): WatchEnd => ({ now: 0, open: 0, newest: '7', ...more });
const newest = { kind: 'list', atLeast: undefined };

/** What comes of the same again and again. */
function repeated(count: number, course: Course, step: (course: Course) => Step): Step[] {
  const steps: Step[] = [];
  for (let at = course; steps.length < count; ) {
    const next = step(at);
    steps.push(next);
    at = next.course;
  }
  return steps;
}

describe('course of a reflector', () => {
  it('begins with a list of any version, then watches from where that was taken', () => {
    expect(firstCourse.next).toEqual({ kind: 'list', atLeast: '0' });
    expect(afterList(firstCourse, '7', 5)).toMatchObject({
      course: { next: { kind: 'watch', from: '7' }, verifyAt: 5 },
      backoff: 0,
      asked: 0,
    });
  });

  it('lists the newest when somebody asks for it', () => {
    expect(anew(watching).next).toEqual(newest);
  });

  it('a list that fails is tried again, for the same version, at 250 ms, 500 ms … 30 s', () => {
    const steps = repeated(9, firstCourse, (course) => afterFailedList(course, error(500), longest));
    expect(steps.map(({ backoff }) => backoff)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(steps.at(-1)?.course.next).toEqual(firstCourse.next);
    expect(steps.map(({ said }) => said?.level)).toEqual(['debug', ...Array<string>(8).fill('warn')]);
  });

  it('a list that succeeds ends what lists have failed, not what watches have', () => {
    const [failed] = repeated(5, watching, (course) => afterWatch(course, end({ error: error(500) }), longest)).slice(
      -1,
    );
    const again = afterFailedList(anew(failed?.course ?? watching), error(500), longest);
    expect(list(again.course).failed).toEqual({ lists: 0, watches: 5 });
  });

  it('a watch that breaks is resumed from the newest version that it brought', () => {
    const broken = afterWatch(watching, end({ error: error(0, 'Unreachable'), newest: '9' }), longest);
    expect(broken).toMatchObject({ course: { next: { kind: 'watch', from: '9' } }, backoff: 250 });
  });

  it.each([
    ['too old', error(410)],
    ['silent', error(0, 'Silent')],
    ['from the future', error(504)],
    ['of a kind that is not there', error(404)],
  ])('after a watch whose version is %s it lists, and not from the cache of the server', (_, why) => {
    expect(afterWatch(watching, end({ error: why }), longest).course.next).toEqual(newest);
    expect(afterFailedList(firstCourse, why, longest).course.next).toEqual(newest);
  });

  it('the first 410 is obeyed at once, a second in a row waits, and news in between are no excuse', () => {
    for (const version of ['7', '8']) {
      const first = afterWatch(watching, end({ error: error(410), newest: version }), longest);
      expect(first.backoff).toBe(0);
      const second = afterWatch(list(first.course), end({ error: error(410), newest: version }), longest);
      expect(second.backoff).toBeGreaterThanOrEqual(250);
      const healthy = afterWatch(list(second.course), end({ error: error(410), open: 5_000 }), longest);
      expect(healthy.backoff).toBe(0);
    }
  });

  it('a kind that comes back after any time is listed and watched without what its absence has counted', () => {
    const [missing] = repeated(100, watching, (course) =>
      course.next.kind === 'list'
        ? afterFailedList(course, error(404), longest)
        : afterWatch(course, end({ error: error(404) }), longest),
    ).slice(-1);
    expect(missing?.backoff).toBe(30_000);
    const back = list(missing?.course ?? watching);
    // A server that has just taken a CRD may end its watches once more.
    expect(afterWatch(back, end(), longest).backoff).toBeLessThanOrEqual(500);
    expect(afterWatch(back, end({ error: error(0) }), longest).backoff).toBeLessThanOrEqual(500);
  });

  it('a kind that is not there is asked for more often where that is wanted; nothing else is', () => {
    const lists = (code: number): number =>
      repeated(20, firstCourse, (course) => afterFailedList(course, error(code), 10_000)).at(-1)?.backoff ?? 0;
    expect([lists(404), lists(403), lists(500)]).toEqual([10_000, 30_000, 30_000]);
    // Never less often than after other failures.
    const seldom = repeated(20, firstCourse, (course) => afterFailedList(course, error(404), 60_000));
    expect(seldom.at(-1)?.backoff).toBe(30_000);
  });

  it('waits as the server asks', () => {
    expect(afterFailedList(firstCourse, error(429, 'x', 45), longest).asked).toBe(45_000);
    expect(afterWatch(watching, end({ error: error(503, 'x', 45) }), longest).asked).toBe(45_000);
  });

  it('a clean end is routine after 5 s, and after less it is not', () => {
    expect(afterWatch(watching, end({ open: 5_000 }), longest).backoff).toBe(0);
    const hasty = repeated(3, watching, (course) => afterWatch(course, end({ open: 4_999 }), longest));
    expect(hasty.map(({ backoff }) => backoff)).toEqual([250, 500, 1000]);
    const chatty = repeated(3, watching, (course) => {
      const from = course.next.kind === 'watch' ? Number(course.next.from) : 0;
      return afterWatch(course, end({ newest: String(from + 1) }), longest);
    });
    expect(chatty.map(({ backoff }) => backoff)).toEqual([250, 250, 250]);
    expect(hasty.concat(chatty).every(({ said }) => said === undefined)).toBe(true);
  });

  it('at the end of a watch after its time it lists, nothing older than it knows', () => {
    const { course } = afterList(firstCourse, '7', 1_000);
    expect(afterWatch(course, end({ open: 9_000, now: 999 }), longest).course.next.kind).toBe('watch');
    const due = afterWatch(course, end({ open: 9_000, now: 1_000, newest: '9' }), longest);
    expect(due).toMatchObject({ course: { next: { kind: 'list', atLeast: '9' } }, backoff: 0 });
  });

  it('whatever the server answers, no more than five calls in a row follow at once, and no wait is longer than 30 s', () => {
    const answers = fc.record({
      code: fc.constantFrom(undefined, 0, 401, 403, 404, 410, 500, 504),
      news: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(answers, { maxLength: 40, size: 'max' }), (many) => {
        let course = firstCourse;
        let atOnce = 0;
        for (const { code, news } of many) {
          const { next } = course;
          const why = code === undefined ? undefined : error(code);
          const version = next.kind === 'watch' ? String(Number(next.from) + (news ? 1 : 0)) : '7';
          const failed = why !== undefined && { error: why };
          const step =
            next.kind === 'watch'
              ? afterWatch(course, end({ newest: version, ...failed }), longest)
              : why === undefined
                ? afterList(course, version, Number.POSITIVE_INFINITY)
                : afterFailedList(course, why, longest);
          atOnce = step.backoff === 0 ? atOnce + 1 : 0;
          expect(atOnce).toBeLessThanOrEqual(5);
          expect(step.backoff).toBeLessThanOrEqual(backoffDelay(100, watchBackoff));
          ({ course } = step);
        }
      }),
    );
  });
});
