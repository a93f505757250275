import { describe, expect, it } from 'vitest';
import {
  type GatewayCandidate,
  interfaceInWords,
  offered,
  type RouterInterface,
  reachability,
} from './choices';

const ether: RouterInterface = {
  name: 'ether1',
  kind: 'ether',
  running: true,
  disabled: false,
  comment: 'to the fibre',
  addresses: ['192.0.2.2/30'],
  can_be_wan: true,
  used_by: 'a',
};
const bridge: RouterInterface = {
  name: 'bridge',
  kind: 'bridge',
  running: false,
  disabled: false,
  comment: '',
  addresses: [],
  can_be_wan: false,
};

describe('the interfaces of a router', () => {
  it('are told with type, link, addresses and who uses them', () => {
    const users = new Map([['a', 'WAN 1']]);
    expect(interfaceInWords(ether, users)).toBe(
      'ether · link up · 192.0.2.2/30 · used by WAN 1 · to the fibre',
    );
    expect(interfaceInWords(ether, new Map())).toContain('used by another tunnel');
    expect(interfaceInWords(bridge, users)).toBe('bridge · no link');
    expect(interfaceInWords({ ...bridge, running: true, disabled: true }, users)).toBe(
      'bridge · switched off',
    );
  });

  it('are found by name and remark, and all offered when one is picked', () => {
    const names = (typed: string) => offered([ether, bridge], typed).map(({ name }) => name);
    expect(names('')).toEqual(['ether1', 'bridge']);
    expect(names('Fibre')).toEqual(['ether1']);
    expect(names('ether1 ')).toEqual(['ether1', 'bridge']);
    expect(names('sfp')).toEqual([]);
  });
});

describe('a gateway', () => {
  const gateway: GatewayCandidate = { gateway: '192.0.2.1', source: 'dhcp', reason: '', warnings: [] };

  it('answers, does not, or was not asked', () => {
    expect(reachability({ ...gateway, reachable: true, rtt_ms: 1.24 })).toBe('answers in 1.2 ms');
    expect(reachability({ ...gateway, reachable: true, rtt_ms: 31.6 })).toBe('answers in 32 ms');
    expect(reachability({ ...gateway, reachable: true })).toBe('answers');
    expect(reachability({ ...gateway, reachable: false })).toBe('does not answer');
    expect(reachability({ ...gateway, reachable: null })).toBe('was not asked');
  });
});
