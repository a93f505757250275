import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { sentence } from '../../api/error';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { Answer, ErrorNote } from '../../ui/notes';
import { planQuery, useConfigureRouter } from './router';

interface Props {
  site: string;
  /** In how many places the router differs. */
  steps: number;
  repair: Schemas['Repair'];
}

/** Somebody changed on the router what is configured here. */
export function Drift({ site, steps, repair }: Props) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <Alert
      color="yellow"
      icon={<IconArrowsDiff aria-hidden />}
      title="The router differs from what is configured"
    >
      <Text size="sm" mb="xs">
        {steps === 1 ? 'One change' : `${steps} changes`} would put it right.
        {repair === 'automatic' && ' They are made by themselves shortly.'}
      </Text>
      <Button size="xs" variant="default" onClick={open}>
        Show the changes
      </Button>
      <PlanDialog site={site} opened={opened} onClose={close} />
    </Alert>
  );
}

/** What would be changed on the router, read from it now, and the button that does it. */
export function PlanDialog({
  site,
  opened,
  onClose,
}: {
  site: string;
  opened: boolean;
  onClose: () => void;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title="Changes on the router" size="xl">
      {opened && <Plan site={site} onClose={onClose} />}
    </Modal>
  );
}

function Plan({ site, onClose }: { site: string; onClose: () => void }) {
  const plan = useQuery(planQuery(site));
  const configure = useConfigureRouter(site);
  const mayConfigure = useMay('operator');
  const navigate = useNavigate();
  return (
    <Stack gap="md">
      <Answer of={plan}>{(data) => <PlanSteps plan={data} />}</Answer>
      <ErrorNote error={configure.error} />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        {mayConfigure && plan.data && plan.data.steps.length > 0 && (
          <Button
            loading={configure.isPending}
            onClick={() =>
              configure.mutate(undefined, {
                onSuccess: ({ job }) => navigate({ to: '/jobs/$job', params: { job: job.id } }),
              })
            }
          >
            Make these changes
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** The steps of a plan with the commands that the router gets. */
export function PlanSteps({ plan }: { plan: Schemas['RouterPlan'] }) {
  if (plan.steps.length === 0) {
    return <Text size="sm">The router is as it should be: nothing would be changed.</Text>;
  }
  return (
    <Stack gap="sm" component="ol" pl="lg" m={0}>
      {plan.steps.map((step) => (
        <li key={step.command}>
          <Text size="sm">{sentence(step.summary)}</Text>
          <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {step.command}
          </Code>
        </li>
      ))}
    </Stack>
  );
}
