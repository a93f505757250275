import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import type { Schemas, UserRole } from '../../api/types';
import { CopyLine } from '../../ui/copy';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { RoleSelect } from '../RoleSelect';
import { useCreateToken } from './tokens';

const lives = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: '', label: 'Until it is revoked' },
];

export function NewToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const create = useCreateToken();
  const close = () => {
    create.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="New API token">
      {create.data ? <Made token={create.data} onClose={close} /> : <Form create={create} onCancel={close} />}
    </Modal>
  );
}

function Form({ create, onCancel }: { create: ReturnType<typeof useCreateToken>; onCancel: () => void }) {
  const form = useApiForm({ name: '', role: 'viewer' as UserRole, days: '90' }, create.error);
  const submit = form.onSubmit(({ name, role, days }) =>
    create.mutate({ name, role, expires_at: days ? inDays(Number(days)) : null }),
  );
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="The program that will use it"
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
        <RoleSelect {...form.getInputProps('role')} />
        <Select label="Good for" data={lives} allowDeselect={false} {...form.getInputProps('days')} />
        <ErrorNote error={create.error} shown={['name', 'role']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ token, onClose }: { token: Schemas['TokenCreated']; onClose: () => void }) {
  return (
    <Stack gap="md">
      <Alert color="yellow" title="Copy the token now">
        <Text size="sm" mb="xs">
          It is shown only here. Programs send it as <code>Authorization: Bearer …</code>
        </Text>
        <CopyLine text={token.secret} label="The token" />
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}
