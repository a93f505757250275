import { Badge, Button, CloseButton, Group, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { siteQuery } from '../sites/sites';
import { SearchField } from '../ui/SearchField';
import { faultTypes, options, severities } from '../ui/states';
import type { FaultFilter } from './filter';

export function FaultFilters({ filter }: { filter: FaultFilter }) {
  const navigate = useNavigate({ from: '/faults' });
  const change = (part: Partial<FaultFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true, resetScroll: false });

  return (
    <Group gap="sm" align="flex-end">
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
      <Day label="From (UTC)" value={filter.from} onChange={(from) => change({ from })} />
      <Day label="To (UTC)" value={filter.to} onChange={(to) => change({ to })} />
      {filter.site && (
        <SiteBadge site={filter.site} onRemove={() => change({ site: undefined, tunnel: undefined })} />
      )}
      {Object.keys(filter).length > 0 && (
        <Button variant="subtle" size="xs" onClick={() => navigate({ search: {}, replace: true })}>
          Clear filters
        </Button>
      )}
    </Group>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  all: string;
  value: T | undefined;
  data: { value: T; label: string }[];
  onChange: (value: T | undefined) => void;
}

function Choice<T extends string>({ label, all, value, data, onChange }: ChoiceProps<T>) {
  return (
    <Select
      aria-label={label}
      placeholder={all}
      clearable
      clearButtonProps={{ 'aria-label': all }}
      w={145}
      value={value ?? null}
      data={data}
      onChange={(word) => onChange(data.find((option) => option.value === word)?.value)}
    />
  );
}

function Day({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (at?: string) => void;
}) {
  return (
    <TextInput
      type="datetime-local"
      aria-label={label}
      title={label}
      w={190}
      value={value?.slice(0, 16) ?? ''}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        onChange(typed ? new Date(`${typed}:00Z`).toISOString() : undefined);
      }}
    />
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
