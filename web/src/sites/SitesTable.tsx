import { Badge, Group, Text } from '@mantine/core';
import type { Site } from '../api/types';
import { TextLink } from '../ui/links';
import { StateBadge } from '../ui/StateBadge';
import { siteStates } from '../ui/states';
import { Ago } from '../ui/Time';
import { type Column, VirtualTable } from '../ui/VirtualTable';
import { LinkDots } from './LinkDots';

export function SitesTable({ sites }: { sites: Site[] }) {
  return <VirtualTable label="Sites" columns={columns} rows={sites} keyOf={({ id }) => id} />;
}

const columns: Column<Site>[] = [
  {
    title: 'Site',
    cell: (site) => (
      <>
        <TextLink to="/sites/$site" params={{ site: site.id }} size="sm" fw={600} lineClamp={1}>
          {site.name}
        </TextLink>
        {site.note && (
          <Text size="xs" c="dimmed" lineClamp={1}>
            {site.note}
          </Text>
        )}
      </>
    ),
  },
  { title: 'State', width: 186, cell: ({ status }) => <StateBadge look={siteStates[status.state]} /> },
  { title: 'Active link', from: 'sm', cell: ({ status }) => <ActiveLink status={status} /> },
  {
    title: 'WAN tunnels',
    from: 'md',
    width: 150,
    cell: ({ status }) => <LinkDots tunnels={status.tunnels} />,
  },
  {
    title: 'On backup since',
    from: 'lg',
    width: 150,
    cell: ({ status }) =>
      status.on_backup_since ? (
        <Text size="sm">
          <Ago at={status.on_backup_since} />
        </Text>
      ) : (
        <Nothing />
      ),
  },
  {
    title: 'Faults',
    from: 'xs',
    width: 84,
    align: 'right',
    cell: (site) => <FaultCount site={site} />,
  },
];

function ActiveLink({ status }: { status: Site['status'] }) {
  const active = status.tunnels.find(({ id }) => id === status.active);
  if (!active) return <Nothing />;
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="sm" lineClamp={1}>
        {active.name}
      </Text>
    </Group>
  );
}

function FaultCount({ site }: { site: Site }) {
  const count = site.status.open_faults;
  if (count === 0) return <Nothing />;
  return (
    <TextLink
      to="/faults"
      search={{ site: site.id, state: 'open' }}
      aria-label={`${count} open faults of ${site.name}`}
    >
      <Badge color="red" variant="light">
        {count}
      </Badge>
    </TextLink>
  );
}

function Nothing() {
  return (
    <Text span c="dimmed">
      –
    </Text>
  );
}
