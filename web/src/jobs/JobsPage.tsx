import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconListCheck } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Job } from '../api/types';
import { sitesQuery } from '../sites/sites';
import { TextLink } from '../ui/links';
import { Answer, EmptyState } from '../ui/notes';
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
  const rows = useMemo(() => jobs.data?.pages.flatMap((page) => page.items), [jobs.data]);
  const columns = useColumns();

  return (
    <Page title="Jobs" about="What Holdfast does at sites because somebody asked for it, step by step.">
      <Filters filter={filter} />
      <Answer of={{ ...jobs, data: rows }}>
        {(found) =>
          found.length > 0 ? (
            <Stack gap="md">
              <VirtualTable label="Jobs" columns={columns} rows={found} keyOf={({ id }) => id} />
              {jobs.hasNextPage && (
                <Button
                  variant="default"
                  onClick={() => jobs.fetchNextPage()}
                  loading={jobs.isFetchingNextPage}
                >
                  Show older jobs
                </Button>
              )}
            </Stack>
          ) : (
            <EmptyState icon={IconListCheck} title="No jobs">
              A job begins when you confirm another priority or deactivate failover. It is listed here with
              its steps, so that you can see what was done to a router and when.
            </EmptyState>
          )
        }
      </Answer>
    </Page>
  );
}

function Filters({ filter }: { filter: JobFilter }) {
  const navigate = useNavigate({ from: '/jobs' });
  const change = (part: Partial<JobFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  return (
    <Group gap="sm">
      <Select
        aria-label="State"
        placeholder="Any state"
        clearable
        clearButtonProps={{ 'aria-label': 'Any state' }}
        w={180}
        value={filter.state ?? null}
        data={options(jobStates)}
        onChange={(state) => change({ state: state ?? undefined })}
      />
      <Select
        aria-label="Kind"
        placeholder="Any kind"
        clearable
        clearButtonProps={{ 'aria-label': 'Any kind' }}
        w={230}
        value={filter.kind ?? null}
        data={options(jobKinds)}
        onChange={(kind) => change({ kind: kind ?? undefined })}
      />
      {Object.keys(filter).length > 0 && (
        <Button variant="subtle" size="xs" onClick={() => navigate({ search: {}, replace: true })}>
          Clear filters
        </Button>
      )}
    </Group>
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
