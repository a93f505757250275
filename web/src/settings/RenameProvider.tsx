import { ActionIcon, Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPencil } from '@tabler/icons-react';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';
import { type Provider, useRenameProvider } from './providers';

/** Gives a provider another name in every tunnel that names it. */
export function RenameProvider({ provider }: { provider: Provider }) {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <ActionIcon variant="subtle" onClick={open} aria-label={`Rename ${provider.name}`}>
        <IconPencil size={16} aria-hidden />
      </ActionIcon>
      <Modal opened={opened} onClose={close} title={`Rename ${provider.name}`}>
        <Form provider={provider} onDone={close} />
      </Modal>
    </>
  );
}

function Form({ provider, onDone }: { provider: Provider; onDone: () => void }) {
  const rename = useRenameProvider(provider.name);
  const form = useApiForm({ provider: provider.name }, rename.error);
  const { tunnels } = provider;
  return (
    <form onSubmit={form.onSubmit((values) => rename.mutate(values.provider, { onSuccess: onDone }))}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description={`Changed in the settings of ${tunnels === 1 ? 'one tunnel' : `${tunnels} tunnels`}. The name of another provider makes the two one.`}
          required
          maxLength={100}
          data-autofocus
          {...form.getInputProps('provider')}
        />
        <ErrorNote error={rename.error} shown={['provider']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={rename.isPending}>
            Rename
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
