import { Button, Chip, Group, Select, Text } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Site } from '../api/types';
import { SearchField } from '../ui/SearchField';
import { wordsOf } from '../ui/search';
import { siteStates } from '../ui/states';
import { type SiteFilter, tally } from './filter';

export function SiteFilters({ all, found }: { all: Site[]; found: number }) {
  const filter = useSearch({ from: '/inside/sites' });
  const navigate = useNavigate({ from: '/sites' });
  const change = (part: Partial<SiteFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true, resetScroll: false });
  const counts = useMemo(() => tally(all), [all]);
  const withFaults = useMemo(() => all.filter(({ status }) => status.open_faults > 0).length, [all]);
  const isFiltered = Boolean(filter.text || filter.state || filter.faults);

  return (
    <Group gap="sm">
      <SearchField label="Search sites" value={filter.text} onChange={(text) => change({ text })} />
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        clearButtonProps={{ 'aria-label': 'Any state' }}
        w={200}
        value={filter.state ?? null}
        data={wordsOf(siteStates)
          .filter((state) => counts[state] || state === filter.state)
          .map((state) => ({ value: state, label: `${siteStates[state].label} (${counts[state] ?? 0})` }))}
        onChange={(state) => change({ state: state ?? undefined })}
      />
      <Select
        aria-label="Order"
        w={170}
        allowDeselect={false}
        value={filter.sort ?? 'state'}
        data={[
          { value: 'state', label: 'Urgent first' },
          { value: 'name', label: 'By name' },
          { value: 'faults', label: 'Most faults first' },
          { value: 'newest', label: 'Newest first' },
        ]}
        onChange={(sort) => change({ sort: sort === 'state' ? undefined : (sort ?? undefined) })}
      />
      <Chip checked={filter.faults ?? false} onChange={(checked) => change({ faults: checked || undefined })}>
        With faults ({withFaults})
      </Chip>
      <Text size="sm" c="dimmed" role="status">
        {found === all.length ? `${found} sites` : `${found} of ${all.length} sites`}
      </Text>
      {isFiltered && (
        <Button variant="subtle" size="xs" onClick={() => navigate({ search: {}, replace: true })}>
          Clear filters
        </Button>
      )}
    </Group>
  );
}
