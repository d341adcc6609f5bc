import { describe, expect, test } from 'vitest';
import { batchText, nextRun, readBatch } from '../../../src/kernel/batch.ts';
import { sysctlFile } from '../../../src/kernel/sysctl.ts';

const commands = [
  ['link', 'set', 'a', 'up'],
  ['route', 'add', '10.0.0.0/8', 'metric', 'zz'],
  ['link', 'set', 'b', 'up'],
];
const end = 'Object "multinic-end-of-batch" is unknown, try "ip help".\nCommand failed -:4\n';

describe('batch', () => {
  test('one line a command, with an end mark', () => {
    expect(batchText([['link', 'show']])).toBe('link show\nmultinic-end-of-batch\n');
  });

  test('an empty word and one with blanks stand in quotes', () => {
    expect(batchText([['link', 'set', 'alias', '']])).toBe('link set alias ""\nmultinic-end-of-batch\n');
    expect(batchText([['link', 'set', 'alias', 'rail one']])).toContain('link set alias "rail one"\n');
  });

  test.each(['a\tb', "a'", 'a"', '#a', 'a\\', 'a\nlink del b'])('the word %j is refused', (word) => {
    expect(() => batchText([['link', 'set', word]])).toThrow(TypeError);
  });

  test('errors belong to the command whose number ip names', () => {
    const stderr = `RTNETLINK answers: File exists\nCommand failed -:1\nError: one.\ntwo\nCommand failed -:3\n${end}`;
    expect(readBatch(commands, stderr)).toEqual({
      results: ['RTNETLINK answers: File exists', undefined, 'Error: one.; two'],
    });
  });

  test('neighbours of one family share a process', () => {
    const four = ['rule', 'add'];
    const six = ['-6', 'rule', 'add'];
    expect(nextRun([four, four, six])).toEqual({ family: 4, commands: [four, four] });
    expect(nextRun([six, four])).toEqual({ family: 6, commands: [four] });
    expect(nextRun([six, six])).toEqual({ family: 6, commands: [four, four] });
  });

  test('nothing failed', () => {
    expect(readBatch(commands, end)).toEqual({ results: [undefined, undefined, undefined] });
  });

  test('where ip gave up, the command whose word it quotes is to blame', () => {
    const outcome = readBatch(commands, 'Error: argument "zz" is wrong: "metric" value is invalid\n\n');
    expect(outcome.stoppedAt).toBe(1);
    expect(outcome.results[1]).toContain('"metric" value is invalid');
  });

  test('where it quotes nothing, the first that may have run is', () => {
    const outcome = readBatch(commands, 'Cannot find device "a"\nCommand failed -:1\nUsage: ip route\n');
    expect(outcome).toEqual({ results: ['Cannot find device "a"', 'Usage: ip route', undefined], stoppedAt: 1 });
  });
});

describe('sysctl', () => {
  test('dots are slashes unless slashes are given', () => {
    expect(sysctlFile('net.ipv4.ip_forward')).toBe('/proc/sys/net/ipv4/ip_forward');
    expect(sysctlFile('net/ipv4/conf/eth0.100/arp_ignore')).toBe('/proc/sys/net/ipv4/conf/eth0.100/arp_ignore');
  });

  test.each(['net/../kernel', '/net/x', 'net', 'net.ipv4.x y', ''])('%j is refused', (name) => {
    expect(() => sysctlFile(name)).toThrow('no sysctl name');
  });
});
