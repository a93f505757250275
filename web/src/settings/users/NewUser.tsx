import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import type { Schemas, UserRole } from '../../api/types';
import { CopyLine } from '../../ui/copy';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { RoleSelect } from '../RoleSelect';
import { useCreateUser } from './users';

export function NewUser({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const create = useCreateUser();
  const close = () => {
    create.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="New user">
      {create.data ? <Made user={create.data} onClose={close} /> : <Form create={create} onCancel={close} />}
    </Modal>
  );
}

function Form({ create, onCancel }: { create: ReturnType<typeof useCreateUser>; onCancel: () => void }) {
  const form = useApiForm({ name: '', email: '', role: 'operator' as UserRole }, create.error);
  return (
    <form onSubmit={form.onSubmit((body) => create.mutate(body))}>
      <Stack gap="md">
        <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
        <TextInput
          label="E-mail address"
          type="email"
          description="To log in with; nothing is sent to it"
          required
          {...form.getInputProps('email')}
        />
        <RoleSelect {...form.getInputProps('role')} />
        <ErrorNote error={create.error} shown={['name', 'email', 'role']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Make the account
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ user, onClose }: { user: Schemas['UserCreated']; onClose: () => void }) {
  return (
    <Stack gap="md">
      <Text size="sm">
        {user.name} can log in as <b>{user.email}</b>.
      </Text>
      {user.password && (
        <Alert color="yellow" title="Copy the password now">
          <Text size="sm" mb="xs">
            It is shown only here. Tell it over a safe channel, and have it changed after the first log-in.
          </Text>
          <CopyLine text={user.password} label="The first password" />
        </Alert>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
