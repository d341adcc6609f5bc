import { expect, test } from 'vitest';
import { createAttachmentCounts } from '../../../src/daemon/publish/attachment-counts.ts';
import { keyText } from '../../../src/store/key.ts';
import type { AttachmentRecord } from '../../../src/store/types.ts';
import { planOf } from '../../support/attach/world.ts';
import { keyOf, recordOf } from '../../support/store/records.ts';

test('a new number of attachments is told at most once in 10 s, and at once while the network is taken down', () => {
  const attachments = new Map<string, AttachmentRecord>();
  let now = 0;
  const countOf = createAttachmentCounts({ attachments }, () => now);
  const plan = planOf({ network: 'net', blocks: { eth1: [] }, ipam: { kind: 'each', config: { type: 'static' } } });
  const add = (network: string, name: string) => {
    attachments.set(keyText(keyOf(name, network)), recordOf(name, [], { network }));
  };
  expect(countOf(plan)).toEqual({ count: 0 });
  add('net', 'a');
  add('other', 'b');
  expect(countOf(plan)).toEqual({ count: 1 });
  now = 4000;
  add('net', 'c');
  expect(countOf(plan)).toEqual({ count: 1, wait: 6000 });
  expect(countOf({ ...plan, draining: true })).toEqual({ count: 2 });
  now = 14_000;
  add('net', 'd');
  expect(countOf(plan)).toEqual({ count: 3 });
});
