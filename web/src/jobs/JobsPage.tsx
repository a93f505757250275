import { Text } from '@mantine/core';
import { IconListCheck } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Job } from '../api/types';
import { sitesQuery } from '../sites/sites';
import { Choice, FilterBar } from '../ui/filters';
import { TextLink } from '../ui/links';
import { EmptyState } from '../ui/notes';
import { OlderRows } from '../ui/OlderRows';
import { Page } from '../ui/Page';
import { StateBadge } from '../ui/StateBadge';
import { jobKinds, jobStates, options } from '../ui/states';
import { Ago } from '../ui/Time';
import { type Column, VirtualTable } from '../ui/VirtualTable';
import type { JobFilter } from './filter';
import { jobsQuery } from './jobs';

export function JobsPage() {
  const filter = useSearch({ from: '/inside/jobs' });
  const jobs = useInfiniteQuery(jobsQuery(filter));
  const columns = useColumns();

  return (
    <Page title="Jobs" about="What Holdfast does at sites because somebody asked for it, step by step.">
      <Filters filter={filter} />
      <OlderRows
        of={jobs}
        what="jobs"
        empty={
          <EmptyState icon={IconListCheck} title="No jobs">
            A job begins when you confirm another priority or deactivate failover. It is listed here with its
            steps, so that you can see what was done to a router and when.
          </EmptyState>
        }
      >
        {(found) => <VirtualTable label="Jobs" columns={columns} rows={found} keyOf={({ id }) => id} />}
      </OlderRows>
    </Page>
  );
}

function Filters({ filter }: { filter: JobFilter }) {
  const navigate = useNavigate({ from: '/jobs' });
  const change = (part: Partial<JobFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  return (
    <FilterBar filter={filter} onClear={() => navigate({ search: {}, replace: true })}>
      <Choice
        label="State"
        all="Any state"
        value={filter.state}
        data={options(jobStates)}
        onChange={(state) => change({ state })}
      />
      <Choice
        label="Kind"
        all="Any kind"
        width={230}
        value={filter.kind}
        data={options(jobKinds)}
        onChange={(kind) => change({ kind })}
      />
    </FilterBar>
  );
}

function useColumns(): Column<Job>[] {
  const { data: sites } = useQuery(sitesQuery);
  return useMemo(() => {
    const names = new Map(sites?.map(({ id, name }) => [id, name]));
    return columnsWith((id) => names.get(id) ?? 'a removed site');
  }, [sites]);
}

function columnsWith(siteName: (id: string) => string): Column<Job>[] {
  return [
    {
      title: 'Job',
      cell: (job) => (
        <>
          <TextLink to="/jobs/$job" params={{ job: job.id }} size="sm" fw={600} lineClamp={1}>
            {jobKinds[job.kind]}
          </TextLink>
          {job.site_id && (
            <Text size="xs" c="dimmed" lineClamp={1}>
              {siteName(job.site_id)}
            </Text>
          )}
        </>
      ),
    },
    { title: 'State', width: 140, cell: (job) => <StateBadge look={jobStates[job.state]} /> },
    {
      title: 'Asked for by',
      from: 'sm',
      cell: (job) => (
        <Text size="sm" lineClamp={1}>
          {job.requested_by}
        </Text>
      ),
    },
    {
      title: 'When',
      from: 'xs',
      width: 150,
      cell: (job) => (
        <Text size="sm" span>
          <Ago at={job.created_at} />
        </Text>
      ),
    },
  ];
}
