import { Code, Paper, ScrollArea, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Answer } from '../ui/notes';
import { jobLogQuery } from './jobs';

const looks = { command: undefined, answer: 'dimmed', note: 'blue' } as const;
const signs = { command: '> ', answer: '  ', note: '# ' } as const;

/** The commands that a router got, what it answered, and what we made of it. */
export function JobLog({ job }: { job: string }) {
  const log = useQuery(jobLogQuery(job));
  return (
    <Answer of={log}>
      {(lines) =>
        lines.length === 0 ? null : (
          <Paper withBorder p="md" component="section">
            <Title order={2} size="h5" mb="sm">
              Commands and answers
            </Title>
            <ScrollArea.Autosize
              mah={480}
              viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': 'Commands and answers' }}
            >
              <Stack gap={2}>
                {lines.map(({ ordinal, kind, text, at }) => (
                  <Text key={ordinal} size="xs" c={looks[kind]} title={at} style={{ whiteSpace: 'pre-wrap' }}>
                    <Code bg="none" p={0} c="inherit">
                      {signs[kind]}
                      {text}
                    </Code>
                  </Text>
                ))}
              </Stack>
            </ScrollArea.Autosize>
          </Paper>
        )
      }
    </Answer>
  );
}
