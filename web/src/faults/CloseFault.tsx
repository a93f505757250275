import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';
import { useCloseFault } from './faults';

export function CloseFault({ fault }: { fault: string }) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" onClick={open}>
        Close the fault
      </Button>
      <Modal opened={opened} onClose={close} title="Close the fault by hand">
        <Reason fault={fault} onDone={close} />
      </Modal>
    </>
  );
}

function Reason({ fault, onDone }: { fault: string; onDone: () => void }) {
  const closure = useCloseFault(fault);
  const form = useApiForm({ reason: '' }, closure.error);
  return (
    <form onSubmit={form.onSubmit(({ reason }) => closure.mutate(reason, { onSuccess: onDone }))}>
      <Stack gap="md">
        <Text size="sm">
          A fault closes by itself when its cause is gone. If it still exists, it is opened again as a new
          one.
        </Text>
        <Textarea
          label="Reason"
          required
          autosize
          minRows={2}
          data-autofocus
          {...form.getInputProps('reason')}
        />
        <ErrorNote error={closure.error} shown={['reason']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={closure.isPending}>
            Close the fault
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
