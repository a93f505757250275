import { Alert, Button, Center, Group, Loader, Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertCircle, type TablerIcon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiError, generalError } from '../api/error';

/** What a request was refused with, where no field is at fault. `shown` names the fields that say it themselves. */
export function ErrorNote({
  error,
  shown,
  retry,
}: {
  error: unknown;
  shown?: readonly string[];
  retry?: () => void;
}) {
  const message = generalError(error, shown);
  if (!message) return null;
  const request = error instanceof ApiError ? error.requestId : undefined;
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle aria-hidden />} role="alert">
      <Group justify="space-between" gap="sm">
        <div>
          <Text size="sm">{message}</Text>
          {request && (
            <Text size="xs" c="dimmed">
              Request {request}
            </Text>
          )}
        </div>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** Takes the place of a list that has nothing to show, and says what would be there and how it gets there. */
export function EmptyState(props: {
  icon: TablerIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  order?: 1 | 2;
}) {
  const { icon: Icon, title, children, action, order = 2 } = props;
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap="sm" ta="center">
        <ThemeIcon size={56} radius="xl" variant="light" color="gray">
          <Icon size={30} aria-hidden />
        </ThemeIcon>
        <Title order={order} size="h4">
          {title}
        </Title>
        {children && (
          <Text component="div" c="dimmed" maw="60ch">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Paper>
  );
}

/** While something is read. */
export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <Center p="xl" role="status" aria-label={what}>
      <Loader />
    </Center>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** Shows an answer of the API: its loading, its error, or what `children` makes of it. */
export function Answer<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return children(of.data);
  if (of.error) return <ErrorNote error={of.error} retry={() => void of.refetch()} />;
  return <Loading />;
}
