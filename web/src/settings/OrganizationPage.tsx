import { Button, Paper, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../api/types';
import { useMay } from '../session/session';
import { useApiForm } from '../ui/form';
import { Answer, ErrorNote } from '../ui/notes';
import { Time } from '../ui/Time';
import { organizationQuery, useRenameOrganization } from './organization';

export function OrganizationPage() {
  const organization = useQuery(organizationQuery);
  return <Answer of={organization}>{(data) => <Shown organization={data} />}</Answer>;
}

function Shown({ organization }: { organization: Schemas['Organization'] }) {
  const mayChange = useMay('owner');
  const rename = useRenameOrganization();
  const form = useApiForm({ name: organization.name }, rename.error);
  const submit = form.onSubmit(({ name }) =>
    rename.mutate(name, {
      onSuccess: () => notifications.show({ message: 'The name is changed.', color: 'teal' }),
    }),
  );
  return (
    <Paper withBorder p="md" maw={560}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Name"
            required
            readOnly={!mayChange}
            description={mayChange ? undefined : 'Only an owner can change it'}
            {...form.getInputProps('name')}
          />
          <Text size="sm" c="dimmed">
            Made <Time at={organization.created_at} />
          </Text>
          <ErrorNote error={rename.error} shown={['name']} />
          {mayChange && (
            <Button
              type="submit"
              loading={rename.isPending}
              disabled={form.values.name === organization.name}
              style={{ alignSelf: 'flex-start' }}
            >
              Save
            </Button>
          )}
        </Stack>
      </form>
    </Paper>
  );
}
