import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fields, fieldAt, listOf } from '../../../src/lab/apiserver/object.ts';
import { at, realEtcd, realServer, revisionOf, type Suite, startSuite } from '../../support/kube-suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

const noEtcd = `needs a server whose history can be cut: ${realEtcd} names the etcd of ${realServer}`;

function names(body: Fields): unknown[] {
  return listOf(body.items).map((item) => fieldAt(item, ['metadata', 'name']));
}

describe('list', () => {
  test('an empty list has a resourceVersion and items []', async () => {
    const { body } = await suite.rest.get(`${suite.widgets}?labelSelector=none%3Dsuch`);
    expect(body).toMatchObject({ kind: 'WidgetList', apiVersion: `${suite.group}/v1`, items: [] });
    expect(revisionOf(body)).toMatch(/^\d+$/);
  });

  test('pages show one state, whatever is written in between', async () => {
    const { rest, widgets, widget } = suite;
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await rest.post(widgets, widget(`page-${name}`, { metadata: { labels: { page: 'yes' } } }));
    const query = `${widgets}?limit=2&labelSelector=page%3Dyes`;
    const first = await rest.get(query);
    expect(names(first.body)).toEqual(['page-a', 'page-b']);
    await rest.post(widgets, widget('page-bb', { metadata: { labels: { page: 'yes' } } }));
    const second = await rest.get(
      `${query}&continue=${encodeURIComponent(String(at(first.body, 'metadata.continue')))}`,
    );
    expect(names(second.body)).toEqual(['page-c', 'page-d']);
    expect(revisionOf(second.body)).toBe(revisionOf(first.body));
    const third = await rest.get(
      `${query}&continue=${encodeURIComponent(String(at(second.body, 'metadata.continue')))}`,
    );
    expect(names(third.body)).toEqual(['page-e']);
    expect(at(third.body, 'metadata.continue')).toBe('');
  });

  test('a continue token from before a compaction: 410 Expired', async (ctx) => {
    const { rest, widgets, widget, compact } = suite;
    if (!compact) {
      ctx.skip(noEtcd);
      return;
    }
    const first = await rest.get(`${widgets}?limit=1`);
    expect(at(first.body, 'metadata.remainingItemCount')).toBeGreaterThan(0);
    // The newest state is never forgotten.
    await rest.post(widgets, widget('newer'));
    await compact();
    const next = await rest.get(`${widgets}?limit=1&continue=${String(at(first.body, 'metadata.continue'))}`);
    expect(next).toMatchObject({ code: 410, body: { reason: 'Expired' } });
  });

  test('selectors', async () => {
    const { rest, widgets, allWidgets, namespace, widget } = suite;
    for (const [name, tier] of [
      ['sel-1', 'a'],
      ['sel-2', 'b'],
      ['sel-3', undefined],
    ] as const) {
      await rest.post(widgets, widget(name, { metadata: { labels: { sel: 'yes', ...(tier ? { tier } : {}) } } }));
    }
    const select = async (labels: string): Promise<unknown[]> =>
      names((await rest.get(`${widgets}?labelSelector=${encodeURIComponent(`sel=yes,${labels}`)}`)).body);
    expect(await select('tier=a')).toEqual(['sel-1']);
    expect(await select('tier!=a')).toEqual(['sel-2', 'sel-3']);
    expect(await select('tier in (a,b)')).toEqual(['sel-1', 'sel-2']);
    expect(await select('tier notin (a)')).toEqual(['sel-2', 'sel-3']);
    expect(await select('tier')).toEqual(['sel-1', 'sel-2']);
    expect(await select('!tier')).toEqual(['sel-3']);
    const field = (text: string): Promise<Fields> =>
      rest.get(`${allWidgets}?fieldSelector=${encodeURIComponent(text)}`).then(({ body }) => body);
    expect(names(await field(`metadata.name=sel-2,metadata.namespace=${namespace}`))).toEqual(['sel-2']);
    expect(await field('spec.size=1')).toMatchObject({ code: 400 });
    expect((await rest.get(`${widgets}?labelSelector=${encodeURIComponent('a in b')}`)).code).toBe(400);
  });

  test('resourceVersion=0 gives the state; one from the future does not', async () => {
    const { rest, widgets } = suite;
    expect((await rest.get(`${widgets}?resourceVersion=0`)).code).toBe(200);
    const current = revisionOf((await rest.get(widgets)).body);
    const future = await rest.get(
      `${widgets}?resourceVersion=${BigInt(current) + 1_000_000n}&resourceVersionMatch=NotOlderThan`,
    );
    expect(future).toMatchObject({ code: 504, body: { reason: 'Timeout' } });
  });
});

describe('watch', () => {
  test('from a list on: every change once, in order, with rising resourceVersions', async () => {
    const { rest, widgets, widget } = suite;
    const from = revisionOf((await rest.get(widgets)).body);
    const watch = await rest.watch(`${widgets}?watch=true&resourceVersion=${from}`);
    const { body } = await rest.post(widgets, widget('seen'));
    await rest.put(`${widgets}/seen`, { ...body, spec: { size: 5 } });
    await rest.patch(`${widgets}/seen/status`, { status: { phase: 'On' } });
    await rest.delete(`${widgets}/seen`);
    const events = [await watch.next(), await watch.next(), await watch.next(), await watch.next()];
    watch.stop();
    expect(events.map((event) => event?.type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
    const revisions = events.map((event) => BigInt(revisionOf(event?.object ?? {})));
    expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(revisions).size).toBe(4);
    expect(events[3]?.object).toMatchObject({ spec: { size: 5 }, status: { phase: 'On' } });
  });

  test('resumes from the last event it saw, without a gap and without a repetition', async () => {
    const { rest, widgets, widget } = suite;
    const from = revisionOf((await rest.get(widgets)).body);
    const first = await rest.watch(`${widgets}?watch=true&resourceVersion=${from}`);
    await rest.post(widgets, widget('resume-1'));
    const last = revisionOf((await first.next())?.object ?? {});
    first.stop();
    await rest.post(widgets, widget('resume-2'));
    const second = await rest.watch(`${widgets}?watch=true&resourceVersion=${last}`);
    await rest.post(widgets, widget('resume-3'));
    const got = [await second.next(), await second.next()].map((event) => at(event?.object ?? {}, 'metadata.name'));
    second.stop();
    expect(got).toEqual(['resume-2', 'resume-3']);
  });

  test('without resourceVersion it begins with what is there', async () => {
    const { rest, widgets, widget } = suite;
    await rest.post(widgets, widget('there', { metadata: { labels: { there: 'yes' } } }));
    const watch = await rest.watch(`${widgets}?watch=true&labelSelector=there%3Dyes`);
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'there' } } });
    watch.stop();
  });

  test('objects enter and leave a selection as ADDED and DELETED', async () => {
    const { rest, widgets, widget } = suite;
    const from = revisionOf((await rest.get(widgets)).body);
    const watch = await rest.watch(`${widgets}?watch=true&resourceVersion=${from}&labelSelector=in%3Dyes`);
    await rest.post(widgets, widget('moving'));
    await rest.patch(`${widgets}/moving`, { metadata: { labels: { in: 'yes' } } });
    await rest.patch(`${widgets}/moving`, { spec: { size: 2 } });
    const out = await rest.patch(`${widgets}/moving`, { metadata: { labels: { in: null } } });
    const events = [await watch.next(), await watch.next(), await watch.next()];
    watch.stop();
    expect(events.map((event) => event?.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(revisionOf(events[2]?.object ?? {})).toBe(revisionOf(out.body));
  });

  test('a watch of one namespace and name sees no other', async () => {
    const { rest, widgets, allWidgets, widget, namespace } = suite;
    const from = revisionOf((await rest.get(widgets)).body);
    const fields = encodeURIComponent(`metadata.name=only,metadata.namespace=${namespace}`);
    const watch = await rest.watch(`${allWidgets}?watch=true&resourceVersion=${from}&fieldSelector=${fields}`);
    await rest.post(widgets, widget('other'));
    await rest.post(widgets, widget('only'));
    expect(await watch.next()).toMatchObject({ object: { metadata: { name: 'only' } } });
    watch.stop();
  });

  test('bookmarks carry a resourceVersion that passes changes of other resources', async () => {
    const { rest, widgets, gadgets, gadget } = suite;
    const from = revisionOf((await rest.get(widgets)).body);
    const { body } = await rest.post(gadgets, gadget('elsewhere'));
    // A real server sends them about once a minute, and one 2 s before the end.
    const query = 'watch=true&allowWatchBookmarks=true&timeoutSeconds=5';
    const watch = await rest.watch(`${widgets}?${query}&resourceVersion=${from}`);
    const first = await watch.next();
    watch.stop();
    expect(first).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Widget' } });
    expect(BigInt(revisionOf(first?.object ?? {}))).toBeGreaterThanOrEqual(BigInt(revisionOf(body)));
  });

  test('sendInitialEvents ends the state with an annotated bookmark', async () => {
    const { rest, gadgets, gadget } = suite;
    await rest.post(gadgets, gadget('initial'));
    const watch = await rest.watch(
      `${gadgets}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
    );
    let event = await watch.next();
    while (event?.type === 'ADDED') event = await watch.next();
    expect(event).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    watch.stop();
  });

  test('timeoutSeconds ends it', async () => {
    const { rest, widgets } = suite;
    const watch = await rest.watch(
      `${widgets}?watch=true&resourceVersion=${revisionOf((await rest.get(widgets)).body)}&timeoutSeconds=1`,
    );
    expect(await watch.next()).toBeUndefined();
  });

  test('a resourceVersion that is too old: an ERROR event with 410', async () => {
    const { rest, embedded, widgets, widget } = suite;
    // A real server remembers each kind's changes since it first looked at it, whatever etcd forgets.
    const from = embedded ? revisionOf((await rest.get(widgets)).body) : '1';
    await rest.post(widgets, widget('after'));
    embedded?.compact();
    const watch = await rest.watch(`${widgets}?watch=true&resourceVersion=${from}`);
    expect(await watch.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    });
    expect(await watch.next()).toBeUndefined();
    const fresh = await rest.watch(
      `${widgets}?watch=true&resourceVersion=${revisionOf((await rest.get(widgets)).body)}&timeoutSeconds=1`,
    );
    expect(await fresh.next()).toBeUndefined();
  });
});
