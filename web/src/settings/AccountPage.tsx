import {
  Button,
  Paper,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { api, ok } from '../api/client';
import type { Schemas } from '../api/types';
import { useMe } from '../session/session';
import { Facts } from '../ui/Facts';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';
import { Time } from '../ui/Time';

export function AccountPage() {
  const me = useMe();
  return (
    <Stack gap="md" maw={560}>
      <Paper withBorder p="md" component="section">
        <Title order={2} size="h5" mb="sm">
          You
        </Title>
        <Facts
          facts={[
            ['Name', me.actor.name],
            ['Role', me.role],
            ['Organization', me.organization.name],
            ['Logged in until', me.expires_at && <Time key="until" at={me.expires_at} />],
          ]}
        />
      </Paper>
      <Appearance />
      {me.actor.kind === 'user' && <Password />}
    </Stack>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">
        Appearance
      </Title>
      <SegmentedControl
        aria-label="Appearance"
        value={colorScheme}
        onChange={(scheme) => setColorScheme(scheme === 'light' || scheme === 'dark' ? scheme : 'auto')}
        data={[
          { value: 'auto', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
      />
      <Text size="sm" c="dimmed" mt="xs">
        Kept in this browser. Times are shown in UTC; point at one for your local time.
      </Text>
    </Paper>
  );
}

function Password() {
  const change = useMutation({
    mutationFn: (body: Schemas['ChangePassword']) => ok(api.PUT('/api/v1/session/password', { body })),
  });
  const form = useApiForm({ current: '', new: '' }, change.error);
  const submit = form.onSubmit((body) =>
    change.mutate(body, {
      onSuccess: () => {
        form.reset();
        notifications.show({
          message: 'Your password is changed. Your other sessions have ended.',
          color: 'teal',
        });
      },
    }),
  );
  return (
    <Paper withBorder p="md" component="section">
      <Title order={2} size="h5" mb="sm">
        Password
      </Title>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
            {...form.getInputProps('current')}
          />
          <PasswordInput
            label="New password"
            description="At least 12 characters"
            autoComplete="new-password"
            required
            visibilityToggleButtonProps={{ 'aria-label': 'Show the new password' }}
            {...form.getInputProps('new')}
          />
          <ErrorNote error={change.error} shown={['current', 'new']} />
          <Button type="submit" loading={change.isPending} style={{ alignSelf: 'flex-start' }}>
            Change the password
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
