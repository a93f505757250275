import { Text } from '@mantine/core';
import type { Fault } from '../api/types';
import { TextLink } from '../ui/links';
import { StateBadge } from '../ui/StateBadge';
import { faultTypes, severities } from '../ui/states';
import { Time } from '../ui/Time';
import { type Column, VirtualTable } from '../ui/VirtualTable';
import { FaultDuration } from './FaultDuration';
import { placeOf } from './timeline';

export function FaultsTable({ faults }: { faults: Fault[] }) {
  return <VirtualTable label="Faults" columns={columns} rows={faults} keyOf={({ id }) => id} />;
}

const columns: Column<Fault>[] = [
  {
    title: 'Fault',
    cell: (fault) => (
      <>
        <TextLink to="/faults/$fault" params={{ fault: fault.id }} size="sm" fw={600}>
          {faultTypes[fault.type]}
        </TextLink>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {placeOf(fault)}
        </Text>
      </>
    ),
  },
  {
    title: 'Severity',
    from: 'sm',
    width: 130,
    cell: (fault) => <StateBadge look={severities[fault.severity]} />,
  },
  {
    title: 'Cause',
    from: 'md',
    cell: (fault) => (
      <Text size="sm" lineClamp={2}>
        {fault.cause}
      </Text>
    ),
  },
  {
    title: 'Began',
    from: 'sm',
    width: 190,
    cell: (fault) => (
      <Text size="sm" span className="tabular">
        <Time at={fault.started_at} />
      </Text>
    ),
  },
  { title: 'Lasted', width: 130, cell: (fault) => <FaultDuration fault={fault} /> },
];
