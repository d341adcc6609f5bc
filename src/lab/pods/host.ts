import type { LabHost } from '../hosts/hosts.ts';

/** What a pod needs of its host: a host of a lab that another process has built will do. */
export type PodHost = Pick<LabHost, 'name' | 'pid' | 'dir' | 'exec'>;
