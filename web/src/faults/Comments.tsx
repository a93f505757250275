import { Button, Group, Paper, Stack, Text, Textarea, Title } from '@mantine/core';
import type { Schemas } from '../api/types';
import { useMay } from '../session/session';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';
import { Ago } from '../ui/Time';
import { useComment } from './faults';

export function Comments({ fault }: { fault: Schemas['FaultDetail'] }) {
  const mayWrite = useMay('operator');
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">
        Comments
      </Title>
      <Stack gap="sm">
        {fault.comments.length === 0 && (
          <Text size="sm" c="dimmed">
            Nobody has written anything yet: what was found, whom you called, what the ISP said.
          </Text>
        )}
        {fault.comments.map((comment) => (
          <div key={comment.id}>
            <Text size="sm" c="dimmed">
              {comment.author} · <Ago at={comment.at} />
            </Text>
            <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {comment.text}
            </Text>
          </div>
        ))}
        {mayWrite && <NewComment fault={fault.id} />}
      </Stack>
    </Paper>
  );
}

function NewComment({ fault }: { fault: string }) {
  const comment = useComment(fault);
  const form = useApiForm({ text: '' }, comment.error);
  return (
    <form onSubmit={form.onSubmit(({ text }) => comment.mutate(text, { onSuccess: () => form.reset() }))}>
      <Stack gap="xs">
        <Textarea
          aria-label="New comment"
          placeholder="Write a comment"
          autosize
          minRows={2}
          required
          {...form.getInputProps('text')}
        />
        <ErrorNote error={comment.error} shown={['text']} />
        <Group justify="flex-end">
          <Button
            type="submit"
            variant="light"
            loading={comment.isPending}
            disabled={form.values.text.trim() === ''}
          >
            Add the comment
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
