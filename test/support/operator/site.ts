import { makeCertificates } from '../../../src/lab/apiserver/certificates.ts';
import { type Clients, startClients } from './clients.ts';
import { type Hosts, startHosts } from './hosts.ts';
import { startWorld, type World } from './world.ts';

/** A world with hosts, and programs that reach it as they would reach a cluster. */
export interface Site {
  readonly world: World;
  readonly hosts: Hosts;
  readonly clients: Clients;
  close(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const certificates = makeCertificates(['127.0.0.1']);
  const world = await startWorld(certificates);
  const hosts = startHosts(world);
  const clients = await startClients(world, certificates);
  return {
    world,
    hosts,
    clients,
    close: async () => {
      await clients.close();
      await hosts.stop();
      await world.close();
    },
  };
}
