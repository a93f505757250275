import { describe, expect, it } from 'vitest';
import type { Tunnel } from '../../api/types';
import { changeOf, valuesOf, volume } from './settings';

const tunnel = {
  name: 'WAN 1',
  interface: null,
  gateway: '192.0.2.1',
  connection_type: null,
  metered: false,
  provider: 'North',
  probe_profile: null,
  sla_latency_ms: 80,
  sla_jitter_ms: null,
  sla_loss_percent: null,
  policy_failover: 'keep',
  policy_failback: 'keep',
  drain_min: null,
  enabled: true,
} as Tunnel;

describe('the settings of a tunnel', () => {
  it('change nothing when nothing was typed', () => {
    expect(changeOf(tunnel, valuesOf(tunnel))).toEqual({});
  });

  it('send what differs, and null for what is cleared', () => {
    const values = {
      ...valuesOf(tunnel),
      name: ' Fibre ',
      provider: '',
      sla_latency_ms: '',
      connection_type: 'fibre' as const,
    };
    expect(changeOf(tunnel, values)).toEqual({
      name: 'Fibre',
      provider: null,
      sla_latency_ms: null,
      connection_type: 'fibre',
    });
  });

  it('send the minutes of draining only where connections drain', () => {
    const values = { ...valuesOf(tunnel), drain_min: 10 };
    expect(changeOf(tunnel, values)).toEqual({});
    expect(changeOf(tunnel, { ...values, policy_failback: 'drain' })).toEqual({
      policy_failback: 'drain',
      drain_min: 10,
    });
  });

  it('tell volumes as people do', () => {
    expect([94_000, 95_300_000, 2_450_000_000].map(volume)).toEqual(['94 kB', '95 MB', '2.5 GB']);
  });
});
