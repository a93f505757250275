import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleMinus,
  IconCircleX,
  IconClock,
  IconHelpCircle,
  IconLoader2,
  IconPlugConnected,
  IconRefresh,
  type TablerIcon,
} from '@tabler/icons-react';
import type { FaultType, JobState, LinkState, Schemas, Severity, StepState } from '../api/types';

/** How a state looks. Its word and its icon say the same as its colour, for who cannot tell colours apart. */
export interface Look {
  label: string;
  color: string;
  icon: TablerIcon;
}

const good = { color: 'teal', icon: IconCircleCheck };
const warning = { color: 'yellow', icon: IconAlertTriangle };
const bad = { color: 'red', icon: IconCircleX };
const neutral = { color: 'gray', icon: IconCircleMinus };
const unknown = { color: 'gray', icon: IconHelpCircle };

export const linkStates: Record<LinkState, Look> = {
  unconfigured: { label: 'Not configured', color: 'gray', icon: IconCircleDashed },
  'never-seen': { label: 'Never seen', color: 'gray', icon: IconPlugConnected },
  online: { label: 'Online', ...good },
  degraded: { label: 'Degraded', ...warning },
  recovering: { label: 'Recovering', color: 'blue', icon: IconRefresh },
  offline: { label: 'Offline', ...bad },
  off: { label: 'Off', ...neutral },
  unknown: { label: 'Unknown', ...unknown },
};

export const siteStates: Record<Schemas['SiteState'], Look> = {
  off: { label: 'Failover off', ...neutral },
  unconfigured: { label: 'Not configured', color: 'gray', icon: IconCircleDashed },
  'never-seen': { label: 'Waiting for router', color: 'gray', icon: IconPlugConnected },
  online: { label: 'Online', ...good },
  'on-backup': { label: 'On backup', color: 'orange', icon: IconArrowBackUp },
  degraded: { label: 'Degraded', ...warning },
  offline: { label: 'Offline', ...bad },
  unknown: { label: 'Unknown', ...unknown },
};

export const routerStates: Record<Schemas['RouterState'], Look> = {
  none: { label: 'None', ...neutral },
  pending: { label: 'Adoption begun', color: 'blue', icon: IconLoader2 },
  online: { label: 'Online', ...good },
  away: { label: 'Away', ...warning },
};

export const severities: Record<Severity, Look> = {
  minor: { label: 'Minor', color: 'blue', icon: IconAlertTriangle },
  major: { label: 'Major', color: 'orange', icon: IconAlertTriangle },
  critical: { label: 'Critical', ...bad },
};

export const jobStates: Record<JobState, Look> = {
  queued: { label: 'Waiting', color: 'gray', icon: IconClock },
  running: { label: 'Running', color: 'blue', icon: IconLoader2 },
  succeeded: { label: 'Succeeded', ...good },
  failed: { label: 'Failed', ...bad },
  reverted: { label: 'Taken back', color: 'orange', icon: IconArrowBackUp },
  cancelled: { label: 'Cancelled', ...neutral },
};

export const stepStates: Record<StepState, Look> = {
  pending: { label: 'To do', color: 'gray', icon: IconCircleDashed },
  running: { label: 'Running', color: 'blue', icon: IconLoader2 },
  succeeded: { label: 'Done', ...good },
  failed: { label: 'Failed', ...bad },
  skipped: { label: 'Skipped', ...neutral },
};

export const faultTypes: Record<FaultType, string> = {
  'link-offline': 'Link offline',
  'link-degraded': 'Link degraded',
  'link-flapping': 'Link flapping',
  'site-offline': 'Site offline',
  'running-on-backup': 'Running on backup',
  'controller-lost': 'Controller lost',
  'configuration-drift': 'Router differs',
};

export const jobKinds: Record<Schemas['JobKind'], string> = {
  priority: 'Change of priority',
  deactivation: 'Deactivation of failover',
  configuration: 'Configuration of the router',
  release: 'Release of the router',
};

export const connectionTypes: Record<Schemas['ConnectionType'], string> = {
  fibre: 'Fibre',
  copper: 'Copper',
  ethernet: 'Ethernet',
  coaxial: 'Coaxial',
  microwave: 'Microwave',
  vsat: 'VSAT',
  satellite: 'Satellite',
  '3g': '3G',
  '4g': '4G',
  lte: 'LTE',
  '5g': '5G',
  other: 'Other',
};

/** The entries of a select field, from words and their labels. */
export function options<T extends string>(labels: Record<T, string | Look>): { value: T; label: string }[] {
  return (Object.keys(labels) as T[]).map((value) => {
    const label = labels[value];
    return { value, label: typeof label === 'string' ? label : label.label };
  });
}
