import { Box, Center, Group, Paper, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Logo } from '../ui/Logo';
import { useTitle } from '../ui/Page';

/** The frame of the pages before the log-in. */
export function AuthLayout({ title, children }: { title: string; children: ReactNode }) {
  useTitle(title);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Box w="100%" maw={420}>
        <Stack gap="lg">
          <Group justify="center" gap="xs">
            <Logo size={36} />
            <Title order={2} size="h2" component="p">
              Holdfast
            </Title>
          </Group>
          <Paper withBorder shadow="sm" p="xl">
            <Stack gap="md">
              <Title order={1} size="h3">
                {title}
              </Title>
              {children}
            </Stack>
          </Paper>
        </Stack>
      </Box>
    </Center>
  );
}
