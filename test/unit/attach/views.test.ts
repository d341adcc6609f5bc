import { expect, test } from 'vitest';
import { listAttachments } from '../../../src/daemon/attach/look/views.ts';
import { keyText } from '../../../src/store/key.ts';
import type { AttachmentRecord, Store } from '../../../src/store/types.ts';
import { recordOf } from '../../support/store/records.ts';

test('addresses of each interface as they were answered, whoever gave them; until then those that are held', () => {
  const given: AttachmentRecord = {
    ...recordOf('leased', ['10.0.0.1', '10.0.0.2']),
    state: 'ready',
    addresses: [],
    result: {
      interfaces: [{ name: 'net1', mac: '02:00:00:00:00:01', sandbox: '/run/netns/leased' }, { name: 'net1-1' }],
      ips: [
        { address: '10.9.0.5/24', interface: 0 },
        { address: '10.9.1.5/24', interface: 1 },
        { address: 'fd00::5/64', interface: 1 },
      ],
      routes: [],
      dns: {},
    },
  };
  const records = [given, recordOf('pending', ['10.0.0.7'])];
  const attachments = new Map(records.map((record) => [keyText(record.key), record]));
  const store: Pick<Store, 'attachments'> = { attachments };
  const shown = listAttachments(store).map(({ containerID, interfaces }) => [
    containerID,
    ...interfaces.map(({ name, nic, addresses }) => `${nic} ${name} ${addresses.join()}`),
  ]);
  expect(shown).toEqual([
    ['leased', 'eth1 net1 10.9.0.5', 'eth2 net1-1 10.9.1.5,fd00::5'],
    ['pending', 'eth1 net1 10.0.0.7'],
  ]);
});
