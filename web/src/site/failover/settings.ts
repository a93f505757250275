import type { Schemas, Tunnel } from '../../api/types';

/** What the form of a tunnel's settings holds: empty texts where nothing is set. */
export interface SettingsValues extends Record<string, unknown> {
  name: string;
  interface: string;
  gateway: string;
  connection_type: Schemas['ConnectionType'] | null;
  metered: boolean;
  provider: string;
  /** Null takes what is usual for the connection type. */
  probe_profile: Schemas['ProfileName'] | null;
  sla_latency_ms: number | string;
  sla_jitter_ms: number | string;
  sla_loss_percent: number | string;
  policy_failover: Schemas['SessionPolicy'];
  policy_failback: Schemas['SessionPolicy'];
  drain_min: number | string;
  enabled: boolean;
}

/** The fields that show what the API finds wrong with them. */
export const settingsFields = [
  'name',
  'interface',
  'gateway',
  'connection_type',
  'metered',
  'provider',
  'probe_profile',
  'sla_latency_ms',
  'sla_jitter_ms',
  'sla_loss_percent',
  'policy_failover',
  'policy_failback',
  'drain_min',
  'enabled',
] as const satisfies (keyof Schemas['ConfigureTunnel'])[];

export function valuesOf(tunnel: Tunnel): SettingsValues {
  return {
    name: tunnel.name,
    interface: tunnel.interface ?? '',
    gateway: tunnel.gateway ?? '',
    connection_type: tunnel.connection_type ?? null,
    metered: tunnel.metered,
    provider: tunnel.provider ?? '',
    probe_profile: tunnel.probe_profile ?? null,
    sla_latency_ms: tunnel.sla_latency_ms ?? '',
    sla_jitter_ms: tunnel.sla_jitter_ms ?? '',
    sla_loss_percent: tunnel.sla_loss_percent ?? '',
    policy_failover: tunnel.policy_failover,
    policy_failback: tunnel.policy_failback,
    drain_min: tunnel.drain_min ?? 30,
    enabled: tunnel.enabled,
  };
}

/** The change that makes a tunnel what the form says: only what differs, null where something is to be cleared. */
export function changeOf(tunnel: Tunnel, values: SettingsValues): Schemas['ConfigureTunnel'] {
  const drains = [values.policy_failover, values.policy_failback].includes('drain');
  const wished: Schemas['ConfigureTunnel'] = {
    name: values.name.trim(),
    interface: values.interface.trim() || null,
    gateway: values.gateway.trim() || null,
    connection_type: values.connection_type,
    metered: values.metered,
    provider: values.provider.trim() || null,
    probe_profile: values.probe_profile,
    sla_latency_ms: numberOf(values.sla_latency_ms),
    sla_jitter_ms: numberOf(values.sla_jitter_ms),
    sla_loss_percent: numberOf(values.sla_loss_percent),
    policy_failover: values.policy_failover,
    policy_failback: values.policy_failback,
    drain_min: drains ? numberOf(values.drain_min) : (tunnel.drain_min ?? null),
    enabled: values.enabled,
  };
  const differs = settingsFields.filter((field) => wished[field] !== (tunnel[field] ?? null));
  return Object.fromEntries(differs.map((field) => [field, wished[field]]));
}

/** Bytes in a month, as people read them. */
export function volume(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${Math.round(bytes / 1e6)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

const mobile: readonly (Schemas['ConnectionType'] | null)[] = ['3g', '4g', 'lte', '5g'];

/** Whether a connection of this type usually costs money by volume. */
export function usuallyMetered(type: Schemas['ConnectionType'] | null): boolean {
  return mobile.includes(type);
}

function numberOf(value: number | string): number | null {
  return value === '' ? null : Number(value);
}
