import { Badge, CloseButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { siteQuery } from '../sites/sites';
import { Choice, FilterBar, Moment } from '../ui/filters';
import { SearchField } from '../ui/SearchField';
import { faultTypes, options, severities } from '../ui/states';
import type { FaultFilter } from './filter';

export function FaultFilters({ filter }: { filter: FaultFilter }) {
  const navigate = useNavigate({ from: '/faults' });
  const change = (part: Partial<FaultFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true, resetScroll: false });

  return (
    <FilterBar filter={filter} onClear={() => navigate({ search: {}, replace: true })}>
      <SearchField
        label="Search cause, site, tunnel"
        value={filter.text}
        onChange={(text) => change({ text })}
      />
      <Choice
        label="State"
        all="Any state"
        value={filter.state}
        data={[
          { value: 'open', label: 'Open' },
          { value: 'closed', label: 'Closed' },
        ]}
        onChange={(state) => change({ state })}
      />
      <Choice
        label="Type"
        all="Any type"
        value={filter.type}
        data={options(faultTypes)}
        onChange={(type) => change({ type })}
      />
      <Choice
        label="Severity"
        all="Any severity"
        value={filter.severity}
        data={options(severities)}
        onChange={(severity) => change({ severity })}
      />
      <Moment label="From (UTC)" value={filter.from} onChange={(from) => change({ from })} />
      <Moment label="To (UTC)" value={filter.to} onChange={(to) => change({ to })} />
      {filter.site && (
        <SiteBadge site={filter.site} onRemove={() => change({ site: undefined, tunnel: undefined })} />
      )}
    </FilterBar>
  );
}

function SiteBadge({ site, onRemove }: { site: string; onRemove: () => void }) {
  const { data } = useQuery(siteQuery(site));
  return (
    <Badge
      size="lg"
      variant="light"
      tt="none"
      rightSection={<CloseButton size="xs" aria-label="Faults of all sites" onClick={onRemove} />}
    >
      {data?.name ?? 'One site'}
    </Badge>
  );
}
