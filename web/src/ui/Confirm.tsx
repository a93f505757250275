import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { ErrorNote } from './notes';

interface Props {
  opened: boolean;
  title: string;
  /** What will happen, and what will be lost. */
  children: ReactNode;
  /** What the button says: the verb, not "OK". */
  verb: string;
  pending?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm({
  opened,
  title,
  children,
  verb,
  pending = false,
  error,
  onConfirm,
  onClose,
}: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} centered>
      <Stack gap="md">
        <Text component="div" size="sm">
          {children}
        </Text>
        <ErrorNote error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red" onClick={onConfirm} loading={pending}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
