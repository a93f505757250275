import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconCoin, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../api/error';
import type { FailoverStatus, Job } from '../../api/types';
import { jobQuery } from '../../jobs/jobs';
import { useMay } from '../../session/session';
import { TextLink } from '../../ui/links';
import { Answer, ErrorNote } from '../../ui/notes';
import { StateBadge } from '../../ui/StateBadge';
import { Steps } from '../../ui/Steps';
import { jobStates } from '../../ui/states';
import { Deactivate } from './Deactivate';
import { OrderPreview } from './OrderPreview';
import { costly, type Draft, draftMove, isOvertaken, rebased } from './order';
import { PriorityList } from './PriorityList';
import { TunnelCard } from './TunnelCard';
import { TunnelMenu } from './TunnelMenu';
import { priorityQuery, siteTunnelsQuery, useAddTunnel, useSetPriority } from './tunnels';

type Stored = Awaited<ReturnType<NonNullable<ReturnType<typeof priorityQuery>['queryFn']>>>;

/** The priority ladder: moves are gathered, and take effect together. */
export function Ladder({ site, status }: { site: string; status: FailoverStatus }) {
  const stored = useQuery(priorityQuery(site));
  return (
    <Answer of={stored}>{(priority) => <Sorted site={site} status={status} stored={priority} />}</Answer>
  );
}

function Sorted({ site, status, stored }: { site: string; status: FailoverStatus; stored: Stored }) {
  const [draft, setDraft] = useState<Draft>();
  const { data: tunnels = [] } = useQuery(siteTunnelsQuery(site));
  const maySort = useMay('operator');
  const setPriority = useSetPriority(site);
  const order = draft?.order ?? stored.tunnels;
  const overtaken = isOvertaken(draft, stored);
  const items = order.flatMap((id) => {
    const shown = status.tunnels.find((tunnel) => tunnel.id === id);
    if (!shown) return [];
    const settings = tunnels.find((tunnel) => tunnel.id === id);
    return [
      {
        id,
        name: shown.name,
        content: <TunnelCard status={shown} settings={settings} />,
        actions: maySort && settings && <TunnelMenu tunnel={settings} />,
      },
    ];
  });
  const confirm = () =>
    setPriority.mutate(
      { tunnels: order, condition: stored.condition },
      { onSuccess: () => setDraft(undefined) },
    );
  const isStale = setPriority.error instanceof ApiError && setPriority.error.code === 'stale';

  return (
    <Stack gap="md">
      {overtaken && draft ? (
        <Overtaken
          onKeep={() => setDraft(rebased(draft, stored))}
          onDiscard={() => {
            setDraft(undefined);
            setPriority.reset();
          }}
        />
      ) : null}
      <Costly names={costly(order, tunnels).map(({ name }) => name)} />
      <PriorityList
        items={items}
        sortable={maySort && items.length > 1}
        onMove={(id, to) => setDraft((now) => draftMove(now, stored, id, to))}
      />
      {!isStale && <ErrorNote error={setPriority.error} />}
      {draft && !overtaken && <OrderPreview site={site} order={draft.order} tunnels={status.tunnels} />}
      {draft && !overtaken && (
        <Group justify="flex-end" gap="xs" role="group" aria-label="The new order">
          <Text size="sm" c="dimmed" mr="auto">
            Nothing has changed yet: the order takes effect when you confirm it.
          </Text>
          <Button variant="default" onClick={() => setDraft(undefined)}>
            Discard
          </Button>
          <Button onClick={confirm} loading={setPriority.isPending}>
            Confirm Priority
          </Button>
        </Group>
      )}
      {setPriority.data && !draft && <JobProgress accepted={setPriority.data.job} />}
      {maySort && <Footer site={site} />}
    </Stack>
  );
}

function Footer({ site }: { site: string }) {
  const add = useAddTunnel(site);
  return (
    <>
      <ErrorNote error={add.error} />
      <Group justify="space-between">
        <Button
          variant="default"
          leftSection={<IconPlus size={16} aria-hidden />}
          loading={add.isPending}
          onClick={() => add.mutate()}
        >
          Add a WAN tunnel
        </Button>
        <Deactivate site={site} />
      </Group>
    </>
  );
}

function Overtaken({ onKeep, onDiscard }: { onKeep: () => void; onDiscard: () => void }) {
  return (
    <Alert color="orange" title="Somebody else has changed the order" role="alert">
      <Group justify="space-between" gap="sm">
        <Text size="sm">Below is your order, which is not in force.</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onDiscard}>
            Show theirs
          </Button>
          <Button size="xs" onClick={onKeep}>
            Go on with mine
          </Button>
        </Group>
      </Group>
    </Alert>
  );
}

function Costly({ names }: { names: string[] }) {
  if (names.length === 0) return null;
  return (
    <Alert
      color="yellow"
      icon={<IconCoin aria-hidden />}
      title="A metered link stands above an unmetered one"
    >
      {names.join(' and ')} would carry the traffic, and cost money by its volume, while an unmetered link
      below works.
    </Alert>
  );
}

/** How far the job is that brings the routes to the new order. */
function JobProgress({ accepted }: { accepted: Job }) {
  const { data: job = accepted } = useQuery({
    ...jobQuery(accepted.id),
    initialData: accepted,
    staleTime: 0,
  });
  return (
    <Stack gap="xs" role="status" aria-label="Progress">
      <Group gap="xs">
        <StateBadge look={jobStates[job.state]} />
        <TextLink to="/jobs/$job" params={{ job: job.id }} size="sm">
          Change of priority
        </TextLink>
      </Group>
      {job.steps.length > 0 && <Steps steps={job.steps} />}
      {job.error && <Alert color="red">{job.error}</Alert>}
    </Stack>
  );
}
