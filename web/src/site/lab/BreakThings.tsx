import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { Answer, ErrorNote } from '../../ui/notes';
import { labQuery, serverQuery, useSetLine } from './lab';

/** In a lab: what cuts its internet connections and repairs them, so that one can watch what happens. */
export function BreakThings() {
  const mayBreak = useMay('operator');
  const { data: server } = useQuery(serverQuery);
  return mayBreak && server?.lab ? <Panel /> : null;
}

function Panel() {
  const lab = useQuery(labQuery);
  return (
    <Paper withBorder p="md" mb="md" component="section" aria-label="Break things">
      <Title order={2} size="h5">
        Break things
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        This server runs in a lab, with a router and ISPs of its own. Cut a line and watch where the traffic
        goes.
      </Text>
      <Answer of={lab}>
        {({ lines }) => (
          <Group component="ul" gap="lg" p={0} m={0} style={{ listStyle: 'none' }}>
            {lines.map((line) => (
              <Line key={line.isp} line={line} />
            ))}
          </Group>
        )}
      </Answer>
    </Paper>
  );
}

const states: Record<Schemas['LineState'], { label: string; color: string }> = {
  working: { label: 'Working', color: 'teal' },
  cut: { label: 'Uplink cut', color: 'red' },
  unplugged: { label: 'Cable out', color: 'red' },
};

function Line({ line }: { line: Schemas['LabLine'] }) {
  const set = useSetLine(line.isp);
  // At once, and not when the answer is here: what is pressed looks pressed.
  const now = set.isPending ? set.variables : line.state;
  return (
    <li>
      <Stack gap={4} role="group" aria-label={line.isp}>
        <Text size="sm">
          <b>{line.isp}</b>{' '}
          <Text span size="xs" c="dimmed">
            {line.interface}
          </Text>
        </Text>
        <Button.Group>
          {(Object.keys(states) as Schemas['LineState'][]).map((state) => (
            <Button
              key={state}
              size="xs"
              variant={state === now ? 'light' : 'default'}
              color={states[state].color}
              aria-pressed={state === now}
              onClick={() => set.mutate(state)}
            >
              {states[state].label}
            </Button>
          ))}
        </Button.Group>
      </Stack>
      <ErrorNote error={set.error} />
    </li>
  );
}
