import type { Kind } from '../schema.ts';
import { cidr } from './cidr.ts';
import { cidrSlice } from './cidrslice.ts';
import { config } from './config.ts';
import { deviceClass } from './deviceclass.ts';
import { hostInterface } from './hostinterface.ts';
import { ipPool } from './ippool.ts';
import { multiNicNetwork } from './multinicnetwork.ts';

/** All seven kinds, in the order in which people meet them. */
export const kinds: readonly Kind[] = [multiNicNetwork, hostInterface, ipPool, cidr, cidrSlice, deviceClass, config];
