import { ActionIcon, Button, Group, Menu, Modal, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots } from '@tabler/icons-react';
import type { User } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { RoleSelect } from '../RoleSelect';
import { useChangeUser, useRemoveUser } from './users';

/** What can be done to a user. */
export function EditUser({ user }: { user: User }) {
  const [editing, edit] = useDisclosure();
  const [removing, remove] = useDisclosure();
  const [disabling, disable] = useDisclosure();
  const change = useChangeUser(user.id);
  const removal = useRemoveUser(user.id);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${user.name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={edit.open}>Change</Menu.Item>
          {user.disabled_at ? (
            <Menu.Item onClick={() => change.mutate({ disabled: false })}>Let them log in again</Menu.Item>
          ) : (
            <Menu.Item onClick={disable.open}>Disable</Menu.Item>
          )}
          <Menu.Item color="red" onClick={remove.open}>
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={editing} onClose={edit.close} title={`Change ${user.name}`}>
        <Form user={user} onDone={edit.close} />
      </Modal>
      <Confirm
        opened={disabling}
        title={`Disable ${user.name}?`}
        verb="Disable"
        pending={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate({ disabled: true }, { onSuccess: disable.close })}
        onClose={disable.close}
      >
        They are logged out at once and cannot log in until you let them.
      </Confirm>
      <Confirm
        opened={removing}
        title={`Remove ${user.name}?`}
        verb="Remove"
        pending={removal.isPending}
        error={removal.error}
        onConfirm={() => removal.mutate(undefined, { onSuccess: remove.close })}
        onClose={remove.close}
      >
        The account is gone for good. What they did stays in the audit log. To keep the account, disable it
        instead.
      </Confirm>
    </>
  );
}

function Form({ user, onDone }: { user: User; onDone: () => void }) {
  const change = useChangeUser(user.id);
  const form = useApiForm({ name: user.name, role: user.role, password: '' }, change.error);
  const submit = form.onSubmit(({ name, role, password }) =>
    change.mutate({ name, role, ...(password && { password }) }, { onSuccess: onDone }),
  );
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
        <RoleSelect {...form.getInputProps('role')} />
        <PasswordInput
          label="New password"
          description="Leave it empty to keep the password. A new one logs them out everywhere."
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
          {...form.getInputProps('password')}
        />
        <ErrorNote error={change.error} shown={['name', 'role', 'password']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={change.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
