import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressPool, type Taken } from '../../../src/ipam/pool.ts';
import { type Address, type Family, formatAddress, parseAddress } from '../../../src/net/address.ts';
import { addressAt, containsAddress, type Prefix, partOf, prefixOf, sizeOf } from '../../../src/net/prefix.ts';

const rest = { cooldown: 60_000, floor: 10_000 };

/** What is known of each address, kept the slow and obvious way. */
interface Model {
  now: number;
  readonly usable: Set<string>;
  readonly held: Map<string, Taken | undefined>;
  readonly released: Map<string, number>;
}

interface Real {
  readonly pool: AddressPool;
  readonly block: Prefix;
}

type Step = fc.Command<Model, Real>;

const restingSince = (model: Model, text: string) => {
  const since = model.released.get(text);
  return since !== undefined && model.now - since < rest.cooldown ? since : undefined;
};

const step = (name: string, run: (model: Model, real: Real) => void): Step => ({
  check: () => true,
  run,
  toString: () => name,
});

/** After each step pool and model agree about every address of the block. */
function compare(model: Model, { pool, block }: Real): void {
  for (let place = 0n; place < sizeOf(block); place++) {
    const address = addressAt(block, place);
    const text = formatAddress(address);
    const expected = model.held.has(text)
      ? 'held'
      : !model.usable.has(text)
        ? 'unusable'
        : restingSince(model, text) === undefined
          ? 'free'
          : 'resting';
    expect(`${text} ${pool.state(address, model.now)}`).toBe(`${text} ${expected}`);
  }
  expect(pool.held).toBe(model.held.size);
  const resting = [...model.usable].filter((text) => !model.held.has(text) && restingSince(model, text) !== undefined);
  expect(pool.resting(model.now)).toBe(resting.length);
}

const take = step('take', (model, real) => {
  const hasRoom = real.pool.hasRoom(model.now);
  const taken = real.pool.take(model.now);
  expect(hasRoom).toBe(taken !== undefined);
  const open = [...model.usable].filter((text) => !model.held.has(text));
  const free = open.filter((text) => restingSince(model, text) === undefined);
  const rested = open
    .map((text) => ({ text, since: restingSince(model, text) ?? 0 }))
    .filter(({ since }) => model.now - since >= rest.floor)
    .sort((a, b) => a.since - b.since);
  if (free.length === 0 && rested.length === 0) {
    expect(taken).toBeUndefined();
  } else {
    const text = taken === undefined ? '' : formatAddress(taken.address);
    const oldest = rested.filter(({ since }) => since === rested[0]?.since).map((one) => one.text);
    expect(free.length > 0 ? free : oldest).toContain(text);
    expect(taken?.restingSince).toBe(free.length > 0 ? undefined : rested[0]?.since);
    model.held.set(text, taken);
    model.released.delete(text);
  }
  compare(model, real);
});

const takeNamed = (raw: number) =>
  step(`takeNamed ${raw}`, (model, real) => {
    const address = at(real.block, raw);
    const text = formatAddress(address);
    const since = restingSince(model, text);
    const can =
      model.usable.has(text) && !model.held.has(text) && (since === undefined || model.now - since >= rest.floor);
    const taken = real.pool.takeNamed(address, model.now);
    expect(taken !== undefined).toBe(can);
    if (taken !== undefined) {
      expect(taken.restingSince).toBe(since);
      model.held.set(text, taken);
      model.released.delete(text);
    }
    compare(model, real);
  });

const hold = (raw: number) =>
  step(`hold ${raw}`, (model, real) => {
    const address = at(real.block, raw);
    const text = formatAddress(address);
    expect(real.pool.hold(address)).toBe(!model.held.has(text));
    if (!model.held.has(text)) model.held.set(text, undefined);
    model.released.delete(text);
    compare(model, real);
  });

/** One of the held addresses leaves: it rests (released a while ago), is released, or is given back. */
const leave = (raw: number, how: 'rest' | 'release' | 'giveBack', ago: number) =>
  step(`${how} ${raw} ${ago}`, (model, real) => {
    const [text, taken] = [...model.held][raw % Math.max(1, model.held.size)] ?? [];
    if (text === undefined) return;
    const address = parseAddress(text);
    model.held.delete(text);
    if (how === 'rest') {
      real.pool.rest(address, model.now - ago);
      model.released.set(text, model.now - ago);
    } else if (how === 'giveBack' && taken !== undefined) {
      real.pool.giveBack(taken);
      if (taken.restingSince !== undefined) model.released.set(text, taken.restingSince);
    } else {
      real.pool.release(address);
    }
    compare(model, real);
  });

const wait = (ms: number) =>
  step(`wait ${ms}`, (model, real) => {
    model.now += ms;
    compare(model, real);
  });

function at(block: Prefix, raw: number): Address {
  return addressAt(block, BigInt(raw) % sizeOf(block));
}

const steps = [
  fc.constant(take),
  fc.constant(take),
  fc.nat(63).map(takeNamed),
  fc.nat(63).map(hold),
  fc
    .tuple(fc.nat(63), fc.constantFrom('rest', 'rest', 'release', 'giveBack' as const), fc.nat(20_000))
    .map(([raw, how, ago]) => leave(raw, how, ago)),
  fc.constantFrom(0, 1, 5_000, 9_999, 10_000, 30_000, 60_000).map(wait),
];

/** Blocks of 1 to 32 addresses in their rail, with excludes. */
const setting = fc.record({
  family: fc.constantFrom<Family>(4, 6),
  hostBits: fc.nat(3),
  podBits: fc.nat(5),
  host: fc.nat(7),
  excludes: fc.array(fc.tuple(fc.nat(63), fc.nat(3)), { maxLength: 4 }),
});

function build(input: {
  family: Family;
  hostBits: number;
  podBits: number;
  host: number;
  excludes: [number, number][];
}) {
  const base = parseAddress(input.family === 4 ? '10.0.2.0' : 'fd00::200');
  const bits = input.family === 4 ? 32 : 128;
  const vlan = prefixOf(base, bits - input.hostBits - input.podBits);
  const block = partOf(vlan, input.host % 2 ** input.hostBits, input.hostBits);
  const excludes = input.excludes.map(([offset, size]) =>
    prefixOf({ family: input.family, value: block.base + BigInt(offset) }, bits - size),
  );
  const usable = new Set<string>();
  for (let place = 0n; place < sizeOf(block); place++) {
    const address = addressAt(block, place);
    const end = address.value === vlan.base || (input.family === 4 && address.value === vlan.base + sizeOf(vlan) - 1n);
    if (!end && !excludes.some((one) => containsAddress(one, address))) usable.add(formatAddress(address));
  }
  return { vlan, block, excludes, usable };
}

describe('AddressPool against a model', () => {
  it('never gives an address twice, never an unusable one, and lets released ones rest', () => {
    fc.assert(
      fc.property(setting, fc.commands(steps, { maxCommands: 60 }), (input, commands) => {
        const { vlan, block, excludes, usable } = build(input);
        const pool = new AddressPool(block, vlan, excludes, rest);
        expect(pool.capacity).toBe(BigInt(usable.size));
        const model: Model = { now: 1_000_000, usable, held: new Map(), released: new Map() };
        fc.modelRun(() => ({ model, real: { pool, block } }), commands);
      }),
      { numRuns: 300 },
    );
  });
});

describe('AddressPool', () => {
  const pool = (block: string, vlan = block, excludes: string[] = []) => {
    const read = (text: string) => {
      const [address = '', length] = text.split('/');
      return prefixOf(parseAddress(address), Number(length));
    };
    return new AddressPool(read(block), read(vlan), excludes.map(read), rest);
  };
  const take = (from: AddressPool, now = 0) => {
    const taken = from.take(now);
    return taken && formatAddress(taken.address);
  };

  it('goes on behind the address taken last, also over the end, and starts where it is told', () => {
    const small = pool('10.0.0.0/29', '10.0.0.0/24');
    expect(formatAddress(small.next)).toBe('10.0.0.0');
    expect([take(small), take(small), take(small)]).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    small.release(parseAddress('10.0.0.2'));
    expect(take(small)).toBe('10.0.0.4');
    small.startAt(parseAddress('10.0.0.7'));
    expect([take(small), take(small)]).toEqual(['10.0.0.7', '10.0.0.2']);
  });

  it('gives a block of one address, and all 16 of a /28 inside its rail', () => {
    const one = pool('10.0.0.7/32', '10.0.0.0/24');
    expect([take(one), take(one)]).toEqual(['10.0.0.7', undefined]);
    const inner = pool('10.0.0.16/28', '10.0.0.0/24');
    expect(inner.capacity).toBe(16n);
    expect(new Set(Array.from({ length: 16 }, () => take(inner))).size).toBe(16);
    expect(take(inner)).toBeUndefined();
  });

  // Reference section 4.4: the predecessor's gap search, now next-fit from the start.
  it.each([
    [[], '10.0.0.4'],
    [['10.0.0.4/31', '10.0.0.6/32'], '10.0.0.7'],
    [['10.0.0.4/30'], '10.0.0.9'],
    [['10.0.0.4/30', '10.0.0.9/32', '10.0.0.10/31', '10.0.0.12/32'], '10.0.0.14'],
  ])('with 1, 2, 3, 8, 13, 18 in use and excludes %j the next is %s', (excludes, expected) => {
    const gaps = pool('10.0.0.0/27', '10.0.0.0/16', excludes);
    for (const place of [1, 2, 3, 8, 13, 18]) gaps.hold(parseAddress(`10.0.0.${place}`));
    expect(take(gaps)).toBe(expected);
  });

  it('does not repeat the wrong records of the predecessor: a full pool with one gap gives the gap, then nothing', () => {
    const full = pool('10.0.0.0/28', '10.0.0.0/28', ['10.0.0.0/31']);
    const all = Array.from({ length: 13 }, () => take(full));
    expect(new Set(all)).toEqual(new Set(Array.from({ length: 13 }, (_, i) => `10.0.0.${i + 2}`)));
    full.release(parseAddress('10.0.0.3'));
    expect([take(full), take(full)]).toEqual(['10.0.0.3', undefined]);
  });

  it('works in a /64 without walking or storing it', () => {
    const huge = pool('fd00:0:0:1::/64', 'fd00::/48', ['fd00:0:0:1::/65']);
    expect(huge.capacity).toBe(2n ** 63n);
    expect([take(huge), take(huge)]).toEqual(['fd00:0:0:1:8000::', 'fd00::1:8000:0:0:1']);
    huge.startAt(parseAddress('fd00::1:ffff:ffff:ffff:ffff'));
    expect([take(huge), take(huge)]).toEqual(['fd00::1:ffff:ffff:ffff:ffff', 'fd00::1:8000:0:0:2']);
    huge.rest(parseAddress('fd00:0:0:1:8000::'), 0);
    expect(huge.state(parseAddress('fd00:0:0:1:8000::'), 1)).toBe('resting');
    expect(huge.held).toBe(3);
  });

  it('finds the same addresses with and without a bitmap', () => {
    // A /112 is kept as a bitmap, a /111 is not; both start with the same places.
    const dense = pool('fd00::/112', 'fd00::/64', ['fd00::10/124']);
    const sparse = pool('fd00::/111', 'fd00::/64', ['fd00::10/124']);
    for (let i = 0; i < 40; i++) expect(take(sparse)).toBe(take(dense));
  });

  it('counts releases that the clock says are to come as of now', () => {
    const back = pool('10.0.0.1/32', '10.0.0.0/24');
    take(back, 100_000);
    back.rest(parseAddress('10.0.0.1'), 100_000);
    // The clock was set back by 90 s: the rest ends 10 s from now, not in 100 s.
    expect(take(back, 10_000)).toBeUndefined();
    expect(take(back, 19_999)).toBeUndefined();
    expect(take(back, 20_000)).toBe('10.0.0.1');
  });

  it('passes over addresses that are not its own', () => {
    const own = pool('10.0.0.0/28', '10.0.0.0/24');
    const other = parseAddress('10.0.0.16');
    expect(own.hold(other)).toBe(false);
    own.rest(other, 0);
    own.release(other);
    expect(own.state(other, 0)).toBe('foreign');
    expect([own.held, own.resting(0)]).toEqual([0, 0]);
  });

  it('counts an address that is excluded meanwhile as in use until it leaves, and never gives it again', () => {
    const shrunk = pool('10.0.0.0/30', '10.0.0.0/24', ['10.0.0.2/32']);
    expect(shrunk.hold(parseAddress('10.0.0.2'))).toBe(true);
    expect(shrunk.state(parseAddress('10.0.0.2'), 0)).toBe('held');
    shrunk.rest(parseAddress('10.0.0.2'), 0);
    expect(shrunk.state(parseAddress('10.0.0.2'), 0)).toBe('unusable');
    expect([take(shrunk, 99_999), take(shrunk, 99_999), take(shrunk, 99_999)]).toEqual([
      '10.0.0.1',
      '10.0.0.3',
      undefined,
    ]);
  });

  it('keeps many releases in order over a long time', () => {
    const busy = pool('10.0.0.0/20', '10.0.0.0/16');
    let now = 0;
    for (let i = 0; i < 20_000; i++) {
      now += 100;
      const taken = busy.take(now);
      expect(taken).toBeDefined();
      if (taken !== undefined) busy.rest(taken.address, now);
    }
    expect(busy.held).toBe(0);
    expect(busy.resting(now)).toBe(600);
    expect(busy.resting(now + 60_000)).toBe(0);
  });
});
