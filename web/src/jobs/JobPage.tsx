import { Alert, Button, Grid, Paper, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import type { Job } from '../api/types';
import { useMay } from '../session/session';
import { siteQuery } from '../sites/sites';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { TextLink } from '../ui/links';
import { Answer, ErrorNote } from '../ui/notes';
import { Page } from '../ui/Page';
import { StateBadge } from '../ui/StateBadge';
import { Steps } from '../ui/Steps';
import { jobKinds, jobStates } from '../ui/states';
import { Time } from '../ui/Time';
import { JobLog } from './JobLog';
import { goesOn, jobQuery, useCancelJob, useRetryJob } from './jobs';

export function JobPage() {
  const { job: id } = useParams({ from: '/inside/jobs/$job' });
  const job = useQuery(jobQuery(id));
  return <Answer of={job}>{(data) => <Shown job={data} />}</Answer>;
}

function Shown({ job }: { job: Job }) {
  const mayAct = useMay('operator');
  return (
    <Page
      title={jobKinds[job.kind]}
      above={
        <Text size="sm">
          <TextLink to="/jobs">Jobs</TextLink>
          {job.site_id && (
            <>
              {' · '}
              <SiteLink site={job.site_id} />
            </>
          )}
        </Text>
      }
      actions={mayAct && (goesOn(job) ? <CancelJob job={job} /> : <RetryJob job={job} />)}
    >
      {job.error && (
        <Alert color="red" title="It failed">
          {job.error}
        </Alert>
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="md">
            <Paper withBorder p="md" component="section">
              <Title order={2} size="h5" mb="md">
                Steps
              </Title>
              <Steps steps={job.steps} />
            </Paper>
            <JobLog job={job.id} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack gap="md">
            <Paper withBorder p="md" component="section">
              <Title order={2} size="h5" mb="sm">
                Facts
              </Title>
              <Facts
                facts={[
                  ['State', <StateBadge key="state" look={jobStates[job.state]} />],
                  ['Asked for by', job.requested_by],
                  ['Asked for', <Time key="asked" at={job.created_at} />],
                  ['Began', job.started_at && <Time key="began" at={job.started_at} />],
                  ['Ended', job.ended_at && <Time key="ended" at={job.ended_at} />],
                ]}
              />
            </Paper>
          </Stack>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

/** Only what did not succeed is worth doing again. */
function RetryJob({ job }: { job: Job }) {
  const navigate = useNavigate();
  const retry = useRetryJob(job.id);
  if (job.state === 'succeeded') return null;
  return (
    <>
      <ErrorNote error={retry.error} />
      <Button
        loading={retry.isPending}
        onClick={() =>
          retry.mutate(undefined, {
            onSuccess: (made) => navigate({ to: '/jobs/$job', params: { job: made.job.id } }),
          })
        }
      >
        Try it again
      </Button>
    </>
  );
}

function SiteLink({ site }: { site: string }) {
  const { data, error } = useQuery(siteQuery(site));
  if (error) return 'a removed site';
  return (
    <TextLink to="/sites/$site" params={{ site }}>
      {data?.name ?? '…'}
    </TextLink>
  );
}

function CancelJob({ job }: { job: Job }) {
  const [opened, { open, close }] = useDisclosure();
  const cancel = useCancelJob(job.id);
  return (
    <>
      <Button variant="default" onClick={open}>
        Cancel the job
      </Button>
      <Confirm
        opened={opened}
        title="Cancel this job?"
        verb="Cancel the job"
        pending={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate(undefined, { onSuccess: close })}
        onClose={close}
      >
        The step under way is finished, the rest is left undone.
      </Confirm>
    </>
  );
}
